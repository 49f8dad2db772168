import { GuardError } from "./guard-error.ts";

/** A public function, by which its own frame is found. */
type PublicFunction = (...args: never[]) => unknown;

/**
 * Lets a mistake's stack begin at the line that made it, where the runtime can (V8 and those that follow it): what lies
 * between is ours, and alone fills the ten frames that are kept. `method` is the function as it is declared: one bound to an
 * object has no frame.
 */
export function atCaller(error: unknown, method: PublicFunction): unknown {
  const { captureStackTrace } = Error as { captureStackTrace?: (error: object, above: PublicFunction) => void };
  if (error instanceof GuardError) captureStackTrace?.(error, method);
  return error;
}

/** What `read` returns; what it throws is told as of whoever called `method`. */
export function forCaller<T>(method: PublicFunction, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw atCaller(error, method);
  }
}

/**
 * What an error that came later rejects with: its stack begins at the lines that await the call, where the runtime follows them (V8's
 * async stack traces). Costs nothing where no call fails: who awaits is looked for from the failure, and not remembered by each call.
 */
async function atAwaiter(error: unknown): Promise<never> {
  // By then the caller's promise follows this one, and through it the trace is found.
  await null;
  await null;
  if (error instanceof GuardError) {
    const { stack } = error;
    atCaller(error, atAwaiter);
    // Nobody awaits it, or the runtime does not tell: where it was noticed is better than nothing.
    if (!/\n\s+at /.test(error.stack ?? "") && stack !== undefined) error.stack = stack;
  }
  throw error;
}

/** A promise as of `new Promise`; what `start` throws or rejects with is told as of whoever called `method`, or awaits it. */
export function promiseFor<T>(
  method: PublicFunction,
  start: (resolve: (value: T | PromiseLike<T>) => void, reject: (error: unknown) => void) => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    try {
      start(resolve, (error) => resolve(atAwaiter(error)));
    } catch (error) {
      reject(atCaller(error, method));
    }
  });
}

/** Lets methods be taken from their object: `const { allow } = createGuard()` works. */
export function bindMethods<T extends object>(object: T): T {
  const prototype = Object.getPrototypeOf(object) as Record<string, unknown>;
  for (const name of Object.getOwnPropertyNames(prototype)) {
    const method = prototype[name];
    if (name === "constructor" || typeof method !== "function") continue;
    Object.defineProperty(object, name, { value: method.bind(object), writable: true, configurable: true });
  }
  return object;
}
