import { PolicyError, readAdminRequest } from "@quorumguard/limiter";
import type { ClusterNode, NodeFailure } from "../node/node.ts";
import type { TestPolicyDocument } from "./test-cluster-options.ts";

/** For one attempt, in milliseconds. */
const deadlineMs = 1_000;

/**
 * Sets policies through the log. Resolves with null once they are in force, or with why they may not be: the leader may be
 * another one then, to whom the same can be said again.
 * @throws {PolicyError} when the cluster refuses them.
 */
export function putPolicies(
  leader: ClusterNode,
  { namespace, document }: TestPolicyDocument,
): Promise<NodeFailure | null> {
  const request = readAdminRequest({
    namespace,
    change: { kind: "putDocument", document },
    expectedVersion: null,
    changeId: null,
    author: "test cluster",
  });
  const options = { firstAttempt: false, noForward: true, deadlineMs };
  return new Promise((resolve, reject) => {
    leader.operate({ kind: "administer", request }, options, (outcome) => {
      if (!("kind" in outcome)) resolve(outcome);
      else if (outcome.kind !== "administered") reject(new Error(`a change was answered with ${outcome.kind}`));
      else if (outcome.result.error !== null)
        reject(new PolicyError(outcome.result.error.code, "", outcome.result.error.message));
      else resolve(null);
    });
  });
}
