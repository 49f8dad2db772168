import { ErrorReason, type TokenGrant, type TokenOperation } from "@quorumguard/proto";
import type { CallError } from "../call-error.ts";
import { forbidden, unauthenticated } from "./token-refusal.ts";
import type { VerifiedToken } from "./verify-token.ts";

/** One check of a call, as far as a token may forbid it. */
export interface AskedCheck {
  readonly operation: TokenOperation;
  readonly key: string;
  /** Empty: none. */
  readonly policy: string;
  /** Whether the caller has chosen numbers of its own, rather than a policy's name alone. */
  readonly hasNumbers: boolean;
  /** Where it stands in the request, such as `check` or `calls[1].checks[0]`. */
  readonly path: string;
}

/**
 * Makes sure that a grant allows a check. The messages name the field; of keys they repeat none.
 *
 * @throws {CallError} PERMISSION_DENIED, with the reason.
 */
export function authorizeCheck(grant: TokenGrant, { operation, key, policy, hasNumbers, path }: AskedCheck): void {
  authorizeOperation(grant, operation);
  if (grant.key !== undefined && key !== grant.key) {
    const message = `${path}.key is another key than the one that the token is for`;
    throw forbidden(ErrorReason.KEY_FORBIDDEN, message);
  }
  if (grant.keyPrefix !== undefined && !key.startsWith(grant.keyPrefix)) {
    const message = `${path}.key does not begin with what every key of the token begins with`;
    throw forbidden(ErrorReason.KEY_FORBIDDEN, message);
  }
  if (hasNumbers && !grant.ops.includes("inline-limits")) {
    throw inlineLimit(`${path}.rule`);
  }
  authorizePolicy(grant, policy, `${path}.rule.policy`);
}

/** The refusal of a rule with numbers; `path` is its field. */
export function inlineLimit(path: string): CallError {
  const message = `${path} has numbers: the token lets its holder choose no limit; name a policy, and no numbers`;
  return forbidden(ErrorReason.INLINE_LIMIT_FORBIDDEN, message);
}

/**
 * Whether a grant is one for visitors: held to keys, to policies or to one call. What its holder may use of a node is bounded, and
 * Session streams are not for it. Others are for servers.
 */
export function isForVisitors({ key, keyPrefix, policies, once }: TokenGrant): boolean {
  return key !== undefined || keyPrefix !== undefined || policies !== undefined || once === true;
}

/** The same for an operation by itself. @throws {CallError} OPERATION_FORBIDDEN */
export function authorizeOperation(grant: TokenGrant, operation: TokenOperation): void {
  if (grant.ops.includes(operation)) return;
  const message = `the token is not for ${operation}: it is for ${grant.ops.join(", ")}; have one minted that is`;
  throw forbidden(ErrorReason.OPERATION_FORBIDDEN, message);
}

/** The same for a policy by itself; `path` is its field. @throws {CallError} POLICY_FORBIDDEN */
export function authorizePolicy(grant: TokenGrant, policy: string, path: string): void {
  if (grant.policies === undefined || grant.policies.includes(policy)) return;
  throw forbidden(ErrorReason.POLICY_FORBIDDEN, `${path} is none of the policies that the token is for`);
}

/** The same for a namespace; `path` is its field. @throws {CallError} NAMESPACE_FORBIDDEN */
export function authorizeNamespace(grant: TokenGrant, namespace: string, path: string): void {
  if (namespace === (grant.ns ?? "")) return;
  const own = grant.ns === undefined || grant.ns === "" ? "the default one" : JSON.stringify(grant.ns);
  throw forbidden(ErrorReason.NAMESPACE_FORBIDDEN, `${path} is another namespace than the token's, which is ${own}`);
}

/**
 * The same for what operators do: a grant without `ns` is for the whole cluster, any other for its namespace alone. `namespace`
 * undefined: the call is about no single one. `path` is its field.
 *
 * @throws {CallError} NAMESPACE_FORBIDDEN
 */
export function authorizeAdmin(grant: TokenGrant, namespace: string | undefined, path: string): void {
  if (grant.ns === undefined) return;
  if (namespace === undefined) {
    const message = `${path} is more than the token's namespace ${JSON.stringify(grant.ns)}: have one minted without ns`;
    throw forbidden(ErrorReason.NAMESPACE_FORBIDDEN, message);
  }
  authorizeNamespace(grant, namespace, path);
}

/**
 * Makes sure that a token for one call is used for that call. `requestId` null: the call has none, as a question.
 *
 * @throws {CallError} TOKEN_REPLAYED
 */
export function authorizeRequestId({ onlyRequestId }: VerifiedToken, requestId: string | null, path: string): void {
  if (onlyRequestId === null || requestId === onlyRequestId) return;
  const what = requestId === null ? `${path} has no request id` : `${path} is not the token's jti`;
  throw unauthenticated(ErrorReason.TOKEN_REPLAYED, `${what}: the token is for one call, and this is another one`);
}
