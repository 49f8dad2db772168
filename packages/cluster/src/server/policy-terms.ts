import { create } from "@bufbuild/protobuf";
import { algorithmNumber, type PolicyDocument } from "@quorumguard/limiter";
import {
  ErrorReason,
  type GetTermsRequest,
  type GetTermsResponse,
  GetTermsResponseSchema,
  OnUnavailable,
  type PolicyTerms,
  PolicyTermsSchema,
} from "@quorumguard/proto";
import type { ClusterNode } from "../node/node.ts";
import { CallError, refusalDetail, StatusCode } from "./call-error.ts";
import { checkNamespace, checkText } from "./check-text.ts";
import { edgeLimits } from "./edge-limits.ts";
import { InvalidField, shown } from "./invalid-field.ts";

/** Names of one question. */
const MAX_NAMES = 256;

/**
 * What policies say that clients have to know beforehand, by what this node has applied: the leader is not asked, since what
 * a client was told may be out of date anyway, until the next push.
 *
 * @throws {InvalidField} when a name or their number is out of bounds; {CallError} when nothing is applied here yet.
 */
export function policyTerms(
  node: Pick<ClusterNode, "applied">,
  { namespace, names }: GetTermsRequest,
): GetTermsResponse {
  checkNamespace(namespace);
  if (names.length === 0 || names.length > MAX_NAMES) {
    throw new InvalidField("names", shown(`${names.length} names`), `give 1 to ${MAX_NAMES} of them`);
  }
  for (const [at, name] of names.entries()) checkText(name, `names[${at}]`, 1, edgeLimits.maxPolicyBytes);
  const policies = node.applied()?.policies;
  if (policies === undefined) {
    const message = "this node is still restoring what it has applied; ask another one, or again later";
    throw new CallError(StatusCode.unavailable, refusalDetail(ErrorReason.UNAVAILABLE, message, 100));
  }
  const found = names.map((name) => policies.policy(namespace, name)).filter((policy) => policy !== null);
  return create(GetTermsResponseSchema, {
    version: BigInt(policies.version(namespace)),
    policies: found.map(termsOf),
  });
}

const decided: Readonly<Record<NonNullable<PolicyDocument["onUnavailable"]>, OnUnavailable>> = {
  local: OnUnavailable.LOCAL,
  allow: OnUnavailable.ALLOW,
  deny: OnUnavailable.DENY,
  throw: OnUnavailable.THROW,
};

function termsOf({ name, algorithm, limit, windowMs, burst, ...policy }: PolicyDocument): PolicyTerms {
  const { shadow = false, lease, onUnavailable } = policy;
  const windowUs = BigInt(windowMs) * 1_000n;
  return create(PolicyTermsSchema, {
    rule: { policy: name, algorithm: algorithmNumber(algorithm), limit, windowUs, burst: burst ?? 0 },
    shadow,
    ...(lease === undefined ? {} : { lease }),
    onUnavailable: onUnavailable === undefined ? OnUnavailable.UNSPECIFIED : decided[onUnavailable],
  });
}
