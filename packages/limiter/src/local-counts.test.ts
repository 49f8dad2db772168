import { expect, it } from "vitest";
import { Outcome } from "./call-batch.ts";
import { createLocalCounts } from "./local-counts.ts";
import { Algorithm, type Rule } from "./rule.ts";
import { Verb } from "./verb.ts";

const second: Rule = { algorithm: Algorithm.slidingWindowLog, limit: 2, windowUs: 1_000_000, burst: 0, policy: "" };
const slots: Rule = { ...second, algorithm: Algorithm.concurrency };

it("a full table takes no new key until one has expired, and goes on deciding those that it has", () => {
  const counts = createLocalCounts({ maxKeys: 3, maxHolds: 3 });
  const take = (key: string, stampUs: number) =>
    counts.decide(Verb.take, [{ rule: second, key, cost: 1 }], 0, 0, stampUs).outcomes[0];
  expect(["a", "b", "c", "d"].map((key) => take(key, 1_000_000))).toEqual([1, 1, 1, Outcome.keysFull]);
  expect(take("a", 1_500_000)).toBe(Outcome.allowed);
  expect(take("d", 2_000_001)).toBe(Outcome.allowed);
});

it("a group that does not fit into the table takes nothing", () => {
  const counts = createLocalCounts({ maxKeys: 2, maxHolds: 1 });
  const items = (...keys: string[]) => keys.map((key) => ({ rule: second, key, cost: 1 }));
  const { outcomes } = counts.decide(Verb.take, items("a", "b", "c"), 0, 0, 1_000_000);
  expect([...outcomes.slice(0, 3)]).toEqual([Outcome.keysFull, Outcome.keysFull, Outcome.keysFull]);
  const after = counts.decide(Verb.take, items("a", "a", "b"), 0, 0, 1_000_000);
  expect([...after.remaining.slice(0, 3)]).toEqual([1, 0, 1]);
});

it("as many holds are open as there may be, until one is over", () => {
  const counts = createLocalCounts({ maxKeys: 10, maxHolds: 1 });
  const reserve = (key: string, stampUs: number) =>
    counts.decide(Verb.reserve, [{ rule: slots, key, cost: 1 }], 10, 0, stampUs).outcomes[0];
  expect(reserve("a", 1_000_000)).toBe(Outcome.allowed);
  expect(reserve("b", 1_000_000)).toBe(Outcome.holdsFull);
  expect(reserve("b", 1_010_000)).toBe(Outcome.allowed);
});

it("memory of keys that were used once is given back by whoever comes later", () => {
  const counts = createLocalCounts({ maxKeys: 1_000, maxHolds: 1 });
  for (let key = 0; key < 20_000; key++) {
    // Five hundred live at a time: without the sweep the table would be full after the first thousand.
    const item = { rule: second, key: `${key}`, cost: 1 };
    expect(counts.decide(Verb.take, [item], 0, 0, 1_000_000 + key * 2_000).outcomes[0]).toBe(Outcome.allowed);
  }
});

it("verbs that only the cluster has are refused", () => {
  const counts = createLocalCounts({ maxKeys: 1, maxHolds: 1 });
  const item = { rule: second, key: "a", cost: 1 };
  expect(() => counts.decide(Verb.grant, [item], 0, 0, 0)).toThrow("verb 5 is the cluster's alone");
});

it("buckets without a name share a count if they are of one size, and those of a name always", () => {
  const counts = createLocalCounts({ maxKeys: 10, maxHolds: 1 });
  const bucket = { ...second, algorithm: Algorithm.tokenBucket, burst: 2 };
  const left = (rule: Rule) => counts.decide(Verb.take, [{ rule, key: "a", cost: 1 }], 0, 0, 1_000_000).remaining[0];
  expect([left(bucket), left({ ...bucket, burst: 5 }), left({ ...bucket, limit: 9 }), left(bucket)]).toEqual([
    1, 4, 1, 0,
  ]);
  const named = { ...bucket, policy: "p" };
  expect([left(named), left({ ...named, limit: 9 })]).toEqual([1, 0]);
  expect(left({ ...second, policy: "p" })).toBe(1);
});

it("what is over cannot be settled, though nobody has looked at it since", () => {
  const counts = createLocalCounts({ maxKeys: 10, maxHolds: 40 });
  const item = { rule: { ...second, limit: 99 }, key: "a", cost: 1 };
  const handles = Array.from({ length: 30 }, () => counts.decide(Verb.reserve, [item], 10, 0, 1_000_000).handles[0]!);
  const settle = (verb: typeof Verb.commit | typeof Verb.cancel, handle: number, stampUs: number) =>
    counts.decide(verb, [item], 0, handle, stampUs).outcomes[0];
  expect(settle(Verb.cancel, handles[0]!, 1_009_999)).toBe(Outcome.allowed);
  expect(settle(Verb.cancel, handles[0]!, 1_009_999)).toBe(Outcome.notHeld);
  for (const handle of handles.slice(1).reverse()) expect(settle(Verb.cancel, handle, 1_010_000)).toBe(Outcome.notHeld);
  // What was not settled counts as spent.
  expect(counts.decide(Verb.take, [item], 0, 0, 1_010_000).remaining[0]).toBe(99 - 29 - 1);
});

it("a hold is settled under its own key only", () => {
  const counts = createLocalCounts({ maxKeys: 10, maxHolds: 10 });
  const item = (key: string) => ({ rule: second, key, cost: 1 });
  const [handle = 0] = counts.decide(Verb.reserve, [item("a")], 10, 0, 1_000_000).handles;
  counts.decide(Verb.take, [item("b")], 0, 0, 1_000_000);
  expect(counts.decide(Verb.commit, [item("b")], 0, handle, 1_000_000).outcomes[0]).toBe(Outcome.notHeld);
  expect(counts.decide(Verb.commit, [item("a")], 0, handle, 1_000_000).outcomes[0]).toBe(Outcome.allowed);
});
