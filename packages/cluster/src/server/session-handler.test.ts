import {
  Applied,
  type DecodedResponse,
  decodeSessionResponse,
  ErrorReason,
  encodeFrame,
  encodeSessionRequest,
  type FrameColumns,
  Outcome,
  Source,
} from "@quorumguard/proto";
import { beforeEach, describe, expect, it } from "vitest";
import { createNodeMetrics } from "./metrics.ts";
import {
  answerAll,
  createScriptedNode,
  leaderFacts,
  notLeader,
  quorumFacts,
  resultsOf,
  type ScriptedNode,
  stateOf,
} from "./scripted-node.fixture.ts";
import { createSessionHandler, type SessionHandlerOptions } from "./session-handler.ts";
import type { SessionHandler, SessionStream } from "./session-stream.ts";

const nonce = Uint8Array.from({ length: 16 }, (_, at) => at);
const rule = { limit: 5, windowUs: 1_000_000, algorithm: 0, burst: 0, policy: "" };
const session = { index: 9n, position: 1, nonce };

let node: ScriptedNode;
let sent: DecodedResponse[];
let ended: Parameters<SessionStream["end"]>[0] | null;
let handler: SessionHandler;

function open(options?: SessionHandlerOptions): void {
  node = createScriptedNode();
  sent = [];
  ended = null;
  handler = createSessionHandler(
    node,
    {
      send: (message) => void sent.push(decodeSessionResponse(message)),
      end: (error) => {
        ended = error;
      },
    },
    options,
  );
}

type Said = Parameters<typeof encodeSessionRequest>[0];
const say = (message: Said) => handler.onMessage(encodeSessionRequest(message));
const hello = (over: object = {}) =>
  say({ case: "hello", value: { clusterId: "", namespace: "", client: "test", ...over } });
const resume = () => say({ case: "resume", value: { session } });
const frameOf = (over: Partial<FrameColumns> = {}): Uint8Array =>
  encodeFrame({
    firstNumber: 10,
    ackedThrough: 9,
    firstAttempt: true,
    deadlineMs: 800,
    rules: [rule],
    keys: ["a", "b", "c"],
    ruleIndexes: null,
    costs: null,
    sizes: null,
    verbs: null,
    ttlsMs: null,
    handles: null,
    ...over,
  });
const lastMessage = () => {
  const last = sent.at(-1);
  if (last?.kind !== "message") throw new Error(`expected a message, got ${last?.kind}`);
  return last.message.message;
};
const lastError = () => {
  const message = lastMessage();
  if (message.case !== "error") throw new Error(`expected an error, got ${message.case}`);
  return message.value;
};
const replies = () => sent.flatMap((message) => (message.kind === "reply" ? [message.reply] : []));

/** A stream that speaks for a session, with nothing said since. */
function established(options?: SessionHandlerOptions): void {
  open(options);
  node.knownSessions.add(9);
  hello();
  resume();
  sent.length = 0;
}

beforeEach(() => open());

describe("hello", () => {
  it("is welcomed with topology, replicated time and the session's bounds", () => {
    open({ sessionTtlMs: 30_000, maxResults: 77 });
    hello({ clusterId: node.currentTopology.clusterId });
    const message = lastMessage();
    expect(message.case).toBe("welcome");
    expect(message.value).toMatchObject({ stampUs: 7_000_000n, sessionTtlMs: 30_000n, maxResults: 77 });
    expect(message.value).toMatchObject({ topology: { nodeId: 1n, groups: [{ leaderId: 2n, term: 5n }] } });
  });

  it("with another cluster's id is refused, naming both", () => {
    hello({ clusterId: "feed" });
    expect(lastError().detail).toMatchObject({ reason: ErrorReason.WRONG_CLUSTER, applied: Applied.NO });
    expect(ended).toMatchObject({ code: "invalid-argument" });
    expect(ended?.message).toContain('"feed"');
    expect(ended?.message).toContain(node.currentTopology.clusterId);
  });

  it("to a node that is still forming may be tried again", () => {
    node.currentTopology = { ...node.currentTopology, clusterId: "" };
    hello({ clusterId: "feed" });
    expect(ended).toMatchObject({ code: "unavailable" });
  });

  it("must come first, and once", () => {
    say({ case: "register", value: { nonce, helloStampUs: 1n } });
    expect(ended).toMatchObject({ code: "invalid-argument" });
    open();
    hello();
    hello();
    expect(ended).toMatchObject({ code: "invalid-argument" });
  });

  it("holds namespace and client name to their bounds", () => {
    hello({ namespace: "n".repeat(129) });
    expect(ended?.message).toMatch(/hello\.namespace is "n.*129 bytes.*0 to 128/);
    open();
    hello({ client: "c".repeat(257) });
    expect(ended?.message).toContain("hello.client");
  });
});

describe("garbage", () => {
  it.each([
    ["random bytes", Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff)],
    ["an empty message", new Uint8Array()],
    ["a truncated frame", frameOf().subarray(0, 20)],
    ["a message of more than 1 MiB", new Uint8Array(1_048_577)],
  ])("%s ends the stream with a reason and throws nothing", (_name, bytes) => {
    hello();
    handler.onMessage(bytes);
    expect(ended).toMatchObject({ code: "invalid-argument" });
    expect(ended?.message).not.toBe("");
    expect(node.submissions).toEqual([]);
  });

  it("after the end nothing is read any more", () => {
    hello();
    handler.onMessage(Uint8Array.of(0xff));
    const before = sent.length;
    say({ case: "ping", value: { id: 1n } });
    expect(sent.length).toBe(before);
  });
});

describe("register", () => {
  it("goes through the log, and its session is the stream's", () => {
    hello({ namespace: "shop", noForward: true });
    say({ case: "register", value: { nonce, helloStampUs: 7_000_000n } });
    const { operation, options, done } = node.operations[0]!;
    expect(operation).toMatchObject({ kind: "register", helloStampUs: 7_000_000, namespace: "shop" });
    expect(options.noForward).toBe(true);
    done({ kind: "registered", session: { index: 12, position: 3 } });
    expect(lastMessage()).toMatchObject({ case: "registered", value: { session: { index: 12n, position: 3, nonce } } });
    handler.onMessage(frameOf());
    expect(node.submissions[0]!.origin).toEqual({
      kind: "session",
      session: { index: 12, position: 3 },
      nonce,
      ackedThrough: 9,
    });
  });

  it("that is too old is told so, and creates nothing (SEMANTICS S4)", () => {
    hello();
    say({ case: "register", value: { nonce, helloStampUs: 1n } });
    node.operations[0]!.done({ kind: "refused", reason: "too-old" });
    expect(lastError()).toMatchObject({ firstNumber: 0n, detail: { reason: ErrorReason.SESSION_EXPIRED } });
    handler.onMessage(frameOf());
    expect(node.submissions).toEqual([]);
  });

  it("beyond the session table is refused as overload (SEMANTICS S6)", () => {
    hello();
    say({ case: "register", value: { nonce, helloStampUs: 1n } });
    node.operations[0]!.done({ kind: "refused", reason: "sessions-full" });
    expect(lastError().detail).toMatchObject({
      reason: ErrorReason.OVERLOADED,
      applied: Applied.NO,
      retryAfterMs: 1_000n,
    });
  });

  it("refused by a follower names the leader's addresses", () => {
    hello({ noForward: true });
    say({ case: "register", value: { nonce, helloStampUs: 1n } });
    node.operations[0]!.done(notLeader);
    expect(lastError().detail).toMatchObject({
      reason: ErrorReason.NOT_LEADER,
      applied: Applied.NO,
      leaderId: 2n,
      term: 5n,
      leaderGrpcEndpoint: "node2.example:7400",
      leaderHttpUrl: "http://node2.example:7402",
    });
  });

  it.each([0, 15, 17])("with a nonce of %i bytes ends the stream", (length) => {
    hello();
    say({ case: "register", value: { nonce: new Uint8Array(length), helloStampUs: 1n } });
    expect(ended?.message).toMatch(new RegExp(`register.nonce is ${length} bytes: it must have 16`));
  });

  it("answers at most maxOperationsInFlight at once", () => {
    open({ maxOperationsInFlight: 2 });
    hello();
    for (let i = 0; i < 3; i++) say({ case: "register", value: { nonce, helloStampUs: 1n } });
    expect(node.operations.length).toBe(2);
    expect(lastError().detail?.reason).toBe(ErrorReason.OVERLOADED);
  });
});

describe("resume", () => {
  it("of a session in applied state is answered at once", () => {
    node.knownSessions.add(9);
    hello();
    resume();
    expect(lastMessage().case).toBe("resumed");
    expect(node.operations).toEqual([]);
  });

  it("that the leader does not know has expired", () => {
    node.leads = true;
    hello();
    resume();
    expect(lastError().detail?.reason).toBe(ErrorReason.SESSION_EXPIRED);
    handler.onMessage(frameOf());
    expect(node.submissions).toEqual([]);
  });

  it.each([
    [true, "resumed"],
    [false, "error"],
  ])("that a follower does not know is asked of the log: known %s", (known, answer) => {
    hello();
    resume();
    expect(node.operations[0]!.operation).toMatchObject({
      kind: "renew",
      session: { index: 9, position: 1 },
      ackedThrough: 0,
    });
    node.operations[0]!.done({ kind: "renewed", known });
    expect(lastMessage().case).toBe(answer);
  });
});

describe("frames", () => {
  it("before register or resume are refused as not applied, and the stream goes on", () => {
    hello();
    handler.onMessage(frameOf());
    expect(lastError()).toMatchObject({
      firstNumber: 10n,
      calls: 3,
      detail: { reason: ErrorReason.INVALID_ARGUMENT, applied: Applied.NO },
    });
    expect(ended).toBeNull();
  });

  it("end their stream, and not the node, with an answer that the wire has no words for", () => {
    established();
    handler.onMessage(frameOf());
    const results = resultsOf(3, Outcome.LIMITED);
    results.retryAfterMs.fill(Number.MAX_SAFE_INTEGER);
    node.submissions[0]!.sink.decided(0, 3, results, 0, quorumFacts);
    expect(replies()).toEqual([]);
    expect(ended).toMatchObject({ code: "unavailable", message: expect.stringContaining("retry_after_ms_plus_one") });
  });

  it("reach the node in columns with their origin, and each part of the answer goes out at once", () => {
    established();
    handler.onMessage(frameOf());
    const { batch, options, sink, origin } = node.submissions[0]!;
    expect(origin).toEqual({ kind: "session", session: { index: 9, position: 1 }, nonce, ackedThrough: 9 });
    expect(batch).toMatchObject({ firstNumber: 10, calls: 3, items: 3 });
    expect(batch.rules).toEqual([{ limit: 5, windowUs: 1_000_000, algorithm: 1, burst: 0, policy: "" }]);
    expect(options).toEqual({ firstAttempt: true, noForward: false, deadlineMs: 800 });

    sink.decided(1, 2, resultsOf(4, Outcome.LIMITED), 2, leaderFacts);
    expect(replies()).toMatchObject([{ firstNumber: 11, calls: 1, index: 0, asOfIndex: 40, source: Source.LEADER }]);
    expect([...replies()[0]!.outcomes]).toEqual([Outcome.LIMITED]);
    expect([...replies()[0]!.retryAfterMs]).toEqual([250]);
    sink.decided(0, 1, resultsOf(3, Outcome.ALLOWED), 0, quorumFacts);
    sink.failed(2, 3, { ...notLeader, reason: "unavailable", applied: "unknown" });
    expect(replies()[1]).toMatchObject({
      firstNumber: 10,
      calls: 1,
      index: 42,
      asOfIndex: 42,
      stampUs: 7_000_000,
      source: Source.QUORUM,
    });
    expect(lastError()).toMatchObject({ firstNumber: 12n, calls: 1, detail: { applied: Applied.UNKNOWN } });
  });

  it("of a client that reads runs are answered at once with what was decided at once", () => {
    open();
    node.knownSessions.add(9);
    hello({ readsRuns: true });
    resume();
    sent.length = 0;
    handler.onMessage(frameOf());
    const { sink } = node.submissions[0]!;
    const results = resultsOf(3, Outcome.LIMITED);
    results.remaining.set([7, 8, 9]);
    sink.decided(0, 1, results, 1, leaderFacts, true);
    expect(replies()).toEqual([]);
    sink.decided(2, 3, results, 2, leaderFacts, false);
    sink.decided(1, 2, resultsOf(1, Outcome.ALLOWED), 0, quorumFacts);
    expect(replies()).toMatchObject([
      { firstNumber: 10, calls: 2, offsets: Uint32Array.of(0, 2), source: Source.LEADER },
      { firstNumber: 11, calls: 1, offsets: null, source: Source.QUORUM },
    ]);
    expect([...replies()[0]!.remaining]).toEqual([8, 9]);
  });

  it("of other clients are answered part by part, also if all was decided at once", () => {
    established();
    handler.onMessage(frameOf());
    const { sink } = node.submissions[0]!;
    sink.decided(0, 1, resultsOf(2, Outcome.LIMITED), 0, leaderFacts, true);
    sink.decided(2, 3, resultsOf(2, Outcome.LIMITED), 1, leaderFacts, false);
    expect(replies()).toMatchObject([
      { firstNumber: 10, calls: 1, offsets: null },
      { firstNumber: 12, calls: 1, offsets: null },
    ]);
  });

  it("with groups report all items of a group's calls", () => {
    established();
    handler.onMessage(frameOf({ keys: ["a", "b", "c", "d"], sizes: [1, 2, 1] }));
    node.submissions[0]!.sink.decided(1, 3, resultsOf(4, Outcome.ALLOWED), 1, quorumFacts);
    expect(replies()[0]).toMatchObject({ firstNumber: 11, calls: 2, items: 3 });
  });

  it("pass outcomes that are no decision through as they are", () => {
    established();
    handler.onMessage(frameOf());
    node.submissions[0]!.sink.decided(0, 3, resultsOf(3, Outcome.SESSION_EXPIRED), 0, quorumFacts);
    expect([...replies()[0]!.outcomes]).toEqual([19, 19, 19]);
  });

  it.each([
    ["limit", { limit: 2 ** 31 }, /frame\.rules\[0\]\.limit is 2147483648: .*0 to 2,147,483,647/],
    ["window", { windowUs: 999 }, /frame\.rules\[0\]\.window_us is 999: .*1,000 \(1 ms\)/],
    ["algorithm", { algorithm: 9 }, /frame\.rules\[0\]\.algorithm is 9/],
    ["policy", { policy: "p".repeat(129) }, /frame\.rules\[0\]\.policy is/],
  ])("with a %s out of bounds are refused by name, and the stream goes on", (_name, over, message) => {
    established();
    handler.onMessage(frameOf({ rules: [{ ...rule, ...over }] }));
    expect(lastError()).toMatchObject({ firstNumber: 10n, calls: 3, detail: { applied: Applied.NO } });
    expect(lastError().detail?.message).toMatch(message);
    expect(node.submissions).toEqual([]);
    handler.onMessage(frameOf());
    expect(node.submissions.length).toBe(1);
  });

  it("start at number 1", () => {
    established();
    handler.onMessage(frameOf({ firstNumber: 0 }));
    expect(lastError().detail?.message).toContain("frame.first_number is 0");
  });

  it("wait for room: one above maxFramesInFlight is refused as not applied", () => {
    established({ maxFramesInFlight: 2 });
    handler.onMessage(frameOf());
    handler.onMessage(frameOf({ firstNumber: 13 }));
    handler.onMessage(frameOf({ firstNumber: 16 }));
    expect(lastError()).toMatchObject({
      firstNumber: 16n,
      calls: 3,
      detail: { reason: ErrorReason.OVERLOADED, applied: Applied.NO },
    });
    expect(node.submissions.length).toBe(2);
    node.submissions[0]!.sink.decided(0, 2, resultsOf(2, Outcome.ALLOWED), 0, quorumFacts);
    node.submissions[0]!.sink.failed(2, 3, notLeader);
    handler.onMessage(frameOf({ firstNumber: 16 }));
    expect(node.submissions.length).toBe(3);
  });

  it("that are decided after the client went away are dropped quietly", () => {
    established();
    handler.onMessage(frameOf());
    handler.onClose();
    node.submissions[0]!.sink.decided(0, 3, resultsOf(3, Outcome.ALLOWED), 0, quorumFacts);
    expect(sent).toEqual([]);
  });
});

describe("the rest of the stream", () => {
  it("renews through the log and says so once it is committed", () => {
    established();
    say({ case: "renew", value: { id: 4n, ackedThrough: 3n } });
    expect(node.operations[0]!.operation).toMatchObject({ kind: "renew", ackedThrough: 3 });
    expect(sent).toEqual([]);
    node.operations[0]!.done({ kind: "renewed", known: true });
    expect(lastMessage()).toMatchObject({ case: "renewed", value: { id: 4n } });
  });

  it("a renewal of a session that is gone ends the session, not the stream", () => {
    established();
    say({ case: "renew", value: { id: 4n, ackedThrough: 3n } });
    node.operations[0]!.done({ kind: "renewed", known: false });
    expect(lastError().detail?.reason).toBe(ErrorReason.SESSION_EXPIRED);
    say({ case: "register", value: { nonce, helloStampUs: 7n } });
    node.operations[1]!.done({ kind: "registered", session: { index: 50, position: 0 } });
    handler.onMessage(frameOf());
    expect(node.submissions[0]!.origin).toMatchObject({ session: { index: 50, position: 0 } });
    expect(ended).toBeNull();
  });

  it("answers pings, also before hello", () => {
    say({ case: "ping", value: { id: 7n } });
    expect(lastMessage()).toMatchObject({ case: "pong", value: { id: 7n } });
  });

  it("tells with every reply, and with every pong, which version of the namespace's policies it has applied", () => {
    let version = 3;
    const policies = { version: (namespace: string) => (namespace === "shop" ? version : 0) };
    node.appliedState = stateOf(policies);
    node.knownSessions.add(9);
    hello({ namespace: "shop" });
    resume();
    answerAll(node, Outcome.ALLOWED);
    handler.onMessage(frameOf());
    expect(replies().at(-1)).toMatchObject({ policyVersion: 3 });
    version = 4;
    say({ case: "ping", value: { id: 8n } });
    expect(lastMessage()).toMatchObject({ case: "pong", value: { id: 8n, policyVersion: 4n } });
  });

  it("says goodbye through the log, then ends", () => {
    established();
    say({ case: "goodbye", value: {} });
    expect(node.operations[0]!.operation.kind).toBe("goodbye");
    expect(ended).toBeNull();
    node.operations[0]!.done({ kind: "closed", known: true });
    expect(ended).toBeUndefined();
    expect(node.listeners.size).toBe(0);
  });

  it("pushes every change of topology until the stream ends", () => {
    hello();
    for (const listener of node.listeners) listener({ ...node.currentTopology, leaderId: 3, term: 6 });
    expect(lastMessage()).toMatchObject({ case: "topology", value: { groups: [{ leaderId: 3n, term: 6n }] } });
    handler.onClose();
    expect(node.listeners.size).toBe(0);
  });

  it("gives the drain notice once, also to who comes later", () => {
    hello();
    handler.drain();
    handler.drain();
    expect(
      sent.filter((message) => message.kind === "message" && message.message.message.case === "drain").length,
    ).toBe(1);
    open();
    handler.drain();
    expect(sent).toEqual([]);
    hello();
    expect(lastMessage().case).toBe("drain");
  });

  it("is metered: decisions by outcome and source, failures by reason, frames and streams", async () => {
    const metrics = createNodeMetrics(createScriptedNode(), { process: false });
    let nowMs = 100;
    established({ meter: metrics.meter, monotonicMs: () => nowMs });
    handler.onMessage(frameOf());
    nowMs = 104;
    node.submissions[0]!.sink.decided(0, 2, resultsOf(2, Outcome.LIMITED), 0, leaderFacts);
    node.submissions[0]!.sink.failed(2, 3, notLeader);
    const text = await metrics.text(true);
    expect(text).toContain('quorumguard_decisions_total{outcome="limited",source="leader"} 2');
    expect(text).toContain('quorumguard_failed_calls_total{reason="not-leader"} 1');
    expect(text).toContain("quorumguard_frames_total 1\n");
    expect(text).toContain("quorumguard_session_streams 1");
    expect(text).toContain('quorumguard_decision_seconds_bucket{le="0.0025"} 0');
    expect(text).toContain('quorumguard_decision_seconds_bucket{le="0.005"} 2');
    expect(text).toContain("quorumguard_decision_seconds_count 2");
    expect(text).toContain("quorumguard_raft_term 5");
    expect(text).toContain("quorumguard_keys 11");
    expect(text).toContain("quorumguard_keys_full_total 1");
  });

  it("is metered: nothing of a denied group was allowed, and a retry's answer is no second decision", async () => {
    const metrics = createNodeMetrics(createScriptedNode(), { process: false });
    established({ meter: metrics.meter });
    handler.onMessage(frameOf({ keys: ["a", "b", "c", "d", "e"], sizes: [2, 1, 2] }));
    const { sink } = node.submissions[0]!;
    const results = resultsOf(5, Outcome.ALLOWED);
    results.outcomes[4] = Outcome.LIMITED;
    sink.decided(1, 3, results, 2, quorumFacts);
    sink.decided(0, 1, results, 0, { ...quorumFacts, repeated: true });
    const text = await metrics.text(true);
    expect(text).toContain('quorumguard_decisions_total{outcome="allowed",source="quorum"} 1\n');
    expect(text).toContain('quorumguard_decisions_total{outcome="limited",source="quorum"} 1\n');
    expect(text).toContain('quorumguard_decisions_total{outcome="group-denied",source="quorum"} 1\n');
    expect(text).toContain("quorumguard_repeated_answers_total 2\n");
    expect(text).toContain("quorumguard_decision_seconds_count 5\n");
  });

  it("is metered: other verbs than take apart, since they admit nothing", async () => {
    const metrics = createNodeMetrics(createScriptedNode(), { process: false });
    established({ meter: metrics.meter });
    const verbs = [0, 1, 6];
    handler.onMessage(frameOf({ keys: ["a", "b", "c", "d"], sizes: [2, 1, 1], verbs, handles: [0, 0, 0, 9] }));
    const results = resultsOf(4, Outcome.ALLOWED);
    results.outcomes[1] = Outcome.LIMITED;
    results.outcomes[3] = Outcome.NOT_HELD;
    node.submissions[0]!.sink.decided(0, 3, results, 0, quorumFacts);
    const text = await metrics.text(true);
    expect(text).toContain('quorumguard_decisions_total{outcome="group-denied",source="quorum"} 1\n');
    expect(text).toContain('quorumguard_decisions_total{outcome="limited",source="quorum"} 1\n');
    expect(text).toContain('quorumguard_decisions_total{outcome="allowed",source="quorum"} 0\n');
    expect(text).toContain('quorumguard_other_calls_total{verb="reset",outcome="allowed"} 1\n');
    expect(text).toContain('quorumguard_other_calls_total{verb="give-back",outcome="not-held"} 1\n');
  });

  it("tells handles, shadow verdicts and limits in force, and these only where they differ from the frame's", () => {
    established();
    handler.onMessage(frameOf({ keys: ["a", "b", "c"], sizes: [2, 1], verbs: [0, 2] }));
    const results = resultsOf(3, Outcome.ALLOWED);
    results.handles[2] = 31;
    results.shadows[0] = Outcome.LIMITED;
    const { sink } = node.submissions[0]!;
    sink.decided(0, 2, results, 0, quorumFacts);
    results.limits[2] = 6;
    results.limits[1] = 0;
    sink.decided(0, 2, results, 0, quorumFacts);
    expect(replies()).toMatchObject([
      { handles: Float64Array.of(0, 0, 31), shadows: Uint32Array.of(2, 0, 0), limits: null },
      { limits: Float64Array.of(5, 0, 6) },
    ]);
  });

  it("K3 tells a limit in force of 0, and no limit of what was not decided", () => {
    established();
    handler.onMessage(frameOf({ keys: ["a", "b"] }));
    for (const outcome of [Outcome.KEYS_FULL, Outcome.LIMITED]) {
      const results = resultsOf(1, outcome);
      results.limits[0] = 0;
      node.submissions[0]!.sink.decided(0, 1, results, 0, quorumFacts);
    }
    expect(replies()).toMatchObject([{ limits: null }, { limits: Float64Array.of(0) }]);
  });
});
