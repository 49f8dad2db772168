import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Rule } from "../rule.ts";
import { batchOf, bucket, Harness, type Item, START_US, windowLog } from "../testing/harness.ts";
import { NaiveModel } from "../testing/naive-model.ts";

const windowUs = fc.oneof(fc.integer({ min: 1_000, max: 1_100 }), fc.constantFrom(60_000_000, 34_560_000_000_000));
const int32 = fc.oneof(
  fc.integer({ min: 1, max: 8 }),
  fc.integer({ min: 1, max: 2_147_483_647 }),
  fc.constant(2_147_483_647),
);
const limit = fc.oneof({ weight: 5, arbitrary: int32 }, { weight: 1, arbitrary: fc.constant(0) });
const policy = fc.constantFrom("", "", "p");
const logRule = fc.record({ limit, windowUs, policy }).map((r) => windowLog(r.limit, r.windowUs, r.policy));
const bucketRule = fc.record({ limit, windowUs, burst: int32 }).map((r) => bucket(r.limit, r.windowUs, r.burst));

/** Calls that come so close together, and cost so much, that limits are met; times as shares of the rule's window. */
function script(rules: fc.Arbitrary<Rule>) {
  return fc.array(rules, { minLength: 1, maxLength: 2 }).chain((chosen) => {
    const item = fc.record({
      key: fc.constantFrom("a", "b"),
      rule: fc.constantFrom(...chosen),
      cost: fc.oneof(fc.integer({ min: 1, max: 3 }), int32),
    });
    const call = fc.array(item, { minLength: 1, maxLength: 3 });
    const stepUs = fc.oneof(
      fc.constant(0),
      fc.integer({ min: 0, max: 400 }),
      fc.integer({ min: 1, max: 12 }).map((part) => Math.floor(chosen[0]!.windowUs / part)),
      fc.integer({ min: 1, max: 12 }).map((part) => Math.floor(chosen[0]!.windowUs / part) + 1),
    );
    return fc.array(fc.record({ call, stepUs }), { minLength: 1, maxLength: 40 });
  });
}

function expectModelAgrees(steps: readonly { call: readonly Item[]; stepUs: number }[]): void {
  const harness = new Harness();
  const model = new NaiveModel();
  let stampUs = START_US;
  for (const { call, stepUs } of steps) {
    stampUs += stepUs;
    const got = harness.calls(stampUs, { kind: "anonymous", namespace: "n" }, batchOf([call]));
    const told = got.map(({ firmForMs: _, ...rest }) => rest);
    expect(told).toEqual(model.call("n", call, stampUs));
  }
}

describe("every answer equals that of a model that keeps every admission", () => {
  it("sliding-window log, up to the largest limits, costs and windows", () => {
    fc.assert(fc.property(script(logRule), expectModelAgrees), { numRuns: 400 });
  });

  it("token bucket, up to the largest limits, bursts and windows, where products exceed 2^53", () => {
    fc.assert(fc.property(script(bucketRule), expectModelAgrees), { numRuns: 400 });
  });

  it("K1 both algorithms on the same keys do not meet", () => {
    fc.assert(fc.property(script(fc.oneof(logRule, bucketRule)), expectModelAgrees), { numRuns: 200 });
  });
});

describe("sliding-window log above 256 admissions in a window", () => {
  const crowd = fc.record({
    windowUs: fc.constantFrom(1_000, 1_023, 100_000, 60_000_000),
    limit: fc.integer({ min: 257, max: 700 }),
    steps: fc.array(fc.nat({ max: 1_000 }), { minLength: 900, maxLength: 900 }),
  });

  it("never admits above the limit in any window, and gives back at most window/256 late", () => {
    fc.assert(
      fc.property(crowd, ({ windowUs: window, limit: most, steps }) => {
        const harness = new Harness();
        const rule = windowLog(most, window);
        const admitted: number[] = [];
        let stampUs = START_US;
        for (const step of steps) {
          stampUs += Math.floor((step * window) / 400_000);
          const { outcome } = harness.take(stampUs, "k", rule);
          const usedSince = (horizonUs: number) => admitted.filter((at) => at > horizonUs).length;
          if (outcome === 1) {
            expect(usedSince(stampUs - window)).toBeLessThan(most);
            admitted.push(stampUs);
          } else {
            expect(usedSince(stampUs - window - window / 256)).toBeGreaterThanOrEqual(most);
          }
        }
        expect(admitted.length).toBeGreaterThan(256);
      }),
      { numRuns: 15 },
    );
  });

  it("is exact however many admissions share 256 stamps", () => {
    const harness = new Harness();
    const model = new NaiveModel();
    const rule = windowLog(2_000, 1_000_000);
    for (let i = 0; i < 2_400; i++) {
      const stampUs = START_US + Math.floor(i / 10) * 4_200;
      const { firmForMs: _, ...got } = harness.take(stampUs, "k", rule);
      expect(got).toEqual(model.call("n", [{ key: "k", rule }], stampUs)[0]);
    }
  });
});
