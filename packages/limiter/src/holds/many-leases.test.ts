import { describe, expect, it } from "vitest";
import { Outcome } from "../call-batch.ts";
import { START_US } from "../testing/harness.ts";
import { byName, PolicyHarness, putPolicy } from "../testing/policy-harness.ts";
import { Verb } from "../verb.ts";

const rule = byName("p");
const limit = 2_000;
const under = (windowMs: number) => putPolicy({ name: "p", algorithm: "sliding-window-log", limit, windowMs });
const millisecond = 1_000;

/** So many leases of one, of a window of 10 s, with ends of their own, on a key whose window is `windowMs` from `changedUs` on. */
function scene(leases: number, windowMs: number) {
  const harness = new PolicyHarness();
  harness.change(under(10_000), {}, START_US);
  const gapUs = Math.floor((990 * millisecond) / leases);
  const ends: number[] = [];
  const handles: number[] = [];
  for (let i = 0; i < leases; i++) {
    const stampUs = START_US + i * gapUs;
    const granted = harness.ask(stampUs, Verb.grant, "k", rule, { cost: 1 });
    expect(granted.outcome).toBe(Outcome.allowed);
    handles.push(granted.handle);
    ends.push(stampUs + 1_000 * millisecond);
  }
  for (const other of ["before", "after"]) harness.one(START_US + leases * gapUs, other, rule, 7);
  const changedUs = START_US + leases * gapUs + 1;
  harness.change(under(windowMs), {}, changedUs);
  return { harness, changedUs, handles, ends };
}

const usedOf = (harness: PolicyHarness, key: string, stampUs: number) =>
  limit - harness.one(stampUs, key, rule, limit + 1).remaining;

describe("leases of a longer window, more than a log has segments and further ahead than its window reaches (K1, L3)", () => {
  it.each([
    [200, 100],
    [288, 700],
    [289, 1],
    [600, 100],
    [1_900, 50],
    [2_000, 880],
  ])("%i of them under a window of %i ms", (leases, windowMs) => {
    const { harness, changedUs, ends } = scene(leases, windowMs);
    const windowUs = windowMs * millisecond;
    // What is merged is given back late, by less than a cell of what is alive.
    const lateUs = (1_000 * millisecond + windowUs) / 128;
    const takes: number[] = [];
    for (let stampUs = changedUs + 300; stampUs < changedUs + 2_100 * millisecond + windowUs; stampUs += 3_001) {
      const alive = (dates: readonly number[], afterUs: number) =>
        dates.filter((dateUs) => dateUs + windowUs > afterUs).length;
      const used = usedOf(harness, "k", stampUs);
      expect(used).toBeGreaterThanOrEqual(alive(ends, stampUs) + alive(takes, stampUs));
      expect(used).toBeLessThanOrEqual(alive(ends, stampUs - lateUs) + alive(takes, stampUs - lateUs));
      const take = harness.one(stampUs, "k", rule, 1);
      expect(take.outcome === Outcome.allowed).toBe(used < limit);
      if (take.outcome === Outcome.allowed) takes.push(stampUs);
    }
    for (const other of ["before", "after"]) expect(usedOf(harness, other, changedUs + 9_000 * millisecond)).toBe(0);
  });

  it("each is given back in full, wherever it was merged to", () => {
    const { harness, changedUs, handles } = scene(400, 50);
    expect(usedOf(harness, "k", changedUs + 1)).toBe(400);
    for (const [at, handle] of handles.entries()) {
      const back = harness.ask(changedUs + 2, Verb.giveBack, "k", rule, { handle, cost: 1 });
      expect(back.remaining).toBe(limit - 400 + at + 1);
    }
  });
});
