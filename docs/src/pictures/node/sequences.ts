import type { Picture } from "@quorumguard/pictures";
import type { SequenceStep } from "../sequence.ts";
import { tellStory } from "../story.ts";

const deathSteps: readonly SequenceStep[] = [
  { at: 0, says: "kill -9", dies: true },
  { at: 1, says: "connection closed, port refuses" },
  { at: 2, says: "the same: waits 15 ms" },
  { at: 1, says: "first in rank: stands at once" },
  { from: 1, to: 2, says: "could I win?" },
  { from: 2, to: 1, says: "yes", colour: "allowed" },
  { from: 1, to: 2, says: "vote for me in term 6" },
  { from: 2, to: 1, says: "yes, flushed", colour: "allowed" },
  { from: 1, to: 2, says: "the takeover entry" },
  { from: 2, to: 1, says: "has it", colour: "allowed" },
  { at: 1, says: "applied: answers callers" },
];

/** A killed leader is not waited for. */
export function nodeDeath(): Picture {
  return tellStory({
    name: "node-death",
    title: "A killed leader: proof of death, then an election by rank",
    description:
      "Node 1 leads and is killed. Nodes 2 and 3 see the connection close and a new one refused, which proves the death, and forget their leader. Node 2 is first in rank and stands at once; node 3 would wait 15 milliseconds. " +
      "Node 2 asks whether it could win, then for votes; it leads, appends its takeover entry, and answers callers when that is applied.",
    lanes: [
      { name: "node 1", colour: "leader", endsAt: 0 },
      { name: "node 2", colour: "leader", leadsFrom: 7 },
      { name: "node 3", colour: "follower" },
    ],
    steps: deathSteps,
  });
}

/** A leader whose disk does not answer. */
export function nodeStall(): Picture {
  return tellStory({
    name: "node-stall",
    title: "A disk that stalls",
    description:
      "The leader writes entry 9 and sends it at the same time. The others have flushed it when its own disk has been silent for an election timeout. They are ahead of its disk, so it hands over to the one that is furthest. " +
      "If they were just as slow, it would stay.",
    lanes: [{ name: "its disk" }, { name: "leader", colour: "leader" }, { name: "the others", colour: "follower" }],
    steps: [
      { from: 1, to: 0, says: "write 9" },
      { from: 1, to: 2, says: "append 9" },
      { from: 2, to: 1, says: "have 9", colour: "allowed" },
      { at: 1, says: "9 is committed by the others" },
      { at: 1, says: "no flush for an election timeout, and half of the others are ahead of it" },
      { from: 1, to: 2, says: "campaign now" },
    ],
  });
}
