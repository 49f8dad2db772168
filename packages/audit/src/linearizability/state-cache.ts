/**
 * Remembers the configurations (operations placed, state reached) that a search has seen, as Lowe (2017) adds to the
 * algorithm of Wing & Gong (1993): a configuration that failed once fails again. Hashes only find candidates; they are
 * compared exactly.
 */
export interface StateCache<State> {
  /** False if this configuration was there before. */
  add(hash: number, placed: Uint32Array, state: State): boolean;
  readonly size: number;
}

/** Makes an empty cache for bit sets of `words` words. */
export function createStateCache<State>(
  words: number,
  equal: (one: State, other: State) => boolean,
): StateCache<State> {
  /** Last configuration by hash; each leads to the one before it of the same hash. */
  const last = new Map<number, number>();
  const before: number[] = [];
  const states: State[] = [];
  let bits = new Uint32Array(64 * words);

  const sameBits = (at: number, placed: Uint32Array): boolean => {
    const start = at * words;
    for (let word = 0; word < words; word++) if (bits[start + word] !== placed[word]) return false;
    return true;
  };

  return {
    get size() {
      return states.length;
    },
    add(hash, placed, state) {
      const head = last.get(hash) ?? -1;
      for (let at = head; at >= 0; at = before[at]!)
        if (sameBits(at, placed) && equal(states[at]!, state)) return false;
      const at = states.length;
      if ((at + 1) * words > bits.length) {
        const wider = new Uint32Array(bits.length * 2);
        wider.set(bits);
        bits = wider;
      }
      bits.set(placed, at * words);
      states.push(state);
      before.push(head);
      last.set(hash, at);
      return true;
    },
  };
}
