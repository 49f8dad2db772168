import fc from "fast-check";
import { expect, test } from "vitest";
import { canShare, type Share, type Spend } from "./share-leases.ts";

const spends = fc.array(fc.record({ cost: fc.integer({ min: 1, max: 4 }), reachedUs: fc.nat(4) }), { maxLength: 6 });
const leases = fc.array(fc.record({ endUs: fc.integer({ min: 1, max: 5 }), left: fc.nat(6) }), { maxLength: 3 });

/** By trying everything. */
function canShareDumbly([spend, ...others]: readonly Spend[], among: readonly Share[]): boolean {
  if (spend === undefined) return true;
  return among.some(({ endUs, left }, at) => {
    if (left < spend.cost || endUs <= spend.reachedUs) return false;
    return canShareDumbly(others, among.with(at, { endUs, left: left - spend.cost }));
  });
}

test("whether there is a way is as trying all of them says", () => {
  let ways = 0;
  let none = 0;
  fc.assert(
    fc.property(spends, leases, (each, among) => {
      const expected = canShareDumbly(each, among);
      if (expected) ways += 1;
      else none += 1;
      expect(canShare(each, among)).toBe(expected);
    }),
    { numRuns: 2_000 },
  );
  expect(Math.min(ways, none)).toBeGreaterThan(100);
});

test("28 of 1 to 5 at once are found to fit into a lease of 26 and what calls before them left of seven others", () => {
  const of = (counts: Readonly<Record<number, number>>, reachedUs: number) =>
    Object.entries(counts).flatMap(([cost, count]) => Array<Spend>(count).fill({ cost: Number(cost), reachedUs }));
  const calls = [...of({ 1: 22, 4: 1 }, 1), ...of({ 1: 12, 2: 1, 4: 1, 5: 2 }, 2), ...of({ 1: 2 }, 3)];
  const granted = [...Array<Share>(7).fill({ endUs: 5, left: 4 }), { endUs: 5, left: 26 }, { endUs: 9, left: 9 }];
  expect(canShare(calls, granted)).toBe(true);
  expect(canShare([...calls, { cost: 8, reachedUs: 5 }], granted)).toBe(false);
});
