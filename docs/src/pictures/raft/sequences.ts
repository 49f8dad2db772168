import type { Picture } from "@quorumguard/pictures";
import type { Lane } from "../sequence.ts";
import { tellStory } from "../story.ts";

const leader: Lane = { name: "leader", colour: "leader" };

/** An entry is sent while it is flushed, and counts where it is flushed. */
export function raftWrite(): Picture {
  return tellStory({
    name: "raft-write",
    title: "Replicate while flushing",
    description:
      "The leader hands an entry to its disk and sends it to its followers at the same time. A follower acknowledges after its flush. " +
      "The leader counts itself only when its own disk has reported, like any follower.",
    lanes: [{ name: "its disk" }, leader, { name: "a follower", colour: "follower" }],
    steps: [
      { at: 1, says: "propose: entry 9" },
      { from: 1, to: 0, says: "write 9" },
      { from: 1, to: 2, says: "append 9" },
      { at: 2, says: "flushes 9" },
      { from: 2, to: 1, says: "has 9", colour: "allowed" },
      { at: 1, says: "one of three: not enough" },
      { from: 0, to: 1, says: "9 is flushed", colour: "allowed" },
      { at: 1, says: "two of three: 9 is committed" },
    ],
  });
}

/** A report of the disk that is about another entry at the same place. */
export function raftAba(): Picture {
  return tellStory({
    name: "raft-aba",
    title: "A report that is about another write",
    description:
      "Three leaders write index 5 one after the other: the first and the last the same entry. The disk's report on the first write comes when the third is not flushed yet. " +
      "It carries the term in which it was written, an older one, and is ignored; the third write reports for itself.",
    lanes: [{ name: "leaders", colour: "leader" }, { name: "this node" }, { name: "its disk" }],
    steps: [
      { from: 0, to: 1, says: "term 2: entry 5 (2)" },
      { from: 1, to: 2, says: "write 5 (2)" },
      { from: 0, to: 1, says: "term 3: entry 5 (3)" },
      { from: 1, to: 2, says: "write 5 (3)" },
      { from: 0, to: 1, says: "term 4: entry 5 (2)" },
      { from: 1, to: 2, says: "write 5 (2) again" },
      { from: 2, to: 1, says: "done, in term 2", colour: "denied" },
      { at: 1, says: "ignored: term 3 may have replaced it on disk" },
      { from: 2, to: 1, says: "done, in term 4", colour: "allowed" },
      { from: 1, to: 0, says: "has 5 (2)", colour: "allowed" },
    ],
  });
}

/** A read that the log need not hold. */
export function raftRead(): Picture {
  return tellStory({
    name: "raft-read",
    title: "A read, confirmed by a round of heartbeats",
    description:
      "A leader that is asked for a read notes its commit index and sends heartbeats with the number of a new round. An answer to an earlier round, delayed by a pause, confirms only earlier reads. " +
      "When a majority has answered this round, the read may be served from state that is applied up to the noted index.",
    lanes: [{ name: "reader" }, leader, { name: "followers", colour: "follower" }],
    steps: [
      { from: 0, to: 1, says: "read" },
      { at: 1, says: "commit index 7, round 3" },
      { from: 1, to: 2, says: "heartbeat, 3" },
      { from: 2, to: 1, says: "answer to 2", colour: "denied" },
      { at: 1, says: "was asked before the read: proves nothing for it" },
      { from: 2, to: 1, says: "answer to 3", colour: "allowed" },
      { from: 1, to: 0, says: "index 7", colour: "allowed" },
      { at: 0, says: "waits until 7 is applied" },
    ],
  });
}

/** Leadership changes hands without an outage. */
export function raftTransfer(): Picture {
  return tellStory({
    name: "raft-transfer",
    title: "Handing leadership over",
    description:
      "The leader stops taking proposals, brings the target's log up to its own, and tells it to campaign at once. The target asks for votes without asking for pre-votes first, and voters do not hold to the old leader. " +
      "If nobody leads within an election timeout, the old leader takes proposals again.",
    lanes: [
      { name: "callers" },
      { name: "old leader", colour: "leader" },
      { name: "target", colour: "leader", leadsFrom: 6 },
    ],
    steps: [
      { at: 1, says: "takes no more proposals" },
      { from: 0, to: 1, says: "a call", colour: "muted" },
      { from: 1, to: 0, says: "not now; not applied", colour: "denied" },
      { from: 1, to: 2, says: "all that is missing" },
      { from: 2, to: 1, says: "has it all" },
      { from: 1, to: 2, says: "campaign now" },
      { at: 2, says: "asks for votes, the old leader's too" },
      { from: 2, to: 1, says: "leads the next term", colour: "allowed" },
      { from: 0, to: 2, says: "the same call" },
    ],
  });
}

/** A node that lost the end of its log comes back. */
export function raftReturn(): Picture {
  return tellStory({
    name: "raft-return",
    title: "A node that lost the end of its log returns",
    description:
      "A node that dropped its last record enters a term above every one that it can have spoken in, and votes for nobody. That deposes the leader; the others elect one of the next term without it. " +
      "When an entry of that term is committed in the log of the returned node, it has all that it may have lost, and votes again.",
    lanes: [{ name: "the others", colour: "follower" }, leader, { name: "returned", colour: "follower" }],
    steps: [
      { at: 2, says: "dropped a record: enters term 70" },
      { from: 1, to: 2, says: "heartbeat, term 5" },
      { from: 2, to: 1, says: "term 70", colour: "denied" },
      { from: 1, to: 0, says: "vote for me in term 71?" },
      { from: 0, to: 1, says: "yes", colour: "allowed" },
      { from: 1, to: 2, says: "append, from where the logs agree" },
      { from: 2, to: 1, says: "has them", colour: "allowed" },
      { at: 2, says: "an entry of term 71 is committed: votes again" },
    ],
  });
}
