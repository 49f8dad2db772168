/** Work of a block: about half a millisecond. */
const STEPS = 4_096;
const WORDS = 1 << 15;

/** What stands for this machine: it reads memory that no cache holds whole, counts in whole numbers, looks up text, and makes objects. */
export function createKernel(): () => number {
  const words = Uint32Array.from({ length: WORDS }, (_, i) => Math.imul(i, 2_654_435_761));
  const names = Array.from({ length: 1_024 }, (_, i) => `name:${i}`);
  const values = new Map(names.map((name, i) => [name, { left: i }]));
  let state = 1;
  return () => {
    let kept = { sum: 0, next: 0 };
    for (let step = 0; step < STEPS; step++) {
      state = (Math.imul(state, 1_664_525) + words[(state >>> 8) & (WORDS - 1)]!) | 0;
      const value = values.get(names[state & 1_023]!)!;
      value.left = (value.left + step) & 0xffff;
      words[(state >>> 4) & (WORDS - 1)] = value.left;
      kept = { sum: (kept.sum + value.left) & 0xffffff, next: state };
    }
    return kept.sum;
  };
}

/** Steps of a block. */
export const kernelSteps = STEPS;
