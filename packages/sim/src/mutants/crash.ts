/** What an engine says when code is wrong in itself. Whoever breaks a promise says so in other words. */
const crash = /\b(TypeError|ReferenceError|SyntaxError|RangeError: Maximum call stack)\b/;

/**
 * Whether a failure is that of broken code, not of a broken promise. Such a failure proves nothing: a mutant that cannot
 * even run would be found by anything.
 */
export function isCrash(failure: string): boolean {
  return crash.test(failure);
}
