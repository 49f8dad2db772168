import { describe, expect, test } from "vitest";
import { createMemoryStorage } from "../../../../packages/raft/src/log/memory-storage.ts";
import { RaftLog } from "../../../../packages/raft/src/log/raft-log.ts";
import { majorityIndex } from "../../../../packages/raft/src/quorum/majority.ts";
import { Inflights } from "../../../../packages/raft/src/tracker/inflights.ts";
import { EntryType } from "../../../../packages/raft/src/types.ts";
import { backOffLogs, commitLogs } from "./logs.ts";

const membership = { voters: [1], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };

/** The core's log, whose entries from index 1 on have these terms. */
function logOf(terms: readonly number[]): RaftLog {
  const log = new RaftLog(createMemoryStorage(membership), 1 << 20);
  log.append(terms.map((term, i) => ({ index: i + 1, term, type: EntryType.normal, data: new Uint8Array(0) })));
  return log;
}

test("the core goes back as the picture of two logs says", () => {
  const [leader, follower] = [logOf(backOffLogs.leader), logOf(backOffLogs.follower)];
  expect(follower.maybeAppend(10, 6, [], 0)).toBe(-1);
  expect(follower.findConflictByTerm(10, 6)).toEqual({ index: 10, term: 3 });
  expect(leader.findConflictByTerm(10, 3)).toEqual({ index: 3, term: 1 });
  const rest = leader.entriesFrom(4, 1 << 20);
  expect(follower.maybeAppend(3, 1, rest === "compacted" ? [] : rest, 0)).toBe(10);
  expect([follower.lastIndex(), follower.lastTerm()]).toEqual([10, 6]);
});

describe("the core commits as the picture of figure 3.7 says", () => {
  const voters = [1, 2, 3, 4, 5];
  /** What node 1 may commit in term 4, if each of the others holds so many of its entries. */
  const committedBy = (logs: readonly (readonly number[])[]) => {
    const own = logs[0]!;
    const matchOf = (id: number) => {
      const differs = logs[id - 1]!.findIndex((term, i) => term !== own[i]);
      return differs < 0 ? logs[id - 1]!.length : differs;
    };
    const log = logOf(own);
    log.maybeCommit(majorityIndex(voters, matchOf), 4);
    return log.committed;
  };
  /** How many would vote for node 5. */
  const votesForFifth = (logs: readonly (readonly number[])[]) =>
    logs.filter((terms) => logOf(terms).isUpToDate(3, 2)).length;

  test("not by counting an entry of an earlier term, which can still be replaced", () => {
    expect(committedBy(commitLogs.counted)).toBe(0);
    expect(votesForFifth(commitLogs.counted)).toBe(4);
  });

  test("along with one of the own term, after which it cannot", () => {
    expect(committedBy(commitLogs.settled)).toBe(3);
    expect(votesForFifth(commitLogs.settled)).toBe(2);
  });
});

test("the core's window closes and opens as in its picture", () => {
  const window = new Inflights(3, 1 << 20);
  for (const lastIndex of [6, 7, 9]) window.add(lastIndex, 1);
  expect(window.full).toBe(true);
  window.freeTo(7);
  expect([window.full, window.count]).toEqual([false, 1]);
});
