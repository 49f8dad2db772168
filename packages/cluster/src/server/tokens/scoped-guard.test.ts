import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Outcome, Verb } from "@quorumguard/limiter";
import {
  AllowBatchRequestSchema,
  AllowRequestSchema,
  type CheckSchema,
  CommitRequestSchema,
  ErrorReason,
  GetTermsRequestSchema,
  PeekRequestSchema,
  ReserveRequestSchema,
  ResetRequestSchema,
  type RuleSchema,
  type TokenGrant,
} from "@quorumguard/proto";
import { describe, expect, it } from "vitest";
import { rejection } from "../rejection.fixture.ts";
import { answerAll, createScriptedNode } from "../scripted-node.fixture.ts";
import { createGuardHandlers } from "../unary-handlers.ts";
import type { Caller } from "./access-gate.ts";
import type { AdmittedContext } from "./scoped.ts";
import { createScopedGuard, type ScopedGuard } from "./scoped-guard.ts";
import { reasonOf } from "./token-client.fixture.ts";
import { checkTokenKeys } from "./token-keys.ts";
import { overused } from "./token-refusal.ts";
import { ed25519Key } from "./tokens.fixture.ts";
import type { VerifiedToken } from "./verify-token.ts";

const key = checkTokenKeys({ keys: [ed25519Key("one").jwk] }).get("one")!;

function contextOf(grant: TokenGrant, onlyRequestId: string | null = null): AdmittedContext {
  const own = { identity: "token:me", account: "me", onlyRequestId };
  const token = { grant, ...own, key, expiresAtMs: Number.POSITIVE_INFINITY };
  return { identity: "token:me", deadlineMs: 0, token, paid: 1 };
}

/** `left`: so many calls may be made. */
function open(outcome: number = Outcome.allowed, left = Number.POSITIVE_INFINITY) {
  const node = createScriptedNode();
  answerAll(node, outcome);
  const refusals: unknown[] = [];
  const spent: number[] = [];
  const opened: (readonly string[])[] = [];
  const gate = {
    refused: (error: unknown) => void refusals.push(error),
    spend(caller: Caller, calls: number): Caller {
      if (spent.reduce((sum, each) => sum + each, calls) > left) throw overused("too many");
      spent.push(calls);
      return { ...caller, paid: calls };
    },
    openKeys: (_token: VerifiedToken, keys: readonly string[]) => void opened.push(keys),
  };
  return { node, refusals, spent, opened, guard: createScopedGuard(createGuardHandlers(node), gate) };
}

interface AllowInit {
  readonly check?: MessageInitShape<typeof CheckSchema>;
  readonly requestId?: string;
  readonly namespace?: string;
}
type RuleInit = MessageInitShape<typeof RuleSchema>;
type BatchInit = MessageInitShape<typeof AllowBatchRequestSchema>;
const button = { policy: "button" };
const numbers = { limit: 5, windowUs: 1_000_000n };
const checkOf = (name: string, rule: RuleInit = button) => ({ key: name, rule });
const allow = (over: AllowInit = {}) => create(AllowRequestSchema, { check: checkOf("user:1"), ...over });
const batch = (...calls: NonNullable<BatchInit["calls"]>) => create(AllowBatchRequestSchema, { calls });
const one = (name: string, rule?: RuleInit) => ({ checks: [checkOf(name, rule)] });

const all: TokenGrant = { ops: ["check", "peek", "reset", "reserve"] };
const bound: TokenGrant = { ops: ["check", "peek"], key: "user:1", policies: ["button"] };
const prefixed: TokenGrant = { ops: ["check"], keyPrefix: "user:é:", policies: ["button"] };
const { KEY_FORBIDDEN, POLICY_FORBIDDEN, OPERATION_FORBIDDEN, INLINE_LIMIT_FORBIDDEN, NAMESPACE_FORBIDDEN } =
  ErrorReason;

type Ask = (guard: ScopedGuard, context: AdmittedContext) => Promise<unknown>;

describe("a token allows", () => {
  it.each<[string, TokenGrant, Ask]>([
    ["its key and policy", bound, (guard, context) => guard.allow(allow(), context)],
    [
      "what begins with its prefix",
      prefixed,
      (guard, context) => guard.allow(allow({ check: checkOf("user:é:\u{1f600}") }), context),
    ],
    ["all of a batch", bound, (guard, context) => guard.allowBatch(batch(one("user:1"), one("user:1")), context)],
    [
      "its own namespace",
      { ...all, ns: "shop" },
      (guard, context) => guard.allow(allow({ namespace: "shop" }), context),
    ],
    [
      "numbers, if it is for them",
      { ops: ["check", "inline-limits"] },
      (guard, context) => guard.allow(allow({ check: checkOf("a", { ...numbers, ...button }) }), context),
    ],
  ])("%s", async (_name, grant, ask) => {
    const { node, guard, refusals } = open();
    await ask(guard, contextOf(grant));
    expect(node.submissions).toHaveLength(1);
    expect(refusals).toEqual([]);
  });

  it("its name for request ids", async () => {
    const { node, guard } = open();
    await guard.allow(allow({ requestId: "r" }), contextOf(all));
    expect(node.submissions[0]!.origin).toMatchObject({ identity: "token:me", requestId: "r" });
  });

  it("everything, if there is none", async () => {
    const { node, guard } = open();
    await guard.reset(create(ResetRequestSchema, { check: checkOf("a", numbers) }), { ...contextOf(all), token: null });
    expect(node.submissions).toHaveLength(1);
  });
});

/** What is asked, by whom, the reason it is refused for, and the field that is named. */
const refused: readonly (readonly [string, TokenGrant, Ask, ErrorReason, string])[] = [
  ["another key", bound, (g, c) => g.allow(allow({ check: checkOf("user:2") }), c), KEY_FORBIDDEN, "check.key"],
  ["its key in capitals", bound, (g, c) => g.allow(allow({ check: checkOf("USER:1") }), c), KEY_FORBIDDEN, "check.key"],
  [
    "its key and a blank",
    bound,
    (g, c) => g.allow(allow({ check: checkOf("user:1 ") }), c),
    KEY_FORBIDDEN,
    "check.key",
  ],
  [
    "less than its prefix",
    prefixed,
    (g, c) => g.allow(allow({ check: checkOf("user:") }), c),
    KEY_FORBIDDEN,
    "check.key",
  ],
  [
    "its prefix in capitals",
    prefixed,
    (g, c) => g.allow(allow({ check: checkOf("USER:É:1") }), c),
    KEY_FORBIDDEN,
    "check.key",
  ],
  [
    "its prefix in another normal form",
    prefixed,
    (g, c) => g.allow(allow({ check: checkOf("user:e\u0301:1") }), c),
    KEY_FORBIDDEN,
    "check.key",
  ],
  [
    "another policy",
    bound,
    (g, c) => g.allow(allow({ check: checkOf("user:1", { policy: "login" }) }), c),
    POLICY_FORBIDDEN,
    "check.rule.policy",
  ],
  [
    "numbers",
    bound,
    (g, c) => g.allow(allow({ check: checkOf("user:1", numbers) }), c),
    INLINE_LIMIT_FORBIDDEN,
    "check.rule",
  ],
  [
    "its policy with numbers",
    bound,
    (g, c) => g.allow(allow({ check: checkOf("user:1", { ...button, ...numbers }) }), c),
    INLINE_LIMIT_FORBIDDEN,
    "check.rule",
  ],
  ...[{ limit: 1 }, { windowUs: 1n }, { algorithm: 1 as const }, { burst: 1 }].map(
    (number) =>
      [
        `its policy with ${Object.keys(number)[0]} alone`,
        bound,
        (g: ScopedGuard, c: AdmittedContext) =>
          g.allow(allow({ check: checkOf("user:1", { ...button, ...number }) }), c),
        INLINE_LIMIT_FORBIDDEN,
        "check.rule",
      ] as const,
  ),
  [
    "neither policy nor numbers",
    all,
    (g, c) => g.allow(allow({ check: checkOf("user:1", {}) }), c),
    INLINE_LIMIT_FORBIDDEN,
    "check.rule",
  ],
  ["another namespace", all, (g, c) => g.allow(allow({ namespace: "shop" }), c), NAMESPACE_FORBIDDEN, "namespace"],
  [
    "the default namespace",
    { ...all, ns: "shop" },
    (g, c) => g.allow(allow(), c),
    NAMESPACE_FORBIDDEN,
    'which is "shop"',
  ],
  [
    "reset",
    bound,
    (g, c) => g.reset(create(ResetRequestSchema, { check: checkOf("user:1") }), c),
    OPERATION_FORBIDDEN,
    "reset",
  ],
  [
    "reserve",
    bound,
    (g, c) => g.reserve(create(ReserveRequestSchema, { check: checkOf("user:1") }), c),
    OPERATION_FORBIDDEN,
    "reserve",
  ],
  [
    "commit",
    bound,
    (g, c) => g.commit(create(CommitRequestSchema, { check: checkOf("user:1"), handle: 1n }), c),
    OPERATION_FORBIDDEN,
    "reserve",
  ],
  [
    "to look at another key",
    bound,
    (g, c) => g.peek(create(PeekRequestSchema, { check: checkOf("user:2") }), c),
    KEY_FORBIDDEN,
    "check.key",
  ],
  [
    "to look, if it is not for that",
    { ops: ["check"] },
    (g, c) => g.peek(create(PeekRequestSchema, { check: checkOf("user:1") }), c),
    OPERATION_FORBIDDEN,
    "peek",
  ],
  [
    "the terms of another policy",
    bound,
    (g, c) => g.getTerms(create(GetTermsRequestSchema, { names: ["button", "login"] }), c),
    POLICY_FORBIDDEN,
    "names[1]",
  ],
  [
    "a batch whose second call is another's",
    bound,
    (g, c) => g.allowBatch(batch(one("user:1"), one("user:2")), c),
    KEY_FORBIDDEN,
    "calls[1].checks[0].key",
  ],
  [
    "a group whose second check is another's",
    bound,
    (g, c) => g.allowBatch(batch({ checks: [checkOf("user:1"), checkOf("user:2")] }), c),
    KEY_FORBIDDEN,
    "calls[0].checks[1].key",
  ],
  [
    "a batch whose last call is a reset",
    { ...bound, ops: ["check"] },
    (g, c) => g.allowBatch(batch(one("user:1"), { ...one("user:1"), verb: Verb.reset }), c),
    OPERATION_FORBIDDEN,
    "reset",
  ],
  ...[Verb.grant, Verb.giveBack, 250].map(
    (verb) =>
      [
        `the verb ${verb}, which leases`,
        all,
        (g: ScopedGuard, c: AdmittedContext) => g.allowBatch(batch({ ...one("user:1"), verb }), c),
        OPERATION_FORBIDDEN,
        "inline-limits",
      ] as const,
  ),
];

describe("a token does not allow", () => {
  it.each(refused)("%s", async (_name, grant, ask, reason, text) => {
    const { node, guard, refusals } = open();
    const error = await rejection(ask(guard, contextOf(grant)));
    expect([reasonOf(error.detail), error.code]).toEqual([reasonOf({ reason }), 7]);
    expect(error.message).toContain(text);
    expect([node.submissions, node.peeks]).toEqual([[], []]);
    expect(refusals).toEqual([error]);
  });

  it("to read another's key out of its refusal", async () => {
    const { guard } = open();
    const error = await rejection(guard.allow(allow({ check: checkOf("user:2") }), contextOf(bound)));
    expect(error.message).not.toMatch(/user:[12]/);
  });
});

describe("what a token's holder has left", () => {
  it.each<[string, Ask, number]>([
    ["a call", (g, c) => g.allow(allow(), c), 1],
    ["a question", (g, c) => g.peek(create(PeekRequestSchema, { check: checkOf("a") }), c), 1],
    ["a batch of three calls", (g, c) => g.allowBatch(batch(one("a"), one("b"), one("c")), c), 3],
    ["a call of all of two keys", (g, c) => g.allowBatch(batch({ checks: [checkOf("a"), checkOf("b")] }), c), 2],
  ])("shrinks with %s by its checks, and is looked at first", async (_name, ask, calls) => {
    const { guard, spent } = open();
    await ask(guard, contextOf(all));
    expect(spent).toEqual([calls]);
    const { node, ...bare } = open(Outcome.allowed, calls - 1);
    const error = await rejection(ask(bare.guard, contextOf(all)));
    expect(error.detail.reason).toBe(ErrorReason.TOKEN_OVERUSED);
    // The gate tells of it by itself.
    expect([node.submissions, node.peeks, bare.refusals]).toEqual([[], [], []]);
  });

  it("shrinks by no more than a request may have, for one that is refused for having more", async () => {
    const { guard, spent } = open();
    const checks = Array.from({ length: 2_000 }, () => checkOf("a"));
    await rejection(guard.allowBatch(batch({ checks }), contextOf(all)));
    await rejection(guard.allowBatch(batch(), contextOf(all)));
    expect(spent).toEqual([1_024, 1]);
  });

  it("shrinks with what the token does not allow, and with calls that ask for nothing", async () => {
    const { guard, spent } = open();
    await rejection(guard.allowBatch(batch(one("user:1"), one("user:2")), contextOf(bound)));
    await rejection(guard.allowBatch(batch({}, {}, {}), contextOf(bound)));
    expect(spent).toEqual([2, 3]);
  });
});

describe("the keys that a request opens", () => {
  const called = (name: string, verb: number) => ({ ...one(name), verb, ttlMs: 1_000n, handle: 7n });

  it.each<[string, Ask, readonly string[]]>([
    ["a call", (g, c) => g.allow(allow(), c), ["6:buttonuser:1"]],
    [
      "a reservation",
      (g, c) => g.reserve(create(ReserveRequestSchema, { check: checkOf("user:1"), ttlMs: 1n }), c),
      ["6:buttonuser:1"],
    ],
    ["a question", (g, c) => g.peek(create(PeekRequestSchema, { check: checkOf("a") }), c), []],
    ["a reset", (g, c) => g.reset(create(ResetRequestSchema, { check: checkOf("a") }), c), []],
    [
      "a batch, by verb",
      (g, c) =>
        g.allowBatch(
          batch(
            { checks: [checkOf("a"), checkOf("a", { policy: "other" })] },
            called("b", Verb.reserve),
            called("c", Verb.commit),
            called("d", Verb.cancel),
            called("e", Verb.reset),
          ),
          c,
        ),
      ["6:buttona", "5:othera", "6:buttonb"],
    ],
    ["a key of a kilobyte, which is refused", (g, c) => g.allow(allow({ check: checkOf("k".repeat(1_000)) }), c), []],
  ])("are told before they are asked for: by %s", async (_name, ask, keys) => {
    const { guard, opened } = open();
    await ask(guard, contextOf(all)).catch(() => {});
    expect(opened).toEqual([keys]);
  });

  it("are none of a request that the token does not allow", async () => {
    const { guard, opened } = open();
    await rejection(guard.allow(allow({ check: checkOf("user:2") }), contextOf(bound)));
    expect(opened).toEqual([]);
  });
});

describe("a token for one call", () => {
  const context = contextOf({ ...bound, ops: ["check", "reset"], once: true }, "r-1");

  it("makes that call, and again if its answer was lost", async () => {
    const { node, guard } = open();
    for (let attempt = 0; attempt < 2; attempt++) await guard.allow(allow({ requestId: "r-1" }), context);
    await guard.allowBatch(batch({ ...one("user:1"), requestId: "r-1" }), context);
    expect(node.submissions.map(({ origin }) => origin)).toEqual(
      Array.from({ length: 3 }, () => ({ kind: "request", namespace: "", identity: "token:me", requestId: "r-1" })),
    );
  });

  it.each<readonly [string, boolean, AdmittedContext]>([
    ["never a first attempt, whose denial need not be remembered", false, context],
    ["one if it is for any number of them", true, contextOf(bound)],
  ])("makes a call that is %s", async (_name, firstAttempt, by) => {
    const { node, guard } = open();
    await guard.allow(create(AllowRequestSchema, { ...allow({ requestId: "r-1" }), firstAttempt: true }), by);
    const call = { ...one("user:1"), requestId: "r-1" };
    await guard.allowBatch(create(AllowBatchRequestSchema, { calls: [call], firstAttempt: true }), by);
    expect(node.submissions.map(({ options }) => options.firstAttempt)).toEqual([firstAttempt, firstAttempt]);
  });

  it.each<[string, Ask]>([
    ["under another request id", (g, c) => g.allow(allow({ requestId: "r-2" }), c)],
    ["without one", (g, c) => g.allow(allow(), c)],
    ["as one of two calls", (g, c) => g.allowBatch(batch({ ...one("user:1"), requestId: "r-1" }, one("user:1")), c)],
    ["as a question", (g, c) => g.peek(create(PeekRequestSchema, { check: checkOf("user:1") }), c)],
  ])("is refused %s", async (_name, ask) => {
    const { node, guard } = open();
    const error = await rejection(ask(guard, context));
    expect([error.detail.reason, error.code]).toEqual([ErrorReason.TOKEN_REPLAYED, 16]);
    expect([node.submissions, node.peeks]).toEqual([[], []]);
  });

  it.each<[string, Ask]>([
    ["alone", (g, c) => g.allow(allow({ requestId: "r-1" }), c)],
    ["in a batch", (g, c) => g.allowBatch(batch({ ...one("user:1"), requestId: "r-1" }), c)],
  ])("is told as used again when its id was another call's, %s", async (_name, ask) => {
    const { guard, refusals } = open(Outcome.requestIdReused);
    expect((await rejection(ask(guard, context))).detail.reason).toBe(ErrorReason.TOKEN_REPLAYED);
    expect(refusals).toHaveLength(1);
  });

  it("without once, a request id that is used again is told as that", async () => {
    const { guard } = open(Outcome.requestIdReused);
    const error = await rejection(guard.allow(allow({ requestId: "r-1" }), contextOf(bound)));
    expect(error.detail.reason).toBe(ErrorReason.REQUEST_ID_REUSED);
  });
});
