import { readAdminRequest } from "@quorumguard/limiter";
import type { ClusterNode, NodeFailure } from "../node/node.ts";
import { AskFailure } from "../server/admin-questions.ts";
import { administer } from "../server/make-change.ts";
import type { TestPolicyDocument } from "./test-cluster-options.ts";

/** For one attempt, in milliseconds. */
const deadlineMs = 1_000;

/**
 * Sets policies through the log. Resolves with null once they are in force, or with why they may not be: the leader may be
 * another one then, to whom the same can be said again.
 * @throws {PolicyError} when the cluster refuses them.
 */
export async function putPolicies(
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
  try {
    await administer(leader, request, { firstAttempt: false, noForward: true, deadlineMs });
    return null;
  } catch (error) {
    if (error instanceof AskFailure) return error.failure;
    throw error;
  }
}
