import type { NodeId } from "@quorumguard/raft";
import type { NodeFailure } from "./node.ts";

/** How long a caller should wait before it asks again, when nothing better is known. Milliseconds. */
const retryAfterMs = 20;

/** Nothing was charged: ask the leader, if one is known. */
export function notLeader(leaderId: NodeId, term: number): NodeFailure {
  const message =
    leaderId === 0 ? "no leader is known; ask again shortly" : `node ${leaderId} leads in term ${term}; ask it`;
  return {
    reason: "not-leader",
    applied: "no",
    message,
    retryAfterMs: leaderId === 0 ? retryAfterMs : 0,
    leaderId,
    term,
  };
}

/** The call was appended or sent on, and what became of it cannot be told from here. */
export function outcomeUnknown(message: string, leaderId: NodeId, term: number): NodeFailure {
  return { reason: "unavailable", applied: "unknown", message, retryAfterMs: 0, leaderId, term };
}

/** Nothing was charged, and no other node is known to be better. */
export function unavailable(message: string, leaderId: NodeId, term: number): NodeFailure {
  return { reason: "unavailable", applied: "no", message, retryAfterMs, leaderId, term };
}

/** Refused before anything was charged, since too much is waiting already. */
export function overloaded(pending: number, bound: number, leaderId: NodeId, term: number): NodeFailure {
  const message = `${pending} items are waiting for their decision, at most ${bound} may; send less or raise maxPendingItems`;
  return { reason: "overloaded", applied: "no", message, retryAfterMs, leaderId, term };
}

/** Nothing was charged: this node takes no part in the cluster, no more or not yet. */
export function notRunning(nodeId: NodeId, state: "removed" | "stopping" | "joining" | "forming"): NodeFailure {
  const messages = {
    removed: `node ${nodeId} was removed from the cluster; ask its members`,
    stopping: "the node stops",
    joining: `node ${nodeId} waits to be added`,
    forming: "the cluster has not formed yet",
  };
  return unavailable(messages[state], 0, 0);
}

/** The call itself is at fault: no retry will help. */
export function invalidArgument(message: string): NodeFailure {
  return { reason: "invalid-argument", applied: "no", message, retryAfterMs: 0, leaderId: 0, term: 0 };
}
