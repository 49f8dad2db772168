/**
 * Remembers the configurations (operations placed, state reached) that a search has seen, as Lowe (2017) adds to the
 * algorithm of Wing & Gong (1993): a configuration that failed once fails again. So does one that only has less left to
 * choose from: the same state after the same necessary operations, and after more of those that need not be placed at
 * all. Whatever order completes it would complete the other too. Hashes only find candidates; they are compared exactly.
 */
export interface StateCache<State> {
  /**
   * False if this configuration was there before, or one with as much done and nothing spent that this one has not spent.
   * The first hash is of what is done and of the state, the second of what is spent.
   */
  add(doneHash: number, spentHash: number, placed: Uint32Array, state: State): boolean;
  readonly size: number;
}

/** How many configurations with as much done are asked whether they spent less; equal ones are found among all. */
const thriftyAsked = 256;

/** Makes an empty cache for bit sets as long as `optional`, which has the bits of what need not be placed. */
export function createStateCache<State>(
  optional: Uint32Array,
  equal: (one: State, other: State) => boolean,
): StateCache<State> {
  const words = optional.length;
  const canSpend = optional.some((word) => word !== 0);
  /** Last configuration by both hashes; each leads to the one before it of the same hash. */
  const last = new Map<number, number>();
  const before: number[] = [];
  /** The same by the hash of what is done. */
  const lastDone = new Map<number, number>();
  const beforeDone: number[] = [];
  const states: State[] = [];
  let bits = new Uint32Array(64 * words);

  const sameBits = (at: number, placed: Uint32Array): boolean => {
    const start = at * words;
    for (let word = 0; word < words; word++) if (bits[start + word] !== placed[word]) return false;
    return true;
  };

  /** Whether all that was placed there is placed here, and what is placed only here is optional. */
  const spentNoMore = (at: number, placed: Uint32Array): boolean => {
    const start = at * words;
    for (let word = 0; word < words; word++) {
      const [there, here] = [bits[start + word]!, placed[word]!];
      if ((there & ~here) !== 0 || (here & ~there & ~optional[word]!) !== 0) return false;
    }
    return true;
  };

  return {
    get size() {
      return states.length;
    },
    add(doneHash, spentHash, placed, state) {
      const hash = (doneHash ^ spentHash) | 0;
      const head = last.get(hash) ?? -1;
      for (let at = head; at >= 0; at = before[at]!)
        if (sameBits(at, placed) && equal(states[at]!, state)) return false;
      const at = states.length;
      if (canSpend) {
        const headDone = lastDone.get(doneHash) ?? -1;
        let asked = 0;
        for (let other = headDone; other >= 0 && asked < thriftyAsked; other = beforeDone[other]!, asked++)
          if (spentNoMore(other, placed) && equal(states[other]!, state)) return false;
        beforeDone.push(headDone);
        lastDone.set(doneHash, at);
      }
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
