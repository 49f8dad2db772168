import type { Picture } from "@quorumguard/pictures";
import { drawLogs, type LogStage } from "../log-rows.ts";

/** Two logs that agree up to index 3. A test walks them with the core's own rule. */
export const backOffLogs = {
  leader: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6],
  follower: [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
} as const;

const { leader, follower } = backOffLogs;

const backOff: readonly LogStage[] = [
  {
    says: "1. The leader asks for the entry before its next: do you have 10 of term 6? No: my 10 is of term 3.",
    logs: [
      { name: "leader", terms: leader, marked: [10] },
      { name: "follower", terms: follower, marked: [10], colour: "denied" },
    ],
  },
  {
    says: "2. The leader's last entry of term 3 or earlier is 3. Do you have 3 of term 1? Yes.",
    logs: [
      { name: "leader", terms: leader, marked: [3] },
      { name: "follower", terms: follower, marked: [3], colour: "allowed", goneFrom: 4 },
    ],
  },
  {
    says: "3. So it appends from 4 on, and what contradicts that is cut off.",
    logs: [{ name: "follower", terms: leader, marked: [4, 5, 6, 7, 8, 9, 10], colour: "allowed" }],
  },
];

/** Finding the place where two logs agree. */
export function raftBackOff(): Picture {
  return {
    name: "raft-back-off",
    title: "Where do two logs agree? Two questions instead of eight",
    description:
      "The leader's log has terms 1 1 1 4 4 5 5 6 6 6, the follower's 1 1 1 2 2 2 3 3 3 3 3. The leader asks for entry 10 of term 6; the follower says that its entry 10 is of term 3. " +
      "The leader's last entry of term 3 or earlier is entry 3, so it asks there next, and the follower agrees. From entry 4 on the follower's log is replaced.",
    wide: drawLogs(backOff, 720),
    narrow: drawLogs(backOff, 328),
  };
}

/** The logs of figure 3.7 of the thesis, with the empty entry that opens term 4. A test asks the core what is committed. */
export const commitLogs = {
  counted: [[1, 2, 4], [1, 2], [1, 2], [1], [1, 3]],
  settled: [[1, 2, 4], [1, 2, 4], [1, 2, 4], [1], [1, 3]],
} as const;

const name = (i: number) => `node ${i + 1}`;

const commitRule: readonly LogStage[] = [
  {
    says: "Node 1 leads term 4. Entry 2 is of term 2, and three of five hold it. It is not committed.",
    logs: commitLogs.counted.map((terms, i) => ({ name: name(i), terms, marked: i < 3 ? [2] : [], colour: "denied" })),
  },
  {
    says: "For if node 1 died now, node 5 could win: its last term is 3. It would replace entry 2.",
    logs: [
      [1, 2, 4],
      [1, 3],
      [1, 3],
      [1, 3],
      [1, 3],
    ].map((terms, i) => ({
      name: name(i),
      terms,
      marked: i === 0 ? [] : [2],
      colour: "denied",
      ...(i === 0 ? { goneFrom: 2 } : {}),
    })),
  },
  {
    says: "Once three hold the empty entry of term 4, it is committed, and entry 2 with it. Node 5 cannot win any more.",
    logs: commitLogs.settled.map((terms, i) => ({
      name: name(i),
      terms,
      marked: i < 3 ? [2, 3] : [],
      colour: "allowed",
    })),
  },
];

/** What a leader may commit by counting. */
export function raftCommit(): Picture {
  return {
    name: "raft-commit",
    title: "Why a leader counts replicas of its own term only",
    description:
      "Node 1 leads term 4 and has entry 2, of term 2, on three of five nodes. It does not count as committed: if node 1 died, node 5, whose last entry is of term 3, could win and replace it. " +
      "When three nodes hold entry 3, the empty entry of term 4, both are committed: node 5 gets no majority any more.",
    wide: drawLogs(commitRule, 720),
    narrow: drawLogs(commitRule, 328),
  };
}
