import { create } from "@bufbuild/protobuf";
import {
  type GetStatusResponse,
  GetStatusResponseSchema,
  type GetTopologyResponse,
  GetTopologyResponseSchema,
  NodeRole,
  type TakeSnapshotResponse,
  TakeSnapshotResponseSchema,
  type TransferLeadershipRequest,
  type TransferLeadershipResponse,
  TransferLeadershipResponseSchema,
} from "@quorumguard/proto";
import type { ClusterNode, NodeStatus } from "../node/node.ts";
import { CallError, failureDetail, invalidFieldError, StatusCode } from "./call-error.ts";
import { InvalidField } from "./invalid-field.ts";
import { createMemberHandlers, type MemberHandlers, memberStates } from "./member-handlers.ts";
import { fullTopology, wireTopology } from "./wire-topology.ts";

/** The calls of ClusterService but the watch, for any transport. Every rejection is a {@link CallError}. */
export interface ClusterHandlers extends MemberHandlers {
  getTopology(): GetTopologyResponse;
  getStatus(): GetStatusResponse;
  transferLeadership(request: TransferLeadershipRequest): Promise<TransferLeadershipResponse>;
  takeSnapshot(): Promise<TakeSnapshotResponse>;
}

const roles: Readonly<Record<NodeStatus["role"], NodeRole>> = {
  forming: NodeRole.FORMING,
  follower: NodeRole.FOLLOWER,
  preCandidate: NodeRole.PRE_CANDIDATE,
  candidate: NodeRole.CANDIDATE,
  leader: NodeRole.LEADER,
  learner: NodeRole.LEARNER,
  joining: NodeRole.JOINING,
  removed: NodeRole.REMOVED,
};

/** Answers ClusterService's calls from a node. `version` is the package's own. */
export function createClusterHandlers(node: ClusterNode, version: string): ClusterHandlers {
  return {
    ...createMemberHandlers(node),
    getTopology: () => create(GetTopologyResponseSchema, { topology: wireTopology(node.topology()) }),
    getStatus: () => statusResponse(node, version),
    async transferLeadership(request) {
      if (request.targetNodeId > BigInt(Number.MAX_SAFE_INTEGER)) {
        const bound = "it must be a member's id, or 0 for the most up-to-date voter";
        throw invalidFieldError(new InvalidField("target_node_id", request.targetNodeId, bound));
      }
      const { leaderId, term } = await told(node, "leader", node.transferLeadership(Number(request.targetNodeId)));
      return create(TransferLeadershipResponseSchema, { leaderId: BigInt(leaderId), term: BigInt(term) });
    },
    async takeSnapshot() {
      const { index, bytes } = await told(node, "any", node.takeSnapshot());
      return create(TakeSnapshotResponseSchema, { index: BigInt(index), bytes: BigInt(bytes) });
    },
  };
}

function statusResponse(node: ClusterNode, version: string): GetStatusResponse {
  const status = node.status();
  return create(GetStatusResponseSchema, {
    topology: fullTopology(node.topology()),
    role: roles[status.role],
    term: BigInt(status.term),
    commitIndex: BigInt(status.commitIndex),
    appliedIndex: BigInt(status.appliedIndex),
    lastIndex: BigInt(status.lastIndex),
    snapshotIndex: BigInt(status.snapshotIndex),
    stampUs: BigInt(Math.trunc(status.stampUs)),
    stateHash: status.stateHash,
    keys: BigInt(status.limiter.keys),
    sessions: BigInt(status.limiter.sessions),
    abstaining: status.abstaining,
    version,
    members: memberStates(node.members()),
    maxKeys: BigInt(status.limiter.maxKeys),
    holds: BigInt(status.limiter.reservations + status.limiter.slots + status.limiter.leases),
    maxHolds: BigInt(status.limiter.maxHolds),
  });
}

/** What an operator asked for and the node refused is an answer, not a fault. It says who leads, for who asked the wrong node. */
async function told<T>(node: ClusterNode, asks: "leader" | "any", answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const topology = node.topology();
    const failure = {
      reason:
        asks === "leader" && !node.leads && topology.leaderId !== 0
          ? ("not-leader" as const)
          : ("unavailable" as const),
      applied: "no" as const,
      message,
      retryAfterMs: 0,
      leaderId: topology.leaderId,
      term: topology.term,
    };
    throw new CallError(StatusCode.failedPrecondition, failureDetail(failure, topology));
  }
}
