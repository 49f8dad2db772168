import type { NodeId } from "@quorumguard/raft";

/** Why a change of the members was not made, or is not known to have been. */
export class MemberChangeError extends Error {
  override readonly name = "MemberChangeError";
  /**
   * "not-leader": nothing was done, `leaderId` can do it. "refused": nothing was done, the message says what to do first. "unknown": it
   * may have been made, or may yet be.
   */
  readonly reason: "not-leader" | "refused" | "unknown";
  /** Who leads as far as the node knows; 0: it does not. */
  readonly leaderId: NodeId;
  /** The Raft term that `leaderId` leads in, or the latest that the node has seen. */
  readonly term: number;

  constructor(reason: MemberChangeError["reason"], message: string, leaderId: NodeId, term: number) {
    super(message);
    this.reason = reason;
    this.leaderId = leaderId;
    this.term = term;
  }
}
