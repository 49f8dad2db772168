import { describe, expect, it } from "vitest";
import { Outcome } from "../call-batch.ts";
import { createResultColumns } from "../result-columns.ts";
import { batchOf, bucket, Harness, type Item, START_US, windowLog } from "../testing/harness.ts";

const second = 1_000_000;
const rule = windowLog(1, 60 * second);
const other = bucket(5, 60 * second, 5);
/** More keys than are looked ahead for at all; of each, all that its limit admits is taken. */
const many = 40_000;

/** A machine with many keys that are used up. */
function crowded(): Harness {
  const harness = new Harness();
  const each = 1_000;
  for (let from = 0; from < many; from += each) {
    const calls = Array.from({ length: each }, (_, i): readonly Item[] => [{ key: `k${from + i}`, rule }]);
    harness.calls(START_US, { kind: "anonymous", namespace: "n" }, batchOf(calls));
  }
  return harness;
}

const asked: readonly (readonly Item[])[] = [
  [{ key: "k7", rule }],
  [{ key: "nobody's", rule }],
  [{ key: "k39999", rule }],
  [{ key: "k7", rule: other }],
  [{ key: "", rule }],
];

const denialsOf = ({ limiter }: Harness, stampUs: number) => {
  const into = createResultColumns(asked.length);
  return asked.map((_, item) => limiter.denies("n", batchOf(asked), item, stampUs, into, item));
};

describe("D1 what the keys of a batch lead to is read before they are judged", () => {
  it("and that changes no answer, and nothing that nodes compare", () => {
    const harness = crowded();
    const before = harness.limiter.stateHash();
    harness.limiter.lookAhead("n", batchOf(asked));
    expect(harness.limiter.stateHash()).toEqual(before);
    expect(denialsOf(harness, START_US)).toEqual([true, false, true, false, false]);
    expect(denialsOf(harness, START_US)).toEqual(denialsOf(crowded(), START_US));
  });

  it("a rule that the batch does not have is nobody's", () => {
    const { limiter } = crowded();
    expect(() => limiter.lookAhead("n", { ...batchOf(asked), rules: [] })).not.toThrow();
  });
});

describe("the sweep reads ahead of itself", () => {
  it("and frees exactly what has expired, also between keys that have not", () => {
    const harness = crowded();
    const laterUs = START_US + 59 * second;
    for (let i = 0; i < 100; i++) harness.take(laterUs, `late ${i}`, rule);
    const expiredUs = START_US + 61 * second;
    // An entry without calls sweeps 4,096 slots; a lap more, for what a lap that had begun left behind.
    for (let entry = 0; entry < (2 * many) / 4_096 + 2; entry++) harness.apply(expiredUs, () => {});
    expect(harness.limiter.stats.keys).toBe(100);
    for (let i = 0; i < 100; i++) {
      const { outcome } = harness.take(expiredUs, `late ${i}`, rule);
      expect(outcome).toBe(Outcome.limited);
    }
  });
});
