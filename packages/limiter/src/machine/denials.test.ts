import fc from "fast-check";
import { expect, it } from "vitest";
import { NEVER, Outcome } from "../call-batch.ts";
import { createResultColumns } from "../result-columns.ts";
import { batchOf, bucket, copyOf, Harness, type ItemResult, START_US, windowLog } from "../testing/harness.ts";

const second = 1_000_000;

function deniedAt(
  harness: Harness,
  stampUs: number,
  key: string,
  rule: ReturnType<typeof windowLog>,
  cost = 1,
): ItemResult | null {
  const into = createResultColumns(3);
  const batch = batchOf([[{ key: "other", rule }], [{ key, rule, cost }]]);
  if (!harness.limiter.denies("n", batch, 1, stampUs, into, 2)) return null;
  return {
    outcome: into.outcomes[2]!,
    remaining: into.remaining[2]!,
    resetAfterMs: into.resetAfterMs[2]!,
    retryAfterMs: into.retryAfterMs[2]!,
    firmForMs: into.firmForMs[2]!,
    handle: into.handles[2]!,
    limit: into.limits[2]!,
    shadow: into.shadows[2]!,
  };
}

it("D1 denies exactly what an entry of that stamp would deny, with the same values, and changes nothing", () => {
  const rule = fc.constantFrom(
    windowLog(3, 10_000),
    windowLog(0, 10_000),
    bucket(3, 10_000, 2),
    windowLog(3, 10_000, "p"),
  );
  const step = fc.record({
    rule,
    key: fc.constantFrom("a", "b"),
    cost: fc.integer({ min: 1, max: 4 }),
    stepUs: fc.nat(6_000),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const harness = new Harness();
      let stampUs = START_US;
      for (const each of steps) {
        stampUs += each.stepUs;
        const before = harness.limiter.stateHash();
        const denied = deniedAt(harness, stampUs, each.key, each.rule, each.cost);
        expect(harness.limiter.stateHash()).toEqual(before);
        const applied = harness.take(stampUs, each.key, each.rule, each.cost);
        if (applied.outcome === Outcome.allowed) expect(denied).toBeNull();
        else expect(denied).toEqual(applied);
      }
    }),
    { numRuns: 150 },
  );
});

it("D1 judges at a stamp that is never before the applied one", () => {
  const harness = new Harness();
  const rule = windowLog(1, second);
  harness.take(START_US, "k", rule);
  harness.apply(START_US + second);
  expect(deniedAt(harness, START_US + 1, "k", rule)).toBeNull();
});

it("D1 remembered request ids are told apart by namespace and identity", () => {
  const harness = new Harness({ requestIdTtlUs: second });
  const origin = { kind: "request", namespace: "n", identity: "ann", requestId: "1" } as const;
  harness.calls(START_US, origin, batchOf([[{ key: "k", rule: windowLog(1, second) }]]));
  expect(harness.limiter.knowsRequestId("n", "ann", "1")).toBe(true);
  expect(harness.limiter.knowsRequestId("n", "bob", "1")).toBe(false);
  expect(harness.limiter.knowsRequestId("m", "ann", "1")).toBe(false);
  expect(harness.limiter.knowsRequestId("n", "an", "n1")).toBe(false);
  harness.apply(START_US + second + 1);
  expect(harness.limiter.knowsRequestId("n", "ann", "1")).toBe(false);
});

it("D2 a denial is firm no longer than until the same call would be admitted, even if stamps run 1 % fast", () => {
  const harness = new Harness();
  const rule = windowLog(2, 10 * second);
  harness.take(START_US, "k", rule, 2);
  const denied = deniedAt(harness, START_US + 3 * second, "k", rule)!;
  expect(denied).toMatchObject({ retryAfterMs: 7_000, firmForMs: Math.floor(7_000 / 1.01) });
  const stampAfterFirmUs = START_US + 3 * second + Math.floor(denied.firmForMs * 1_010);
  expect(deniedAt(harness, stampAfterFirmUs, "k", rule)).not.toBeNull();
});

it("D2 a denial of cost 5 says nothing about cost 1", () => {
  const harness = new Harness();
  const rule = windowLog(5, second);
  harness.take(START_US, "k", rule);
  expect(deniedAt(harness, START_US, "k", rule, 5)?.firmForMs).toBeGreaterThan(0);
  expect(deniedAt(harness, START_US, "k", rule, 1)).toBeNull();
});

it("D2 a denial that no waiting cures is firm for a window at a time", () => {
  const harness = new Harness();
  const denied = deniedAt(harness, START_US, "k", windowLog(0, second));
  expect(denied).toMatchObject({ retryAfterMs: NEVER, firmForMs: 990 });
});

it("K3 a wait that is longer than can be told is told as 285 years, which every format has room for", () => {
  const harness = new Harness();
  const rule = bucket(1, 34_560_000_000_000, 2_147_483_647);
  harness.take(START_US, "k", rule, 2_147_483_647);
  const denied = harness.take(START_US, "k", rule, 2_147_483_647);
  expect(denied).toMatchObject({ retryAfterMs: 9_007_199_254_741, resetAfterMs: 9_007_199_254_741 });
  expect(deniedAt(harness, START_US, "k", rule, 2_147_483_647)).toMatchObject({ firmForMs: 8_918_019_064_099 });
});

it("peek says how a take would come out and what is left now, and takes nothing", () => {
  const harness = new Harness();
  const rule = windowLog(3, second);
  const key = new Uint8Array([107]);
  for (let i = 0; i < 4; i++) {
    const { outcomes, remaining, items } = harness.limiter.peek("n", rule, key, 1, START_US);
    expect(items).toBe(1);
    expect(remaining[0]).toBe(Math.max(0, 3 - i));
    expect(harness.take(START_US, "k", rule)).toMatchObject({ outcome: outcomes[0] });
  }
  expect(copyOf(harness.limiter).peek("n", rule, key, 1, START_US).outcomes[0]).toBe(Outcome.limited);
});
