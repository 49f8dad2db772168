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

describe("the sampler", () => {
  it("takes everything while there is little", () => {
    const { clock, sampler: few } = sampler(1_000);
    for (let i = 0; i < 500; i++) {
      clock.nowMs += 10;
      expect(few.takes(10)).toBe(true);
      expect(few.weight).toBe(1);
    }
  });

  it("takes about as much as it may, and weighs it so that the total stays true", () => {
    const { clock, sampler: many } = sampler(1_000);
    let taken = 0;
    let weighed = 0;
    for (let i = 0; i < 20_000; i++) {
      clock.nowMs += 1;
      if (!many.takes(10)) continue;
      taken += 10;
      weighed += 10 * many.weight;
    }
    // 10,000 a second for 20 seconds, of which 1,000 may be looked at.
    expect(taken).toBeLessThan(30_000);
    expect(taken).toBeGreaterThan(10_000);
    expect(weighed / 200_000).toBeGreaterThan(0.9);
    expect(weighed / 200_000).toBeLessThan(1.1);
  });

  it("notices a burst while it lasts, and that it is over", () => {
    const { clock, sampler: burst } = sampler(1_000);
    let taken = 0;
    for (let i = 0; i < 10_000; i++) if (burst.takes(10)) taken += 10;
    expect(taken).toBeLessThan(2_000);
    clock.nowMs += 100;
    burst.takes(1);
    expect(burst.weight).toBe(1_000);
    clock.nowMs += 100;
    burst.takes(1);
    expect(burst.weight).toBe(1);
  });
});
