import type { Picture } from "@quorumguard/pictures";
import { drawChain, type Link } from "../chain.ts";

const links: readonly Link[] = [
  {
    title: "probe",
    says: "One append per round trip, until the logs are known to agree. A rejection names the last place at which they may, a whole term at a time.",
    otherwise: "its next entry is compacted: send a snapshot",
    next: "an append matched",
  },
  {
    title: "replicate",
    says: "Appends stream, as many and as many bytes as the window allows. With a full window an empty append still goes, so that a loss is noticed.",
    otherwise: "rejected, or unreachable: probe again from match + 1",
    stroke: "leader",
    next: "its next entry is compacted",
  },
  {
    title: "snapshot",
    says: "Nothing is sent until its log connects with ours again, by whatever snapshot, or the sending failed.",
    otherwise: "sent or failed: probe from there",
  },
];

/** What a leader does for one follower. */
export function raftProgress(): Picture {
  return {
    name: "raft-progress",
    title: "What a leader knows of one follower",
    description:
      "A leader begins to probe: one append per round trip until the logs agree. Then it replicates: appends stream within a window of messages and bytes. " +
      "A follower whose next entry is gone gets a snapshot, and nothing else until its log connects again. Rejections and lost connections lead back to probing.",
    wide: drawChain(links, 720),
    narrow: drawChain(links, 328),
  };
}
