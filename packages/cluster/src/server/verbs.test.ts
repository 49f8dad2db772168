import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Outcome as Limited, NEVER, Verb } from "@quorumguard/limiter";
import {
  type AllowBatchRequestSchema,
  AllowBatchRequestSchema as Batch,
  CancelRequestSchema,
  type CheckSchema,
  CommitRequestSchema,
  decodeSessionRequest,
  ErrorReason,
  encodeFrame,
  type FrameColumns,
  Outcome,
  ReserveRequestSchema,
  ResetRequestSchema,
} from "@quorumguard/proto";
import { describe, expect, it } from "vitest";
import { CallError, StatusCode } from "./call-error.ts";
import { checkFrame } from "./frame-sink.ts";
import { answerAll, createScriptedNode, quorumFacts, resultsOf } from "./scripted-node.fixture.ts";
import { createGuardHandlers } from "./unary-handlers.ts";

const context = { identity: "me", deadlineMs: 0 };
const check: MessageInitShape<typeof CheckSchema> = { key: "k", rule: { limit: 5, windowUs: 1_000_000n }, cost: 3 };
const shared = { check, requestId: "r", namespace: "shop", noForward: true };

function setUp() {
  const node = createScriptedNode();
  return { node, guard: createGuardHandlers(node) };
}

async function errorOf(answer: Promise<unknown>): Promise<CallError> {
  const error = await answer.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof CallError)) throw new Error(`expected a CallError, got ${String(error)}`);
  return error;
}

it("a batch of more calls than may wait at all is wrong, and no sign that others wait", async () => {
  const { node, guard } = setUp();
  const calls = Array.from({ length: 65_537 }, () => ({ checks: [check] }));
  const error = await errorOf(guard.allowBatch(create(Batch, { calls }), context));
  expect([error.code, error.detail.reason]).toEqual([StatusCode.invalidArgument, ErrorReason.INVALID_ARGUMENT]);
  expect(error.message).toBe("calls is 1025 checks or more: a request has at most 1024; split it");
  expect(node.submissions).toEqual([]);
});

describe("a unary verb reaches the node with all that belongs to it", () => {
  const cases = [
    [
      "reset",
      { verb: Verb.reset, cost: 1, ttlMs: 0, handle: 0 },
      (guard) => guard.reset(create(ResetRequestSchema, shared), context),
    ],
    [
      "reserve",
      { verb: Verb.reserve, cost: 3, ttlMs: 7_000, handle: 0 },
      (guard) => guard.reserve(create(ReserveRequestSchema, { ...shared, ttlMs: 7_000n }), context),
    ],
    [
      "commit of what was reserved",
      { verb: Verb.commit, cost: 3, ttlMs: 0, handle: 12 },
      (guard) => guard.commit(create(CommitRequestSchema, { ...shared, handle: 12n }), context),
    ],
    [
      "commit of what was spent",
      { verb: Verb.commit, cost: 9, ttlMs: 0, handle: 12 },
      (guard) => guard.commit(create(CommitRequestSchema, { ...shared, handle: 12n, actualCost: 9 }), context),
    ],
    [
      "commit of nothing, which is a cancel",
      { verb: Verb.cancel, cost: 1, ttlMs: 0, handle: 12 },
      (guard) => guard.commit(create(CommitRequestSchema, { ...shared, handle: 12n, actualCost: 0 }), context),
    ],
    [
      "cancel",
      { verb: Verb.cancel, cost: 3, ttlMs: 0, handle: 2 ** 53 - 1 },
      (guard) => guard.cancel(create(CancelRequestSchema, { ...shared, handle: 2n ** 53n - 1n }), context),
    ],
  ] satisfies [
    string,
    object,
    (guard: ReturnType<typeof createGuardHandlers>) => Promise<{ readonly decision?: unknown }>,
  ][];
  it.each(cases)("%s", async (_name, { verb, cost, ttlMs, handle }, ask) => {
    const { node, guard } = setUp();
    answerAll(node, Outcome.ALLOWED);
    expect((await ask(guard)).decision).toMatchObject({ outcome: Outcome.ALLOWED, limit: 5, remaining: 4 });
    const { origin, options, batch } = node.submissions[0]!;
    expect(origin).toEqual({ kind: "request", namespace: "shop", identity: "me", requestId: "r" });
    expect(options).toMatchObject({ firstAttempt: false, noForward: true });
    expect([batch.verbs?.[0], batch.costs?.[0], batch.ttlsMs?.[0], batch.handles?.[0]]).toEqual([
      verb,
      cost,
      ttlMs,
      handle,
    ]);
  });

  it("in a batch beside takes and groups, whose columns stay apart", async () => {
    const { node, guard } = setUp();
    answerAll(node, Outcome.ALLOWED);
    const calls: MessageInitShape<typeof AllowBatchRequestSchema>["calls"] = [
      { checks: [check, check] },
      { checks: [check], verb: Verb.grant, ttlMs: 500n },
      { checks: [check], verb: Verb.giveBack, handle: 7n },
    ];
    await guard.allowBatch(create(Batch, { calls }), context);
    expect(node.submissions[0]!.batch).toMatchObject({
      calls: 3,
      sizes: Uint32Array.of(2, 1, 1),
      verbs: Uint8Array.of(Verb.take, Verb.grant, Verb.giveBack),
      ttlsMs: Float64Array.of(0, 0, 500, 0),
      handles: Float64Array.of(0, 0, 0, 7),
    });
  });

  it("and a batch of takes alone has no such columns", async () => {
    const { node, guard } = setUp();
    answerAll(node, Outcome.ALLOWED);
    await guard.allowBatch(create(Batch, { calls: [{ checks: [check] }, { checks: [check] }] }), context);
    expect(node.submissions[0]!.batch).toMatchObject({ verbs: null, ttlsMs: null, handles: null });
  });
});

describe("the answer to a unary verb", () => {
  it("names the hold, the limit in force and what a shadow policy would have said", async () => {
    const { node, guard } = setUp();
    node.onSubmit = ({ sink }) => {
      const results = resultsOf(1, Outcome.ALLOWED);
      results.handles[0] = 77;
      results.limits[0] = 9;
      results.shadows[0] = Outcome.BANNED;
      sink.decided(0, 1, results, 0, quorumFacts);
    };
    const { decision, index } = await guard.reserve(create(ReserveRequestSchema, shared), context);
    expect(index).toBe(42n);
    expect(decision).toMatchObject({ handle: 77n, limit: 9, shadow: Outcome.BANNED });
  });

  it.each([
    [Outcome.LIMITED, 0],
    [Outcome.KEYS_FULL, check.rule!.limit],
  ])("K3 outcome %i tells the limit %i: a limit in force of 0 is not taken for none", async (outcome, limit) => {
    const { node, guard } = setUp();
    node.onSubmit = ({ sink }) => {
      const results = resultsOf(1, outcome);
      results.limits[0] = 0;
      results.retryAfterMs[0] = NEVER;
      sink.decided(0, 1, results, 0, quorumFacts);
    };
    const { results } = await guard.allowBatch(create(Batch, { calls: [{ checks: [check] }] }), context);
    const decision = results[0]!.decisions[0]!;
    expect(decision).toMatchObject({ outcome, limit });
    expect(decision.retryAfterMs).toBeUndefined();
  });

  it.each([
    [Limited.banned, null, null],
    [Limited.blocked, null, null],
    [Limited.unknownPolicy, StatusCode.notFound, ErrorReason.UNKNOWN_POLICY],
    [Limited.notHeld, StatusCode.notFound, ErrorReason.NOT_HELD],
    [Limited.holdsFull, StatusCode.resourceExhausted, ErrorReason.HOLDS_FULL],
    [Limited.namespaceFull, StatusCode.resourceExhausted, ErrorReason.NAMESPACE_FULL],
    [Limited.needsReservation, StatusCode.failedPrecondition, ErrorReason.NEEDS_RESERVATION],
  ])("of outcome %i has status %s and reason %s", async (outcome, code, reason) => {
    const { node, guard } = setUp();
    answerAll(node, outcome);
    const answer = guard.cancel(create(CancelRequestSchema, { ...shared, handle: 1n }), context);
    if (code === null) expect((await answer).decision?.outcome).toBe(outcome);
    else expect(await errorOf(answer)).toMatchObject({ code, detail: { reason } });
  });
});

it.each([
  [
    Limited.unknownPolicy,
    /^policy ".*" is none of the namespace "shop".*: put the policy .*, or give limit and window$/,
  ],
  [
    Limited.namespaceFull,
    /^the namespace "shop" has as many live keys as its maxKeys allows .*: raise it .*, or try again/,
  ],
])("the error of outcome %i names what was asked for, and says what to do", async (outcome, message) => {
  const { node, guard } = setUp();
  answerAll(node, outcome);
  const error = await errorOf(guard.cancel(create(CancelRequestSchema, { ...shared, handle: 1n }), context));
  expect(error.detail.message).toMatch(message);
});

describe("what does not belong to a verb is refused by field, value and bound", () => {
  it.each([
    [
      "a ttl above 400 days",
      { verb: Verb.reserve, ttlMs: 34_560_000_001n },
      "calls[0].ttl_ms is 34560000001: it must be",
    ],
    ["a ttl of what opens nothing", { ttlMs: 1n }, "calls[0].ttl_ms is 1: it must be 0: this call opens nothing"],
    ["no handle", { verb: Verb.commit }, "calls[0].handle is 0: it must be a whole number from 1"],
    [
      "a handle above 2^53-1",
      { verb: Verb.cancel, handle: 2n ** 64n - 1n },
      "calls[0].handle is 18446744073709551615: ",
    ],
    ["a handle of what ends nothing", { verb: Verb.reset, handle: 1n }, "calls[0].handle is 1: it must be 0"],
    ["an unknown verb", { verb: 7 }, "calls[0].verb is 7: it must be from 0 (take) to 6 (give back)"],
    ["a verb of two checks", { verb: Verb.reset, checks: [check, check] }, "calls[0].verb is 1: its call has 2 items"],
  ])("%s", async (_name, call, message) => {
    const { node, guard } = setUp();
    const error = await errorOf(guard.allowBatch(create(Batch, { calls: [{ checks: [check], ...call }] }), context));
    expect(error).toMatchObject({ code: StatusCode.invalidArgument });
    expect(error.message).toContain(message);
    expect(node.submissions).toEqual([]);
  });

  it("an actual cost above 2^31-1", async () => {
    const { guard } = setUp();
    const request = create(CommitRequestSchema, { ...shared, handle: 1n, actualCost: 2 ** 31 });
    expect((await errorOf(guard.commit(request, context))).message).toContain(
      "actual_cost is 2147483648: it must be a whole number from 0 to 2,147,483,647",
    );
  });
});

describe("a frame's verbs", () => {
  const frameOf = (over: Partial<FrameColumns>) => {
    const rules = [{ limit: 5, windowUs: 1_000_000, algorithm: 0, burst: 0, policy: "" }];
    const takes = { ruleIndexes: null, costs: null, sizes: null, verbs: null, ttlsMs: null, handles: null };
    const numbers = { firstNumber: 1, ackedThrough: 0, firstAttempt: true, deadlineMs: 0 };
    const decoded = decodeSessionRequest(encodeFrame({ ...numbers, rules, keys: ["a", "b", "c"], ...takes, ...over }));
    if (decoded.kind !== "frame") throw new Error("not a frame");
    return decoded.frame;
  };

  it("are taken as they are when each has what belongs to it", () => {
    const sizes = [2, 1];
    expect(() => checkFrame(frameOf({ sizes, verbs: [Verb.take, Verb.grant], ttlsMs: [0, 0, 9] }))).not.toThrow();
    expect(() => checkFrame(frameOf({ sizes, verbs: [0, Verb.commit], handles: [0, 0, 9] }))).not.toThrow();
  });

  it.each([
    ["an unknown one", { verbs: [0, 9, 0] }, "frame.verbs[1] is 9: it must be from 0 (take) to 6"],
    ["one of a group", { sizes: [1, 2], verbs: [0, Verb.reset] }, "frame.verbs[1] is 1: its call has 2 items"],
    ["a lifetime of a take", { ttlsMs: [0, 0, 1] }, "frame.ttls_ms[2] is 1: it must be 0"],
    ["a handle of a take", { handles: [1, 0, 0] }, "frame.handles[0] is 1: it must be 0"],
    [
      "no handle of a cancel",
      { verbs: [Verb.cancel, 0, 0] },
      "frame.handles[0] is 0: it must be a whole number from 1",
    ],
  ])("are refused: %s", (_name, over, message) => {
    expect(() => checkFrame(frameOf(over))).toThrow(message);
  });
});
