import { expect, test } from "vitest";
import { entriesOfTerms } from "../testing/messages.ts";
import { createMemoryStorage } from "./memory-storage.ts";
import { RaftLog } from "./raft-log.ts";

const unlimited = Number.MAX_SAFE_INTEGER;

/** `stored` of the entries are in storage, the rest is not durable yet. */
function createLog(terms: readonly number[], stored: number, compacted = 0): RaftLog {
  const entries = entriesOfTerms(terms);
  const storage = createMemoryStorage();
  storage.append(entries.slice(0, stored));
  storage.compact(compacted);
  const log = new RaftLog(storage, unlimited);
  log.append(entries.slice(stored));
  return log;
}

const indexes = (entries: unknown) => (entries as readonly { index: number }[]).map(({ index }) => index);

test("a slice joins storage and the unstable tail, within its bytes but never empty", () => {
  const log = createLog([1, 1, 1, 1], 2);
  expect(indexes(log.slice(1, 5, unlimited))).toEqual([1, 2, 3, 4]);
  expect(indexes(log.slice(2, 4, unlimited))).toEqual([2, 3]);
  // Each entry has three bytes of data.
  expect(indexes(log.slice(1, 5, 9))).toEqual([1, 2, 3]);
  expect(indexes(log.slice(1, 5, 7))).toEqual([1, 2]);
  expect(indexes(log.slice(2, 5, 1))).toEqual([2]);
  expect(indexes(log.slice(3, 5, 1))).toEqual([3]);
  expect(indexes(log.slice(3, 3, 1))).toEqual([]);
});

test("compacted entries are told from entries that do not exist yet", () => {
  const log = createLog([1, 2, 2, 3], 3, 2);
  expect(log.slice(2, 4, unlimited)).toBe("compacted");
  expect([log.term(1), log.term(2), log.term(4), log.term(5)]).toEqual(["compacted", 2, 3, "unavailable"]);
  expect(log.matches(1, 0)).toBe(false);
  expect(log.matches(5, 0)).toBe(false);
});

test("where logs may agree is found by term", () => {
  const log = createLog([2, 2, 5, 5, 5], 5);
  expect(log.findConflictByTerm(5, 5)).toEqual({ index: 5, term: 5 });
  expect(log.findConflictByTerm(5, 4)).toEqual({ index: 2, term: 2 });
  expect(log.findConflictByTerm(5, 1)).toEqual({ index: 0, term: 0 });
  expect(createLog([2, 2, 5], 3, 2).findConflictByTerm(3, 1)).toEqual({ index: 1, term: 0 });
});

test("only entries of the given term are committed", () => {
  const log = createLog([1, 2], 2);
  expect(log.maybeCommit(1, 2)).toBe(false);
  expect(log.maybeCommit(9, 2)).toBe(false);
  expect(log.maybeCommit(2, 2)).toBe(true);
  expect(log.maybeCommit(2, 2)).toBe(false);
});

test("a commit index beyond the log means that acknowledged entries were lost", () => {
  expect(() => createLog([1], 1).commitTo(2)).toThrow(/beyond the last index/);
});

test("committed entries are never overwritten", () => {
  const log = createLog([1, 1], 2);
  log.commitTo(2);
  expect(() => log.append(entriesOfTerms([2], 1))).toThrow(/replace a committed one/);
});

test("durable committed entries are applied first; unstable ones only in synchronous mode", () => {
  const log = createLog([1, 1, 1], 1);
  log.commitTo(3);
  expect(indexes(log.nextCommittedEntries(false))).toEqual([1]);
  expect(indexes(log.nextCommittedEntries(true))).toEqual([1, 2, 3]);
});

test("B12: the report of one page of committed entries hands out none of the later ones again", () => {
  const log = createLog([1, 1, 1], 3);
  for (const index of [1, 2]) {
    log.commitTo(index);
    log.acceptApplying(log.nextCommittedEntries(false), false);
  }
  log.appliedTo(1, entriesOfTerms([1]));
  expect(log.hasNextCommittedEntries(false)).toBe(false);
  log.commitTo(3);
  expect(indexes(log.nextCommittedEntries(false))).toEqual([3]);
});
