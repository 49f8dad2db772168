import type { Picture } from "@quorumguard/pictures";
import { drawSequence, type Lane, type SequenceStep } from "./sequence.ts";

const story: readonly SequenceStep[] = [
  { from: 0, to: 1, says: "calls 7 and 8" },
  { at: 1, says: "7 and 8 are charged, in the log" },
  { from: 1, to: 0, says: "answer to 7" },
  { from: 1, to: 0, says: "answer to 8, lost", lost: true },
  { at: 1, says: "kill -9", dies: true },
  { from: 0, to: 2, says: "call 8 again; 7 is acknowledged" },
  { at: 2, says: "8 has a result: no second charge" },
  { from: 2, to: 0, says: "the first answer to 8" },
  { from: 0, to: 2, says: "call 9; 8 is acknowledged" },
  { at: 2, says: "forgets the result of 8" },
];

const death = story.findIndex((one) => "at" in one && one.dies === true);
const lanes: readonly Lane[] = [
  { name: "SDK" },
  { name: "leader", colour: "leader", endsAt: death },
  { name: "new leader", colour: "leader", leadsFrom: death },
];

/** How call numbers make a retry harmless: a lost reply, a new leader, the remembered answer. */
export function session(): Picture {
  return {
    name: "session",
    title: "A retry is never charged twice",
    description:
      "The SDK sends calls 7 and 8 to the leader, which charges both in the log. The answer to 7 arrives, the answer to 8 is lost, " +
      "and the leader dies. The SDK sends call 8 again, to the new leader, and acknowledges 7. The new leader finds a result for number 8 in its " +
      "state, charges nothing and gives the first answer. The next frame acknowledges 8, and the cluster forgets its result.",
    wide: drawSequence(lanes, story, { width: 720, size: 14, laneX: [90, 330, 590] }),
    narrow: drawSequence(lanes, story, { width: 328, size: 12, laneX: [20, 140, 270] }),
  };
}
