/** A seeded source of chance. Everything that a simulation decides comes from one of these, so that a seed replays it. */
export interface Random {
  /** [0, 2^32). */
  uint32(): number;
  /** [0, 1). */
  float(): number;
  /** An integer in [0, bound); 0 for a bound below 1. */
  below(bound: number): number;
  /** An integer in [from, to]. */
  between(from: number, to: number): number;
  chance(probability: number): boolean;
  /** A positive number whose mean is `mean`: the time between events that happen at a steady rate. */
  exponential(mean: number): number;
  pick<T>(values: readonly T[]): T;
  bytes(length: number): Uint8Array;
  /** A source of its own, so that drawing more here does not shift what is drawn there. */
  fork(label: string): Random;
}

/** Scrambles 32 bits so that neighbouring seeds share nothing (the finalizer of MurmurHash3). */
function scramble(value: number): number {
  let bits = value >>> 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** sfc32: small, fast, with 128 bits of state and a counter that rules out short cycles. */
function createSfc32(seed: number): () => number {
  let a = scramble(seed);
  let b = scramble(seed + 0x9e3779b9);
  let c = scramble(Math.floor(seed / 0x1_0000_0000) ^ 0x5bd1e995);
  let counter = 1;
  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return sum >>> 0;
  };
  for (let round = 0; round < 12; round++) next();
  return next;
}

/** A source that gives the same numbers in every run of the same seed. @param seed An integer in [0, 2^53). */
export function createRandom(seed: number): Random {
  const uint32 = createSfc32(seed);
  const float = () => uint32() / 0x1_0000_0000;
  const below = (bound: number) => (bound < 1 ? 0 : Math.floor(float() * bound));
  return {
    uint32,
    float,
    below,
    between: (from, to) => from + below(to - from + 1),
    chance: (probability) => float() < probability,
    exponential: (mean) => -Math.log(1 - float()) * mean,
    pick: (values) => values[below(values.length)]!,
    bytes(length) {
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length; at++) bytes[at] = uint32() & 0xff;
      return bytes;
    },
    fork(label) {
      let hash = uint32();
      for (let at = 0; at < label.length; at++) hash = scramble(hash ^ label.charCodeAt(at)) + at;
      return createRandom((uint32() & 0xfffff) * 0x1_0000_0000 + (hash >>> 0));
    },
  };
}
