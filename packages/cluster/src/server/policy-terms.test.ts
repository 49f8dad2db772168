import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { createEntryWriter, createLimiter, type Limiter, readAdminRequest } from "@quorumguard/limiter";
import {
  Algorithm,
  AllowBatchRequestSchema,
  Applied,
  GetTermsRequestSchema,
  OnUnavailable,
  Outcome,
} from "@quorumguard/proto";
import { expect, it } from "vitest";
import { StatusCode } from "./call-error.ts";
import { rejection } from "./rejection.fixture.ts";
import { answerAll, createScriptedNode } from "./scripted-node.fixture.ts";
import { createGuardHandlers } from "./unary-handlers.ts";

const context = { identity: "", deadlineMs: 0 };

/** A node that has applied these policies in the namespace `shop`, as version 1. */
function served(policies: readonly object[]) {
  const node = createScriptedNode();
  const limiter: Limiter = createLimiter();
  const writer = createEntryWriter();
  writer.begin({ takeover: false });
  const change = { kind: "putDocument", document: { policies } } as never;
  writer.administer(readAdminRequest({ namespace: "shop", change }));
  limiter.apply(1, writer.finish(1_000_000));
  node.appliedState = limiter;
  const guard = createGuardHandlers(node);
  const ask = (request: MessageInitShape<typeof GetTermsRequestSchema>) =>
    guard.getTerms(create(GetTermsRequestSchema, { namespace: "shop", ...request }), context);
  return { node, guard, ask };
}

it("the terms of policies are told by any node, with defaults filled in, and names that are none are left out", async () => {
  const { node, ask } = served([
    { name: "login", limit: 5, window: "1m", onUnavailable: "deny", lease: true },
    { name: "bucket", algorithm: "token-bucket", limit: 0, window: "1s" },
    { name: "trial", limit: 3, window: "1s", shadow: true, lease: false, onUnavailable: "throw" },
  ]);
  const { version, policies } = await ask({ names: ["trial", "unheard-of", "login", "bucket"] });
  expect(version).toBe(1n);
  const log = { algorithm: Algorithm.SLIDING_WINDOW_LOG, burst: 0 };
  expect(policies).toMatchObject([
    {
      rule: { policy: "trial", ...log, limit: 3, windowUs: 1_000_000n },
      shadow: true,
      lease: false,
      onUnavailable: OnUnavailable.THROW,
    },
    {
      rule: { policy: "login", ...log, limit: 5, windowUs: 60_000_000n },
      shadow: false,
      lease: true,
      onUnavailable: OnUnavailable.DENY,
    },
    {
      rule: { policy: "bucket", algorithm: Algorithm.TOKEN_BUCKET, limit: 0, windowUs: 1_000_000n, burst: 1 },
      shadow: false,
      onUnavailable: OnUnavailable.UNSPECIFIED,
    },
  ]);
  expect(policies[2]!.lease).toBeUndefined();
  expect(node.questions).toEqual([]);
  expect(await ask({ namespace: "", names: ["login"] })).toMatchObject({ version: 0n, policies: [] });
});

it("what cannot be answered says why: names out of bounds, and a node that has applied nothing yet", async () => {
  const { node, ask } = served([]);
  const bad = [[], Array.from({ length: 257 }, (_, at) => `p${at}`), [""], ["x".repeat(129)]];
  for (const names of bad) {
    expect(await rejection(ask({ names }))).toMatchObject({
      code: StatusCode.invalidArgument,
      message: expect.stringMatching(/^names/),
    });
  }
  expect(await rejection(ask({ namespace: "n".repeat(129), names: ["a"] }))).toMatchObject({
    message: expect.stringMatching(/^namespace/),
  });
  node.appliedState = null;
  expect(await rejection(ask({ names: ["login"] }))).toMatchObject({
    code: StatusCode.unavailable,
    detail: { applied: Applied.NO },
  });
});

it("a batch's answer says which version of the policies its node has applied", async () => {
  const { node, guard } = served([{ name: "login", limit: 5, window: "1m" }]);
  answerAll(node, Outcome.ALLOWED);
  const calls = [{ checks: [{ key: "k", rule: { limit: 5, windowUs: 1_000_000n } }] }];
  const inShop = create(AllowBatchRequestSchema, { calls, namespace: "shop" });
  expect((await guard.allowBatch(inShop, context)).policyVersion).toBe(1n);
  expect((await guard.allowBatch(create(AllowBatchRequestSchema, { calls }), context)).policyVersion).toBe(0n);
  node.appliedState = null;
  expect((await guard.allowBatch(inShop, context)).policyVersion).toBe(0n);
});
