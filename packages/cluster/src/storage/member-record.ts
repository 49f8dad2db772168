import type { NodeId } from "@quorumguard/raft";

/** A member as the cluster remembers it: where its peers find it, and which disk it came with. */
export interface MemberRecord {
  readonly nodeId: NodeId;
  /** Where it listens for its peers, in the form of the transport; empty if nobody has told. */
  readonly address: string;
  /** The nonce on its disk; empty if nobody has told. */
  readonly nonce: string;
}

/** What a configuration alone does not tell of its members. It is replicated: by the log, and by snapshots with their configuration. */
export interface MemberList {
  /** Index of the last entry that changed the membership; 0: none has, the members are the founders. */
  readonly changeIndex: number;
  /** The largest id that was ever a member. A new member's id must be larger, so that no id ever means two disks. */
  readonly highestId: NodeId;
  readonly members: readonly MemberRecord[];
}
