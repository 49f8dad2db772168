import { describe, expect, it } from "vitest";
import { Sampler } from "./sampler.ts";

/** A generator that repeats: a test must not depend on luck. */
function dice() {
  let state = 12_345;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return state / 0x8000_0000;
  };
}

function sampler(itemsPerSecond: number) {
  const clock = { nowMs: 0 };
  return { clock, sampler: new Sampler({ nowMs: () => clock.nowMs, random: dice(), itemsPerSecond }) };
}

/** How many of a batch are chosen. */
function chosenOf(few: Sampler, items: number): number {
  few.begin(items);
  let chosen = 0;
  for (let item = few.skip(); item < items; item += 1 + few.skip()) chosen++;
  return chosen;
}

describe("the sampler", () => {
  it("takes everything while there is little", () => {
    const { clock, sampler: few } = sampler(1_000);
    for (let i = 0; i < 500; i++) {
      clock.nowMs += 10;
      expect(chosenOf(few, 10)).toBe(10);
      expect(few.weight).toBe(1);
    }
  });

  it.each([1, 10, 500])(
    "takes about as much as it may of batches of %d, and weighs it so that the total stays true",
    (size) => {
      const { clock, sampler: many } = sampler(1_000);
      let taken = 0;
      let weighed = 0;
      // 10,000 a second for 20 seconds, of which 1,000 may be looked at.
      for (let i = 0; i < 200_000 / size; i++) {
        clock.nowMs += size / 10;
        const chosen = chosenOf(many, size);
        taken += chosen;
        weighed += chosen * many.weight;
      }
      expect(taken).toBeLessThan(30_000);
      expect(taken).toBeGreaterThan(10_000);
      expect(weighed / 200_000).toBeGreaterThan(0.9);
      expect(weighed / 200_000).toBeLessThan(1.1);
    },
  );

  it("gives each item the same chance, wherever it stands in its batch", () => {
    const { clock, sampler: many } = sampler(1_000);
    const chosen = new Array<number>(8).fill(0);
    for (let i = 0; i < 40_000; i++) {
      clock.nowMs += 1;
      many.begin(8);
      for (let item = many.skip(); item < 8; item += 1 + many.skip()) chosen[item]!++;
    }
    // One in 8, or a little less.
    const mean = chosen.reduce((sum, each) => sum + each) / 8;
    expect(mean).toBeGreaterThan(4_000);
    for (const each of chosen) expect(Math.abs(each / mean - 1)).toBeLessThan(0.06);
  });

  it("notices a burst while it lasts, and that it is over", () => {
    const { clock, sampler: burst } = sampler(1_000);
    let taken = 0;
    for (let i = 0; i < 10_000; i++) taken += chosenOf(burst, 10);
    expect(taken).toBeLessThan(2_000);
    clock.nowMs += 100;
    burst.begin(1);
    expect(burst.weight).toBe(1_000);
    clock.nowMs += 100;
    burst.begin(1);
    expect(burst.weight).toBe(1);
  });
});
