import { createLimiter, Outcome, readEntry } from "@quorumguard/limiter";
import { describe, expect, test } from "vitest";
import { notLeader, outcomeUnknown } from "./failures.ts";
import type { CallSink, NodeFailure } from "./node.ts";
import { Proposals } from "./proposals.ts";
import { anonymous, batchOf } from "./test-cluster.fixture.ts";

interface Told {
  readonly decided: [number, number, number][];
  readonly failed: [number, number, NodeFailure][];
}

function listener(): { sink: CallSink; told: Told } {
  const told: Told = { decided: [], failed: [] };
  const sink: CallSink = {
    decided: (from, to, results, item) => void told.decided.push([from, to, results.outcomes[item]!]),
    failed: (from, to, failure) => void told.failed.push([from, to, failure]),
  };
  return { sink, told };
}

let stampUs = 1_000_000;
const make = (maxItems = 16_384, maxBytes = 1_048_576) =>
  new Proposals({ maxItems, maxBytes, stampUs: () => ++stampUs });
const keys = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `key-${from + i}`);
const never = () => notLeader(0, 0);

describe("proposals", () => {
  test("put all calls of a turn into one entry, and answer each where it waits", () => {
    const proposals = make();
    const [a, b] = [listener(), listener()];
    proposals.addCalls(anonymous, batchOf(["x", "x"], 1), 0, 2, a.sink);
    proposals.addCalls(anonymous, batchOf(["x", "y", "z"], 1), 1, 3, b.sink);
    expect(proposals.pendingItems).toBe(4);
    const data = proposals.seal();
    expect(data).toHaveLength(1);
    proposals.accepted(7, 3);
    expect(a.told.decided).toEqual([]);
    proposals.applied(7, 3, createLimiter().apply(7, data[0]!), never);
    expect(a.told.decided).toEqual([[0, 2, Outcome.allowed]]);
    expect(b.told.decided).toEqual([[1, 3, Outcome.allowed]]);
    expect(proposals.pendingItems).toBe(0);
  });

  test("tell a retry that it is one, be the first attempt in an earlier entry or in the same", () => {
    const proposals = make();
    const limiter = createLimiter();
    const repeated: boolean[] = [];
    const sink: CallSink = {
      decided: (_from, _to, _results, _item, facts) => void repeated.push(facts.repeated),
      failed: () => expect.unreachable(),
    };
    const origin = { kind: "request", namespace: "", identity: "", requestId: "r" } as const;
    for (const [index, attempts] of [2, 1].entries()) {
      for (let i = 0; i < attempts; i++) proposals.addCalls(origin, batchOf(["x"], 1), 0, 1, sink);
      const [data] = proposals.seal();
      proposals.accepted(index + 1, 1);
      proposals.applied(index + 1, 1, limiter.apply(index + 1, data!), never);
    }
    expect(repeated).toEqual([false, true, true]);
  });

  test("tell which calls of a session's batch are retries", () => {
    const proposals = make();
    const limiter = createLimiter();
    const nonce = Uint8Array.from({ length: 16 }, (_, i) => i);
    const apply = (index: number) => {
      const [data] = proposals.seal();
      proposals.accepted(index, 1);
      proposals.applied(index, 1, limiter.apply(index, data!), never);
    };
    proposals.addOperation({ kind: "register", nonce, helloStampUs: stampUs, namespace: "" }, () => {});
    apply(1);
    const parts: [number, number, boolean][] = [];
    const sink: CallSink = {
      decided: (from, to, _results, _item, facts) => void parts.push([from, to, facts.repeated]),
      failed: () => expect.unreachable(),
    };
    const origin = { kind: "session", session: { index: 1, position: 0 }, nonce, ackedThrough: 0 } as const;
    proposals.addCalls(origin, { ...batchOf(["a", "b"], 1), firstNumber: 1 }, 0, 2, sink);
    apply(2);
    proposals.addCalls(origin, { ...batchOf(["a", "b", "c"], 1), firstNumber: 1 }, 0, 3, sink);
    apply(3);
    expect(parts).toEqual([
      [0, 2, false],
      [0, 2, true],
      [2, 3, false],
    ]);
  });

  test("begin another entry when one is full, by items or by bytes", () => {
    const byItems = make(1_024);
    for (let i = 0; i < 3; i++) byItems.addCalls(anonymous, batchOf(keys(600, i * 600), 1), 0, 600, listener().sink);
    expect(byItems.seal()).toHaveLength(2);
    const byBytes = make(16_384, 65_536);
    const long = keys(100).map((key) => key.padEnd(500, "k"));
    for (let i = 0; i < 3; i++) byBytes.addCalls(anonymous, batchOf(long, 1), 0, 100, listener().sink);
    expect(byBytes.seal()).toHaveLength(2);
  });

  test("S5: the takeover entry comes first and says so", () => {
    const proposals = make();
    proposals.addTakeover(null);
    proposals.addCalls(anonymous, batchOf(["x"], 1), 0, 1, listener().sink);
    const entries = proposals.seal().map((data) => readEntry(data));
    expect(entries.map((entry) => entry.takeover)).toEqual([true, false]);
    expect(entries[1]!.stampUs).toBeGreaterThanOrEqual(entries[0]!.stampUs);
  });

  test("an entry of another term at the index means that the proposal is surely not in the log", () => {
    const proposals = make();
    const [a, b] = [listener(), listener()];
    proposals.addCalls(anonymous, batchOf(["x"], 1), 0, 1, a.sink);
    const [data] = proposals.seal();
    proposals.accepted(7, 3);
    proposals.addCalls(anonymous, batchOf(["x"], 1), 0, 1, b.sink);
    proposals.seal();
    proposals.accepted(8, 3);
    proposals.applied(7, 4, createLimiter().apply(7, data!), () => notLeader(2, 4));
    proposals.superseded(8, 4, () => notLeader(2, 4));
    for (const { told } of [a, b]) {
      expect(told.decided).toEqual([]);
      expect(told.failed).toMatchObject([[0, 1, { reason: "not-leader", applied: "no", leaderId: 2 }]]);
    }
    expect(proposals.pendingItems).toBe(0);
  });

  test("a loss of leadership is unknown for what was appended, and no for what was not", () => {
    const proposals = make();
    const [a, b] = [listener(), listener()];
    proposals.addCalls(anonymous, batchOf(["x"], 1), 0, 1, a.sink);
    proposals.seal();
    proposals.accepted(7, 3);
    proposals.addCalls(anonymous, batchOf(["y"], 1), 0, 1, b.sink);
    proposals.abandon(outcomeUnknown("lost", 2, 4), notLeader(2, 4));
    expect(a.told.failed).toMatchObject([[0, 1, { applied: "unknown" }]]);
    expect(b.told.failed).toMatchObject([[0, 1, { applied: "no", reason: "not-leader" }]]);
    expect(proposals.pendingItems).toBe(0);
    proposals.addTakeover(null);
    expect(proposals.seal()).toHaveLength(1);
  });

  test("calls that no entry can carry fail alone, and say why", () => {
    const proposals = make();
    const [good, bad] = [listener(), listener()];
    proposals.addCalls(anonymous, batchOf(["x"], 1), 0, 1, good.sink);
    proposals.addCalls(anonymous, batchOf(["k".repeat(513)], 1), 0, 1, bad.sink);
    expect(bad.told.failed).toMatchObject([[0, 1, { reason: "invalid-argument", applied: "no" }]]);
    expect(bad.told.failed[0]![2].message).toContain("513");
    const [data] = proposals.seal();
    proposals.accepted(1, 1);
    proposals.applied(1, 1, createLimiter().apply(1, data!), never);
    expect(good.told.decided).toEqual([[0, 1, Outcome.allowed]]);
  });

  test("a refused proposal was not applied", () => {
    const proposals = make();
    const a = listener();
    proposals.addCalls(anonymous, batchOf(["x"], 1), 0, 1, a.sink);
    proposals.seal();
    proposals.refused(notLeader(0, 3));
    expect(a.told.failed).toMatchObject([[0, 1, { applied: "no" }]]);
    expect(proposals.seal()).toEqual([]);
  });
});
