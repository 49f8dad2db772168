import { expect, test } from "vitest";
import { entriesOfTerms } from "../testing/messages.ts";
import { UnstableLog } from "./unstable.ts";

function createWith(terms: readonly number[], offset = 5): UnstableLog {
  const unstable = new UnstableLog(offset);
  unstable.truncateAndAppend(entriesOfTerms(terms, offset - 1));
  return unstable;
}

test("entries are handed to storage once", () => {
  const unstable = createWith([1, 1]);
  expect(unstable.nextEntries().map(({ index }) => index)).toEqual([5, 6]);
  unstable.acceptInProgress();
  expect(unstable.hasNextEntries()).toBe(false);
  unstable.truncateAndAppend(entriesOfTerms([1], 6));
  expect(unstable.nextEntries().map(({ index }) => index)).toEqual([7]);
});

test("what was handed out does not change when the tail is replaced", () => {
  const unstable = createWith([1, 1, 1]);
  const handedOut = unstable.nextEntries();
  unstable.acceptInProgress();
  unstable.truncateAndAppend(entriesOfTerms([2], 5));
  expect(handedOut.map(({ term }) => term)).toEqual([1, 1, 1]);
  expect(unstable.nextEntries()).toMatchObject([{ index: 6, term: 2 }]);
  expect(unstable.lastIndex()).toBe(6);
});

test("an append before everything held here replaces all of it", () => {
  const unstable = createWith([1, 1]);
  unstable.acceptInProgress();
  unstable.truncateAndAppend(entriesOfTerms([2, 2], 2));
  expect([unstable.offset, unstable.offsetInProgress, unstable.lastIndex()]).toEqual([3, 3, 4]);
});

test("a flush report releases entries up to its index if the term still stands there", () => {
  const unstable = createWith([1, 2, 2]);
  unstable.acceptInProgress();
  expect(unstable.stableTo(6, 1)).toBe(false);
  expect(unstable.stableTo(4, 1)).toBe(false);
  expect(unstable.stableTo(99, 2)).toBe(false);
  expect(unstable.length).toBe(3);
  expect(unstable.stableTo(6, 2)).toBe(true);
  expect([unstable.offset, unstable.length]).toEqual([7, 1]);
});

test("B11: a flush report of an earlier write makes none of the later writes under way due again", () => {
  const unstable = createWith([1]);
  unstable.acceptInProgress();
  unstable.truncateAndAppend(entriesOfTerms([1, 1], 5));
  unstable.acceptInProgress();
  expect(unstable.stableTo(5, 1)).toBe(true);
  expect(unstable.nextEntries()).toEqual([]);
  unstable.truncateAndAppend(entriesOfTerms([1], 7));
  expect(unstable.nextEntries().map(({ index }) => index)).toEqual([8]);
});

test("a snapshot replaces the tail, is handed out once, and leaves when it is installed", () => {
  const unstable = createWith([1, 1]);
  const snapshot = {
    index: 20,
    term: 3,
    confState: { voters: [1], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false },
    data: new Uint8Array(0),
  };
  unstable.restore(snapshot);
  expect([unstable.offset, unstable.lastIndex(), unstable.term(20), unstable.term(19)]).toEqual([21, 20, 3, -1]);
  expect(unstable.nextSnapshot()).toBe(snapshot);
  unstable.acceptInProgress();
  expect(unstable.nextSnapshot()).toBeNull();
  unstable.stableSnapshotTo(19);
  expect(unstable.snapshot).toBe(snapshot);
  unstable.stableSnapshotTo(20);
  expect(unstable.snapshot).toBeNull();
});

test("an append that would leave a gap is a broken invariant", () => {
  expect(() => createWith([1]).truncateAndAppend(entriesOfTerms([1], 8))).toThrow(/leaves a gap/);
});
