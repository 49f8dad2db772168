import { Verb } from "@quorumguard/limiter";
import { ErrorReason, type ReceivedFrame } from "@quorumguard/proto";
import { isNameAlone } from "../check-rule.ts";
import { authorizeOperation, inlineLimit } from "./grant.ts";
import { operationOf } from "./operation-of.ts";
import { forbidden, unauthenticated } from "./token-refusal.ts";
import type { VerifiedToken } from "./verify-token.ts";

/**
 * Makes sure that a grant suits a Session stream, whose frames are held to operations, namespace and inline limits alone.
 *
 * @throws {CallError} for a token that is bound to keys, policies or one call.
 */
export function authorizeSession({ grant, onlyRequestId }: VerifiedToken): void {
  const remedy = "a Session stream needs a token without; call Allow or AllowBatch with this one";
  if (grant.key !== undefined || grant.keyPrefix !== undefined) {
    throw forbidden(ErrorReason.KEY_FORBIDDEN, `the token is bound to keys: ${remedy}`);
  }
  if (grant.policies !== undefined) {
    throw forbidden(ErrorReason.POLICY_FORBIDDEN, `the token is bound to policies: ${remedy}`);
  }
  if (onlyRequestId !== null) {
    throw unauthenticated(ErrorReason.TOKEN_REPLAYED, `the token is for one call: ${remedy}`);
  }
}

/**
 * Holds a frame to its stream's token, all calls or none. Of rules with numbers it is enough that the frame brings one along.
 *
 * @throws {CallError} PERMISSION_DENIED, with the reason.
 */
export function authorizeFrame({ grant }: VerifiedToken, { verbs, rules }: ReceivedFrame): void {
  for (const verb of new Set(verbs ?? [Verb.take])) authorizeOperation(grant, operationOf(verb));
  if (grant.ops.includes("inline-limits")) return;
  const at = rules.findIndex((rule) => !isNameAlone(rule));
  if (at !== -1) throw inlineLimit(`frame.rules[${at}]`);
}
