import { Algorithm, Outcome } from "@quorumguard/limiter";
import {
  decodeSessionRequest,
  decodeSessionResponse,
  encodeFrame,
  encodeFrameReply,
  type FrameColumns,
  type FrameReplyColumns,
  type ReceivedFrame,
  type ReceivedReply,
  Source,
  type WireRule,
} from "@quorumguard/proto";
import { describe, expect, test } from "vitest";
import { createAskedCalls } from "./asked-calls.ts";

const session = "7:0";
const wireRule: WireRule = { limit: 10, windowUs: 1_000_000, algorithm: 0, burst: 0, policy: "" };
const rule = { ...wireRule, algorithm: Algorithm.slidingWindowLog };

/** A frame as it comes off the wire. */
function frameOf(firstNumber: number, keys: readonly string[], columns: Partial<FrameColumns> = {}): ReceivedFrame {
  const takes = { ruleIndexes: null, costs: null, sizes: null, verbs: null, ttlsMs: null, handles: null };
  const plain = { ackedThrough: 0, firstAttempt: true, deadlineMs: 1_000, ...takes };
  const bytes = encodeFrame({ ...plain, firstNumber, keys, rules: [wireRule], ...columns });
  const decoded = decodeSessionRequest(bytes);
  if (decoded.kind !== "frame") throw new Error("a frame was read as another message");
  return decoded.frame;
}

/** A reply as it comes off the wire, each item with its own number in every column. */
function replyOf(
  firstNumber: number,
  calls: number,
  items: number,
  source: Source = Source.QUORUM,
  runs: number[] | null = null,
): ReceivedReply {
  const column = (from: number) => Array.from({ length: items }, (_, at) => from + at);
  const columns: FrameReplyColumns = {
    firstNumber,
    calls,
    index: 40,
    stampUs: 5_000,
    policyVersion: 0,
    source,
    results: {
      outcomes: Array.from({ length: items }, () => Outcome.limited),
      remaining: column(100),
      resetAfterMs: column(200),
      retryAfterMs: column(300),
      firmForMs: column(0),
      handles: column(400),
      limits: column(500),
      shadows: column(0),
    },
    tellLimits: false,
    fromItem: 0,
    toItem: items,
    runs,
  };
  const decoded = decodeSessionResponse(encodeFrameReply(columns));
  if (decoded.kind !== "reply") throw new Error("a reply was read as another message");
  return decoded.reply;
}

describe("saw", () => {
  test("numbers the calls of a frame in their order, defaults of the wire filled in", () => {
    const bucket = { ...wireRule, algorithm: Algorithm.tokenBucket };
    const frame = frameOf(3, ["a", "b", "ü"], {
      rules: [wireRule, bucket, { ...bucket, burst: 4, policy: "gold" }],
      ruleIndexes: [0, 1, 2],
      costs: [1, 2, 3],
    });
    expect(createAskedCalls().saw(session, frame)).toEqual({
      fresh: [
        { callId: "7:0#3", items: [{ key: "a", rule, cost: 1 }] },
        { callId: "7:0#4", items: [{ key: "b", rule: { ...bucket, burst: 10 }, cost: 2 }] },
        { callId: "7:0#5", items: [{ key: "ü", rule: { ...bucket, burst: 4, policy: "gold" }, cost: 3 }] },
      ],
      changed: [],
    });
  });

  test("a burst beside the sliding window says nothing", () => {
    const frame = frameOf(1, ["a"], { rules: [{ ...wireRule, burst: 9 }] });
    expect(createAskedCalls().saw(session, frame).fresh[0]?.items[0]?.rule).toEqual(rule);
  });

  test("gives each call as many items as its size says", () => {
    const { fresh } = createAskedCalls().saw(session, frameOf(1, ["a", "b", "c"], { sizes: [2, 1] }));
    expect(fresh.map(({ items }) => items.map(({ key }) => key))).toEqual([["a", "b"], ["c"]]);
  });

  test("a call that is sent again as it was is no news, beside one that is new", () => {
    const calls = createAskedCalls();
    calls.saw(session, frameOf(1, ["a", "b"]));
    const { fresh, changed } = calls.saw(session, frameOf(2, ["b", "c"], { firstAttempt: false }));
    expect(fresh.map(({ callId }) => callId)).toEqual(["7:0#3"]);
    expect(changed).toEqual([]);
  });

  test.each([
    ["key", frameOf(1, ["b"])],
    ["cost", frameOf(1, ["a"], { costs: [2] })],
    ["limit", frameOf(1, ["a"], { rules: [{ ...wireRule, limit: 11 }] })],
    ["algorithm", frameOf(1, ["a"], { rules: [{ ...wireRule, algorithm: Algorithm.tokenBucket }] })],
    ["number of items", frameOf(1, ["a", "a"], { sizes: [2] })],
  ])("a number is told that was used again for another %s", (_, frame) => {
    const calls = createAskedCalls();
    calls.saw(session, frameOf(1, ["a"]));
    expect(calls.saw(session, frame)).toEqual({ fresh: [], changed: ["7:0#1"] });
  });

  test("two sessions have a number each", () => {
    const calls = createAskedCalls();
    calls.saw("7:0", frameOf(1, ["a"]));
    expect(calls.saw("7:1", frameOf(1, ["b"]))).toMatchObject({ fresh: [{ callId: "7:1#1" }], changed: [] });
  });
});

describe("answers", () => {
  test("are those of the calls that a reply's runs name", () => {
    const calls = createAskedCalls();
    calls.saw(session, frameOf(5, ["a", "b", "c", "d"]));
    const { acknowledgements } = calls.answers(session, replyOf(5, 2, 2, Source.LEADER, [1, 2, 1]));
    expect(acknowledgements).toMatchObject([
      { number: 5, asked: [{ key: "a" }], remaining: [100] },
      { number: 8, asked: [{ key: "d" }], remaining: [101] },
    ]);
  });

  test("deals the columns of a reply out to the calls that were asked", () => {
    const calls = createAskedCalls();
    const { fresh } = calls.saw(session, frameOf(1, ["a", "b", "c"], { sizes: [2, 1] }));
    const common = { session, source: "quorum", index: 40, stampUs: 5_000 };
    expect(calls.answers(session, replyOf(1, 2, 3))).toEqual({
      acknowledgements: [
        {
          ...common,
          number: 1,
          asked: fresh[0]?.items,
          outcomes: [Outcome.limited, Outcome.limited],
          remaining: [100, 101],
          resetAfterMs: [200, 201],
          retryAfterMs: [300, 301],
          handles: [400, 401],
          limits: [rule.limit, rule.limit],
          shadows: [0, 1],
        },
        {
          ...common,
          number: 2,
          asked: fresh[1]?.items,
          outcomes: [Outcome.limited],
          remaining: [102],
          resetAfterMs: [202],
          retryAfterMs: [302],
          handles: [402],
          limits: [rule.limit],
          shadows: [2],
        },
      ],
      unasked: null,
    });
  });

  test("says that the leader alone answered", () => {
    const calls = createAskedCalls();
    calls.saw(session, frameOf(1, ["a"]));
    expect(calls.answers(session, replyOf(1, 1, 1, Source.LEADER)).acknowledgements[0]?.source).toBe("leader");
  });

  test("stops at a call that was never asked, and keeps what was answered before it", () => {
    const calls = createAskedCalls();
    calls.saw(session, frameOf(1, ["a"]));
    calls.saw(session, frameOf(3, ["c"]));
    const { acknowledgements, unasked } = calls.answers(session, replyOf(1, 3, 3));
    expect(acknowledgements.map(({ number }) => number)).toEqual([1]);
    expect(unasked).toBe(2);
  });

  test("nothing was asked on a stream without a session, nor in another session", () => {
    const calls = createAskedCalls();
    calls.saw(session, frameOf(1, ["a"]));
    expect(calls.answers(null, replyOf(1, 1, 1))).toEqual({ acknowledgements: [], unasked: 1 });
    expect(calls.answers("7:1", replyOf(1, 1, 1))).toEqual({ acknowledgements: [], unasked: 1 });
  });
});

test("only the newest calls are kept, if there is a limit", () => {
  const calls = createAskedCalls({ maxCalls: 2 });
  calls.saw(session, frameOf(1, ["a", "b", "c"]));
  expect(calls.answers(session, replyOf(1, 1, 1)).unasked).toBe(1);
  expect(calls.answers(session, replyOf(2, 2, 2))).toMatchObject({
    acknowledgements: [{ number: 2 }, { number: 3 }],
    unasked: null,
  });
});
