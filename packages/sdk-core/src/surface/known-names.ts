import { GuardError } from "./guard-error.ts";

/** The names that an object of one kind may have, and what that kind is called in a message. */
export interface KnownNames {
  /** Such as "an option of a guard". */
  readonly what: string;
  readonly names: ReadonlySet<string>;
  /** Names that look right and are not, with what to do instead. */
  readonly advice: Readonly<Record<string, string>>;
}

/** Names of one kind of object. */
export function knownNames(
  what: string,
  names: readonly string[],
  advice: Readonly<Record<string, string>> = {},
): KnownNames {
  return { what, names: new Set(names), advice };
}

/**
 * Refuses names that nobody reads: a misspelt option would otherwise change nothing and say nothing. Names with the
 * value undefined are refused as well, since it is the name that is wrong.
 *
 * @throws {GuardError} invalid_argument, naming the field, the nearest known name and all known names.
 */
export function checkNames(object: object, known: KnownNames, path = ""): void {
  // No list is made: this is on the path of every call that has options.
  for (const name in object) {
    // What others put on every object's prototype is not the caller's.
    if (!known.names.has(name) && Object.hasOwn(object, name)) throw unknownName(object, name, known, path);
  }
}

function unknownName(object: object, name: string, known: KnownNames, path: string): GuardError {
  const field = path === "" ? name : `${path}.${name}`;
  const nearest = nearestName(name, known.names);
  const advice = Object.hasOwn(known.advice, name) ? known.advice[name] : null;
  const hint = advice ?? (nearest === null ? null : `did you mean ${nearest}?`);
  const all = [...known.names];
  const message = [`${field}: it is not ${known.what}`, hint, `known are ${all.join(", ")}`];
  return new GuardError("invalid_argument", message.filter((part) => part !== null).join("; "), {
    details: { field, value: (object as Record<string, unknown>)[name], nearest, known: all },
  });
}

/**
 * The known name that was most likely meant; null if none is alike. The command line has a rule of its own, since
 * its names have neither capitals nor units to leave out; to share the rest would take an export that no user wants.
 */
export function nearestName(name: string, names: Iterable<string>): string | null {
  const wanted = name.toLowerCase();
  let nearest: string | null = null;
  let fewest = Number.POSITIVE_INFINITY;
  for (const known of names) {
    const candidate = known.toLowerCase();
    // Half a word is as good as a few slips: `timeout` is `timeoutMs`, `url` is nothing.
    const begins = wanted.length >= 3 && (candidate.startsWith(wanted) || wanted.startsWith(candidate));
    const edits = begins ? 1 : editDistance(wanted, candidate);
    if (edits < fewest && edits <= Math.max(1, Math.floor(candidate.length / 3))) {
      fewest = edits;
      nearest = known;
    }
  }
  return nearest;
}

/** Letters to insert, remove, replace or swap with their neighbours until one word is the other. Only for words too short to matter. */
function editDistance(a: string, b: string): number {
  if (a.length > 40) return Number.POSITIVE_INFINITY;
  let above: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwap ? above[j - 2]! + 1 : Number.POSITIVE_INFINITY;
      next.push(Math.min(replaced, swapped, row[j]! + 1, next[j - 1]! + 1));
    }
    above = row;
    row = next;
  }
  return row[b.length]!;
}
