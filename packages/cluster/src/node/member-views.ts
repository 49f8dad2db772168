import type { NodeId, Status } from "@quorumguard/raft";
import type { Members } from "./members.ts";
import type { MemberView } from "./node.ts";
import type { PeerBoard } from "./peer-board.ts";

/** The members as `self` sees them; progress is known to a leader alone. `raft`: null while the node does not run. */
export function memberViews(
  self: NodeId,
  members: Members,
  peers: PeerBoard,
  raft: Status | null,
  nowMs: number,
): readonly MemberView[] {
  return members.ids.map((nodeId) => {
    const heardMs = peers.heardMs(nodeId);
    const match = raft?.state === "leader" ? (raft.progress.get(nodeId)?.match ?? null) : null;
    return {
      nodeId,
      role: members.isVoter(nodeId) ? "voter" : "learner",
      peerAddress: members.addressOf(nodeId),
      matchIndex: match,
      lag: match === null || raft === null ? null : Math.max(0, raft.commitIndex - match),
      heardMsAgo: nodeId === self ? 0 : heardMs === null ? null : Math.max(0, Math.round(nowMs - heardMs)),
    };
  });
}
