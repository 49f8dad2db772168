import { create } from "@bufbuild/protobuf";
import { createEntryWriter, createLimiter, readAdminRequest } from "@quorumguard/limiter";
import {
  AdminService,
  Algorithm,
  Applied,
  DeletePoliciesRequestSchema,
  DiffPoliciesRequestSchema,
  ErrorReason,
  ExplainRequestSchema,
  LiftBanRequestSchema,
  ListBansRequestSchema,
  ListPolicyHistoryRequestSchema,
  ListTopKeysRequestSchema,
  PolicyService,
  PutPoliciesRequestSchema,
  SetKeyQuotaRequestSchema,
  TopKeysBy,
} from "@quorumguard/proto";
import { describe, expect, it } from "vitest";
import type { NodeFailure } from "../node/node.ts";
import { createAdminHandlers } from "./admin-handlers.ts";
import { answerAdmin } from "./admin-questions.ts";
import { StatusCode } from "./call-error.ts";
import { createPolicyHandlers } from "./policy-handlers.ts";
import { rejection } from "./rejection.fixture.ts";
import { createScriptedNode, notLeader } from "./scripted-node.fixture.ts";
import { nameOf, TopKeys } from "./top-keys/top-keys.ts";

const context = { identity: "ops@example", deadlineMs: 0 };
const document = { policies: [{ name: "login", limit: 5, window: "1m" }] };
const policyInput = PolicyService.method;
const adminInput = AdminService.method;

const unheard: NodeFailure = {
  ...{ reason: "unavailable", applied: "no", retryAfterMs: 0, leaderId: 0, term: 1 },
  message: "this leader has not yet heard from a quorum",
};
const overloaded: NodeFailure = { ...unheard, reason: "overloaded", message: "busy", retryAfterMs: 5 };

/** A node whose leader is a real limiter, and where changes come to what the test says. */
function served() {
  const node = createScriptedNode();
  const limiter = createLimiter();
  const topKeys = new TopKeys({ nowMs: () => 90_000 });
  node.answer = (question) => answerAdmin({ nodeId: 2, topKeys }, question, limiter, 1_000_000);
  return { node, limiter, topKeys, policies: createPolicyHandlers(node), admin: createAdminHandlers(node) };
}

describe("a change of policies", () => {
  it("goes into the log in its normal form, with who made it, and is answered with what it came to", async () => {
    const { node, policies } = served();
    const options = { expectedVersion: 6n, changeId: "deploy-7", deadlineMs: 300 };
    const request = create(PutPoliciesRequestSchema, { namespace: "shop", document, options });
    const answer = policies.putPolicies(request, context);
    await expect.poll(() => node.operations.length).toBe(1);
    const { operation, options: submitted, done } = node.operations[0]!;
    expect(operation).toEqual({
      kind: "administer",
      request: {
        namespace: "shop",
        change: {
          kind: "putDocument",
          document: {
            policies: [{ name: "login", algorithm: "sliding-window-log", limit: 5, windowMs: 60_000 }],
          },
        },
        expectedVersion: 6,
        changeId: "deploy-7",
        author: "ops@example",
      },
    });
    expect(submitted).toMatchObject({ noForward: false, deadlineMs: 300 });
    done({ kind: "administered", result: { version: 6, changed: 0, error: null } });
    expect((await answer).result).toMatchObject({ version: 6n, changed: 0, edits: [] });
  });

  it("right after a start, before the leader knows that it leads: its words are asked for again until they are told", async () => {
    const { node, limiter, policies } = served();
    const writer = createEntryWriter();
    writer.begin({ takeover: false });
    const overrides = [{ policy: "login", key: "k", limit: 1 }];
    writer.administer(readAdminRequest({ namespace: "", change: { kind: "putOverrides", overrides } }));
    limiter.apply(1, writer.finish(1_000_000));
    const { answer: asked } = node;
    const early: NodeFailure[] = [unheard, notLeader, overloaded];
    node.answer = (question) => early.shift() ?? asked(question);
    const answer = policies.putPolicies(create(PutPoliciesRequestSchema, { document }), context);
    await expect.poll(() => node.operations.length).toBe(1);
    node.operations[0]!.done({ kind: "administered", result: { version: 1, changed: 1, error: null } });
    expect((await answer).result).toMatchObject({ version: 1n, edits: [expect.stringContaining("is new")] });
    expect(node.questions.length).toBe(4);
    expect(node.operations.length).toBe(1);
  });

  it("whose words cannot be had until the deadline is an error that says it is made, retried by generic clients only under an id", async () => {
    for (const [changeId, code] of [
      ["", StatusCode.unknown],
      ["id", StatusCode.unavailable],
    ] as const) {
      const { node, policies } = served();
      node.answer = () => notLeader;
      const request = create(PutPoliciesRequestSchema, { document, options: { changeId, deadlineMs: 150 } });
      const answer = rejection(policies.putPolicies(request, context));
      await expect.poll(() => node.operations.length).toBe(1);
      node.operations[0]!.done({ kind: "administered", result: { version: 7, changed: 2, error: null } });
      expect(await answer).toMatchObject({
        code,
        message: expect.stringMatching(
          /^the change is made: version 7, with 2 records changed; .*policy history.* \(.+\)$/,
        ),
        detail: { applied: Applied.UNKNOWN },
      });
    }
  });

  it("whose words the history no longer has is an error that says it is made, and that no retry mends", async () => {
    for (const changeId of ["", "id"]) {
      const { node, policies } = served();
      const request = create(PutPoliciesRequestSchema, { document, options: { changeId } });
      const answer = rejection(policies.putPolicies(request, context));
      await expect.poll(() => node.operations.length).toBe(1);
      // The limiter that is asked for the difference knows of no such version.
      node.operations[0]!.done({ kind: "administered", result: { version: 7, changed: 2, error: null } });
      expect(await answer).toMatchObject({
        code: StatusCode.unknown,
        message: expect.stringContaining("the change is made: version 7, with 2 records changed"),
        detail: { reason: ErrorReason.CHANGE_REFUSED, applied: Applied.UNKNOWN },
      });
    }
  });

  it("of thousands of records tells the first thousand, and how many more", async () => {
    const { node, limiter, policies } = served();
    const overrides = Array.from({ length: 2_500 }, (_, i) => ({ policy: "login", key: `k${i}`, limit: 1 }));
    const writer = createEntryWriter();
    writer.begin({ takeover: false });
    writer.administer(readAdminRequest({ namespace: "", change: { kind: "putOverrides", overrides } }));
    limiter.apply(1, writer.finish(1_000_000));
    const answer = policies.deletePolicies(create(DeletePoliciesRequestSchema, { names: ["x"] }), context);
    await expect.poll(() => node.operations.length).toBe(1);
    node.operations[0]!.done({ kind: "administered", result: { version: 1, changed: 2_500, error: null } });
    const { result } = await answer;
    expect(result!.edits.length).toBe(1_001);
    expect(result!.edits.slice(-2)).toEqual([expect.stringContaining("is new"), "and 1,500 more"]);
    const { edits } = await policies.diffPolicies(
      create(DiffPoliciesRequestSchema, { document: { overrides: [] } }),
      context,
    );
    expect([edits.length, edits.at(-1)]).toEqual([1_001, "and 1,500 more"]);
    const { revisions } = await policies.listPolicyHistory(create(ListPolicyHistoryRequestSchema), context);
    expect(revisions.map((each) => [each.edits.length, each.edits.at(-1)])).toEqual([[1_001, "and 1,500 more"]]);
  });

  it.each([
    ["version-mismatch", StatusCode.aborted, ErrorReason.VERSION_MISMATCH],
    ["not-found", StatusCode.notFound, ErrorReason.CHANGE_REFUSED],
    ["too-many", StatusCode.failedPrecondition, ErrorReason.CHANGE_REFUSED],
    ["change-id-reused", StatusCode.alreadyExists, ErrorReason.CHANGE_REFUSED],
    // What only a newer leader says.
    ["of-the-future" as "in-use", StatusCode.failedPrecondition, ErrorReason.CHANGE_REFUSED],
  ] as const)("that the state refuses as %s changed nothing, and says so", async (code, status, reason) => {
    const { node, policies } = served();
    const answer = rejection(policies.putPolicies(create(PutPoliciesRequestSchema, { document }), context));
    await expect.poll(() => node.operations.length).toBe(1);
    const error = { code, field: "change", message: "why not" };
    node.operations[0]!.done({ kind: "administered", result: { version: 3, changed: 0, error } });
    expect(await answer).toMatchObject({ code: status, message: "why not", detail: { reason, applied: Applied.NO } });
  });

  it("whose leader was lost is retried by generic clients only under an id", async () => {
    const lost: NodeFailure = { ...notLeader, reason: "unavailable", applied: "unknown" };
    for (const [changeId, code] of [
      ["", StatusCode.unknown],
      ["id", StatusCode.unavailable],
    ] as const) {
      const { node, policies } = served();
      const request = create(PutPoliciesRequestSchema, { document, options: { changeId } });
      const answer = rejection(policies.putPolicies(request, context));
      await expect.poll(() => node.operations.length).toBe(1);
      node.operations[0]!.done(lost);
      expect(await answer).toMatchObject({ code, detail: { applied: Applied.UNKNOWN } });
    }
  });

  const refused: readonly (readonly [string, (handlers: ReturnType<typeof served>) => Promise<unknown>])[] = [
    [
      "document is missing: give any of",
      ({ policies }) => policies.putPolicies(create(PutPoliciesRequestSchema), context),
    ],
    [
      "document.policies[0].limit is -1; it must be a whole number from 0 to",
      ({ policies }) =>
        policies.putPolicies(
          create(PutPoliciesRequestSchema, { document: { policies: [{ name: "a", limit: -1, window: "1m" }] } }),
          context,
        ),
    ],
    [
      "namespace is ",
      ({ policies }) =>
        policies.putPolicies(create(PutPoliciesRequestSchema, { namespace: "n".repeat(129), document }), context),
    ],
    [
      "options.expected_version is 18446744073709551615",
      ({ policies }) =>
        policies.putPolicies(
          create(PutPoliciesRequestSchema, { document, options: { expectedVersion: 2n ** 64n - 1n } }),
          context,
        ),
    ],
    [
      "changeId has 129 bytes; it must have 1 to 128",
      ({ policies }) =>
        policies.putPolicies(
          create(PutPoliciesRequestSchema, { document, options: { changeId: "x".repeat(129) } }),
          context,
        ),
    ],
    [
      "change.kind is missing",
      ({ policies }) => policies.editPolicies(create(policyInput.editPolicies.input), context),
    ],
    [
      'change.kind is "rollback": call RollbackPolicies for that',
      ({ policies }) =>
        policies.editPolicies(
          create(policyInput.editPolicies.input, { change: { kind: "rollback", version: 1 } }),
          context,
        ),
    ],
    [
      "change.names is empty",
      ({ policies }) => policies.deletePolicies(create(policyInput.deletePolicies.input), context),
    ],
    [
      "version is 18446744073709551615: it must be 0 to 2^53-1",
      ({ policies }) =>
        policies.rollbackPolicies(create(policyInput.rollbackPolicies.input, { version: 2n ** 64n - 1n }), context),
    ],
    [
      "limit is 101: it must be a whole number from 0 to 100",
      ({ policies }) =>
        policies.listPolicyHistory(create(policyInput.listPolicyHistory.input, { limit: 101 }), context),
    ],
    ["rule is missing", ({ admin }) => admin.explain(create(ExplainRequestSchema, { key: "a" }), context)],
    ["key is ", ({ admin }) => admin.explain(create(ExplainRequestSchema, { rule: { policy: "a" } }), context)],
    ["policy is ", ({ admin }) => admin.liftBan(create(LiftBanRequestSchema, { key: "a" }), context)],
    ["limit is 1001", ({ admin }) => admin.listBans(create(ListBansRequestSchema, { limit: 1_001 }), context)],
    ["limit is 1001", ({ admin }) => admin.listTopKeys(create(ListTopKeysRequestSchema, { limit: 1_001 }), context)],
    [
      "change.maxKeys is 0",
      ({ admin }) => admin.setKeyQuota(create(SetKeyQuotaRequestSchema, { maxKeys: 0 }), context),
    ],
  ];
  it.each(refused)("is refused before the log has it: %s", async (message, call) => {
    const handlers = served();
    const error = await rejection(call(handlers));
    expect(error.message).toContain(message);
    expect(error).toMatchObject({ code: StatusCode.invalidArgument, detail: { applied: Applied.NO } });
    expect([handlers.node.operations, handlers.node.questions]).toEqual([[], []]);
  });
});

describe("a question about policies and keys", () => {
  it("is answered by whoever leads", async () => {
    const { policies, admin, topKeys } = served();
    const name = nameOf({ namespace: "shop", policy: "login", key: "user:1" });
    for (let i = 0; i < 3; i++) topKeys.decided(name, true, 1);
    expect(await policies.getPolicies(create(policyInput.getPolicies.input), context)).toMatchObject({
      version: 0n,
      document: { policies: [], overrides: [], tiers: [], tierKeys: [], lists: [], maxKeys: null },
    });
    const diff = await policies.diffPolicies(create(policyInput.diffPolicies.input, { document }), context);
    expect(diff).toMatchObject({ version: 0n });
    expect(diff.edits).toEqual(['policy "login" is new: algorithm sliding-window-log, limit 5, windowMs 60000']);
    const overrides = Array.from({ length: 10_000 }, (_, i) => ({ policy: "login", key: `user:${i}`, limit: 5 }));
    const tooMuch = policies.diffPolicies(create(policyInput.diffPolicies.input, { document: { overrides } }), context);
    await expect(tooMuch).rejects.toThrow(/change has \d+ bytes; it may have 262144: split it .* ChangePolicies/);
    const history = await policies.listPolicyHistory(create(policyInput.listPolicyHistory.input), context);
    expect(history).toMatchObject({ version: 0n, revisions: [] });
    expect(await admin.listBans(create(ListBansRequestSchema), context)).toMatchObject({ bans: [], total: 0 });
    const top = await admin.listTopKeys(create(ListTopKeysRequestSchema, { by: TopKeysBy.DENIALS }), context);
    expect(top.keys).toMatchObject([
      { namespace: "shop", policy: "login", key: "user:1", count: 3n, overcount: 0n, undercount: 0n },
    ]);
    expect(top).toMatchObject({ nodeId: 2n, overMs: 0n });
    const elsewhere = await admin.listTopKeys(create(ListTopKeysRequestSchema, { namespace: "" }), context);
    expect(elsewhere.keys).toEqual([]);
    const rule = { limit: 5, windowUs: 60_000_000n, algorithm: Algorithm.FIXED_WINDOW };
    const { explanation } = await admin.explain(create(ExplainRequestSchema, { key: "user:1", rule }), context);
    expect(explanation).toMatchObject({
      key: "user:1",
      source: "inline",
      rule: { algorithm: "fixed-window", limit: 5, windowMs: 60_000 },
      available: 5,
      nextFreeMs: 0,
      ban: null,
    });
  });

  it("that the state cannot answer is refused with a reason", async () => {
    const { node, policies } = served();
    const refused = { refused: { code: "history-gone", field: "version", message: "version is gone" } };
    node.answer = () => new TextEncoder().encode(JSON.stringify(refused));
    const error = await rejection(policies.getPolicies(create(policyInput.getPolicies.input), context));
    expect(error).toMatchObject({ code: StatusCode.failedPrecondition, message: "version is gone" });
  });

  it("that a leader of another version does not know is refused, and breaks nothing", () => {
    const question = new TextEncoder().encode('{"kind":"horoscope"}');
    const topKeys = new TopKeys({ nowMs: () => 0 });
    const answer = JSON.parse(
      new TextDecoder().decode(answerAdmin({ nodeId: 1, topKeys }, question, createLimiter(), 1)),
    );
    expect(answer.refused.message).toContain('does not know the question "horoscope": upgrade it');
  });

  it("may be asked again while nobody is known to lead", async () => {
    const { node, admin } = served();
    node.answer = () => notLeader;
    const error = await rejection(admin.listBans(create(adminInput.listBans.input), context));
    expect(error).toMatchObject({ code: StatusCode.unavailable, detail: { reason: ErrorReason.NOT_LEADER } });
  });
});
