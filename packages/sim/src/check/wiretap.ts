import { type CommittedEntry, createRaftWitness, memoryDataStore } from "@quorumguard/audit";
import { type Entry, EntryType, type Message } from "@quorumguard/raft";
import { decodeEnvelope, FrameKind } from "../production.ts";

/** A witness of Raft at the simulated network, and at the disk of a node that is alone. */
export interface Wiretap {
  /** To be told every frame that a node hands to the network, whether or not it arrives. */
  frame(from: number, to: number, frame: Uint8Array): void;
  /** The committed entries known so far, by ascending index. */
  committed(): CommittedEntry[];
  /** Calls `each` for every committed entry of this range that changes the membership. */
  changesBetween(fromIndex: number, toIndex: number, each: (index: number, data: Uint8Array) => void): void;
  /** A node that is a cluster by itself sends nothing: its disk tells what its log is. */
  sawOwnLog(entries: readonly Entry[], previousTerm: number): void;
  /** The leader of this term calls everything up to `index` committed. */
  sawCommit(leaderTerm: number, index: number): void;
  readonly violations: readonly string[];
}

/** Makes a wiretap that has heard nothing yet; it tells `heard` of each message before it judges it. */
export function createWiretap(heard: (message: Message, frame: Uint8Array) => void = () => {}): Wiretap {
  const witness = createRaftWitness(memoryDataStore);
  return {
    violations: witness.violations,
    sawOwnLog: witness.sawEntries,
    sawCommit: witness.sawCommit,
    frame(from, to, frame) {
      if (frame[0] !== FrameKind.envelope) return;
      for (const message of decodeEnvelope(frame, from, to).messages) {
        heard(message, frame);
        witness.hear(message);
      }
    },
    committed: () => [...witness.committed()],
    changesBetween(fromIndex, toIndex, each) {
      for (let index = fromIndex; index <= toIndex; index++) {
        const entry = witness.committedAt(index);
        if (entry !== undefined && entry.type !== EntryType.normal) each(index, entry.data);
      }
    },
  };
}
