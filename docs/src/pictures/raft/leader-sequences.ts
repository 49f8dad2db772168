import type { Picture } from "@quorumguard/pictures";
import type { Lane } from "../sequence.ts";
import { tellStory } from "../story.ts";

const leader: Lane = { name: "leader", colour: "leader" };
const follower: Lane = { name: "follower", colour: "follower" };

/** What a leader says when it has nothing else to say. */
export function raftHeartbeat(): Picture {
  return tellStory({
    name: "raft-heartbeat",
    title: "A heartbeat, and what its answer sets going",
    description:
      "A tick makes a heartbeat due. It carries the term, and the commit index as far as the follower is known to hold the log. The follower sets its clock back and commits so far. " +
      "Its answer shows that it lives, and that messages reach it again: the leader sends what it lacks.",
    lanes: [leader, follower],
    steps: [
      { at: 0, says: "committed: 7; this one is known to hold 5" },
      { from: 0, to: 1, says: "heartbeat: commit 5" },
      { at: 1, says: "sets its clock to 0, commits 5" },
      { from: 1, to: 0, says: "I am here", colour: "allowed" },
      { at: 0, says: "heard from; lacks 6 and 7" },
      { from: 0, to: 1, says: "append 6, 7: commit 7" },
    ],
  });
}

/** How much a leader sends before it is answered. */
export function raftWindow(): Picture {
  return tellStory({
    name: "raft-window",
    title: "A window of three messages",
    description:
      "A leader sends appends one after the other without waiting for answers, until three are in flight. What is proposed then waits in its log. " +
      "An acknowledgement of entry 7 frees the two messages that end at or before it, and the next append takes all that has gathered.",
    lanes: [leader, follower],
    steps: [
      { from: 0, to: 1, says: "append 5, 6" },
      { from: 0, to: 1, says: "append 7" },
      { from: 0, to: 1, says: "append 8, 9" },
      { at: 0, says: "three in flight: 10 to 14 wait in the log" },
      { from: 1, to: 0, says: "has 7", colour: "allowed" },
      { at: 0, says: "one in flight" },
      { from: 0, to: 1, says: "append 10 to 14" },
    ],
  });
}

/** A follower whose next entry is gone from the leader's log. */
export function raftSnapshot(): Picture {
  return tellStory({
    name: "raft-snapshot",
    title: "A snapshot connects two logs again",
    description:
      "The leader's log begins at 8, after a snapshot of all up to 7; the follower's ends at 3. It rejects an append after 12 and says where it ends. Entry 4 is gone, so the leader sends the snapshot and nothing else. " +
      "The follower acknowledges it when it is installed on its disk. The leader's log goes on at 8, so appends stream again.",
    lanes: [leader, follower],
    steps: [
      { from: 0, to: 1, says: "append after 12" },
      { from: 1, to: 0, says: "no: I end at 3", colour: "denied" },
      { at: 0, says: "entry 4 is compacted: my log begins at 8" },
      { from: 0, to: 1, says: "snapshot of 1 to 7" },
      { at: 0, says: "sends nothing else" },
      { at: 1, says: "installs it, flushes" },
      { from: 1, to: 0, says: "has 7", colour: "allowed" },
      { at: 0, says: "8 follows 7: connected" },
      { from: 0, to: 1, says: "append 8 to 12" },
    ],
  });
}

/** A leader that nobody hears. */
export function raftCheckQuorum(): Picture {
  return tellStory({
    name: "raft-check-quorum",
    title: "A leader that hears from no majority steps down",
    description:
      "Once per election timeout a leader counts from whom it has heard. Two of three, itself included, are enough, and the count begins anew. " +
      "In the next timeout nobody answers: one of three is no majority, and it becomes follower of its own term, without a leader.",
    lanes: [follower, leader, follower],
    steps: [
      { from: 1, to: 0, says: "heartbeat" },
      { from: 1, to: 2, says: "heartbeat", lost: true },
      { from: 0, to: 1, says: "I am here", colour: "allowed" },
      { at: 1, says: "an election timeout is over: 2 of 3, it stays" },
      { from: 1, to: 0, says: "heartbeat", lost: true },
      { from: 1, to: 2, says: "heartbeat", lost: true },
      { at: 1, says: "the next is over: 1 of 3, follower" },
    ],
  });
}

/** A node that was cut off asks for votes. */
export function raftLoyalty(): Picture {
  return tellStory({
    name: "raft-loyalty",
    title: "A node that was cut off comes back",
    description:
      "A node that was cut off in term 5 hears no leader and asks whether it could win term 6. It has not entered that term. The voter heard its leader within an election timeout and does not answer. " +
      "The leader's next heartbeat reaches the node, which follows again: no term was opened, and nobody was deposed.",
    lanes: [leader, { name: "voter", colour: "follower" }, { name: "was cut off", colour: "follower" }],
    steps: [
      { at: 2, says: "silence; its term stays 5" },
      { from: 0, to: 1, says: "heartbeat, term 5" },
      { from: 2, to: 1, says: "could I win term 6?" },
      { at: 1, says: "has a leader: no answer" },
      { from: 0, to: 2, says: "heartbeat, term 5" },
      { at: 2, says: "follows again" },
    ],
  });
}
