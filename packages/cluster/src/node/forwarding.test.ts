import { Outcome } from "@quorumguard/limiter";
import { describe, expect, test } from "vitest";
import { notLeader } from "./failures.ts";
import { ForwardServer, type ForwardTarget } from "./forward-server.ts";
import { Forwarder } from "./forwarder.ts";
import { ManualClock } from "./manual-clock.fixture.ts";
import type { CallSink, NodeFailure } from "./node.ts";
import { anonymous, batchOf, firstAttempt } from "./test-cluster.fixture.ts";

const columns = (outcomes: readonly number[]) => ({
  items: outcomes.length,
  outcomes: Uint8Array.from(outcomes),
  remaining: new Float64Array(outcomes.length),
  resetAfterMs: new Float64Array(outcomes.length),
  retryAfterMs: new Float64Array(outcomes.length),
  firmForMs: new Float64Array(outcomes.length),
  handles: new Float64Array(outcomes.length),
  limits: new Float64Array(outcomes.length),
  shadows: new Uint8Array(outcomes.length),
});
const facts = { index: 5, asOfIndex: 5, stampUs: 6, source: "quorum" as const, repeated: false };

/** Node 2 forwards to node 1, whose answers the test gives. */
function pair() {
  const clock = new ManualClock();
  const asked: { sink: CallSink; noForward: boolean; firstAttempt: boolean; items: number }[] = [];
  const target: ForwardTarget = {
    calls: ({ batch }, options, sink) => void asked.push({ sink, ...options, items: batch.items }),
    peek: ({ batch }, options, sink) => void asked.push({ sink, ...options, items: batch.items }),
    operation: (_operation, _options, done) => done({ kind: "renewed", known: true }),
    question: (question, _options, answered) => {
      answered(question.length === 0 ? notLeader(3, 4) : question.map((byte) => byte + 1));
    },
  };
  const frames: Uint8Array[] = [];
  const wake = (): void => {};
  const forwarder = new Forwarder({
    clock,
    timeoutMs: 1_000,
    firstId: 9,
    wake,
    send: (_to, frame) => frames.push(frame),
  });
  const server: ForwardServer = new ForwardServer({
    target,
    wake,
    send: (_to, frame) => forwarder.replies(1, frame),
  });
  const deliver = (): void => {
    forwarder.flush();
    for (const frame of frames.splice(0)) server.requests(2, frame);
  };
  const seen: string[] = [];
  const sink: CallSink = {
    decided: (from, to, results, item) =>
      void seen.push(`${from}-${to} ${results.outcomes.subarray(item, item + to - from)}`),
    failed: (from, to, failure: NodeFailure) => void seen.push(`${from}-${to} ${failure.reason} ${failure.applied}`),
  };
  return { clock, asked, forwarder, server, deliver, seen, sink, frames };
}

describe("forwarding", () => {
  test("requests of one turn share a frame, and parts of a batch are answered apart", () => {
    const { forwarder, deliver, asked, sink, seen, server, frames } = pair();
    forwarder.calls(1, "calls", anonymous, batchOf(["a", "b", "c"], 1), firstAttempt, sink);
    forwarder.calls(1, "calls", anonymous, batchOf(["d"], 1), firstAttempt, sink);
    forwarder.flush();
    expect(frames).toHaveLength(1);
    deliver();
    expect(asked).toMatchObject([
      { noForward: true, firstAttempt: true, items: 3 },
      { noForward: true, items: 1 },
    ]);
    asked[0]!.sink.decided(1, 2, columns([Outcome.limited]), 0, facts);
    server.flush();
    expect(seen).toEqual(["1-2 2"]);
    expect(forwarder.pendingItems).toBe(4);
    asked[0]!.sink.decided(2, 3, columns([Outcome.allowed]), 0, facts);
    asked[0]!.sink.failed(0, 1, notLeader(0, 1));
    asked[1]!.sink.decided(0, 1, columns([9, Outcome.allowed]), 1, facts);
    server.flush();
    expect(seen.slice(1)).toEqual(["2-3 1", "0-1 not-leader no", "0-1 1"]);
    expect(forwarder.pendingItems).toBe(0);
  });

  test("a question is answered with bytes, refused, or settled as unknown when its leader is lost", () => {
    const { forwarder, deliver, server } = pair();
    const answers: (Uint8Array | NodeFailure)[] = [];
    const answered = (answer: Uint8Array | NodeFailure) => void answers.push(answer);
    forwarder.question(1, Uint8Array.of(1, 2), firstAttempt, answered);
    forwarder.question(1, new Uint8Array(0), firstAttempt, answered);
    deliver();
    server.flush();
    expect(answers).toEqual([Uint8Array.of(2, 3), notLeader(3, 4)]);
    forwarder.question(1, Uint8Array.of(1), firstAttempt, answered);
    forwarder.lost(1, "gone");
    expect(answers[2]).toMatchObject({ reason: "unavailable", applied: "unknown", message: "gone" });
    expect(forwarder.pendingItems).toBe(0);
  });

  test("what the lost leader had not answered is unknown, once", () => {
    const { forwarder, deliver, asked, sink, seen, server } = pair();
    forwarder.calls(1, "calls", anonymous, batchOf(["a", "b", "c", "d"], 1), firstAttempt, sink);
    deliver();
    asked[0]!.sink.decided(1, 2, columns([Outcome.allowed]), 0, facts);
    server.flush();
    forwarder.lost(3, "another");
    expect(seen).toEqual(["1-2 1"]);
    forwarder.lost(1, "gone");
    expect(seen).toEqual(["1-2 1", "0-1 unavailable unknown", "2-4 unavailable unknown"]);
    asked[0]!.sink.decided(2, 4, columns([1, 1]), 0, facts);
    server.flush();
    expect(seen).toHaveLength(3);
    expect(forwarder.pendingItems).toBe(0);
  });

  test("a change of leader settles what the former one has, and a deadline what nobody answered", () => {
    const { clock, forwarder, deliver, sink, seen } = pair();
    forwarder.calls(1, "calls", anonymous, batchOf(["a"], 1), { ...firstAttempt, deadlineMs: 100 }, sink);
    forwarder.calls(1, "calls", anonymous, batchOf(["b"], 1), firstAttempt, sink);
    deliver();
    clock.advance(99);
    forwarder.expire();
    expect(seen).toEqual([]);
    clock.advance(1);
    forwarder.expire();
    expect(seen).toEqual(["0-1 unavailable unknown"]);
    forwarder.leaderIs(1);
    expect(seen).toHaveLength(1);
    forwarder.leaderIs(3);
    expect(seen).toHaveLength(2);
  });

  test("a leader that answers what it was not asked, or twice, cannot answer a call twice", () => {
    const { forwarder, deliver, asked, sink, seen, server } = pair();
    forwarder.calls(1, "calls", anonymous, batchOf(["a", "b"], 1), firstAttempt, sink);
    deliver();
    asked[0]!.sink.decided(0, 1, columns([1]), 0, facts);
    asked[0]!.sink.decided(0, 1, columns([1]), 0, facts);
    server.flush();
    expect(seen).toEqual(["0-1 1", "1-2 unavailable unknown"]);
  });
});
