/** Chance from a seed. */
export interface Random {
  /** [0, 1). */
  next(): number;
  chance(probability: number): boolean;
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number;
  pick<T>(from: readonly T[]): T;
  /** Exponentially distributed around `mean`, at most eight times it. */
  around(mean: number): number;
  /** A stream of its own for a part with this name: what one part draws does not shift another. */
  fork(name: string): Random;
}

/** Makes a generator (mulberry32: 32 bits of state are enough to draw faults). */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    chance: (probability) => next() < probability,
    between: (low, high) => low + Math.floor(next() * (high - low + 1)),
    pick: (from) => from[Math.floor(next() * from.length)]!,
    around: (mean) => Math.min(8 * mean, -Math.log(1 - next()) * mean),
    fork: (name) =>
      createRandom(
        [...name].reduce((hash, char) => Math.imul(hash ^ char.charCodeAt(0), 0x01000193), seed ^ 0x811c9dc5),
      ),
  };
}
