import { expect, test } from "vitest";
import { entriesOfTerms } from "../testing/messages.ts";
import { createMemoryStorage } from "./memory-storage.ts";

const confState = { voters: [1, 2], votersOutgoing: [], learners: [3], learnersNext: [], autoLeave: false };
const noData = new Uint8Array(0);

test("entries are appended, overwritten from an index on, and read within bounds", () => {
  const storage = createMemoryStorage(confState);
  storage.append(entriesOfTerms([1, 1, 1]));
  storage.append(entriesOfTerms([2], 1));
  expect(storage.lastIndex()).toBe(2);
  expect([storage.term(0), storage.term(1), storage.term(2), storage.term(3)]).toEqual([0, 1, 2, "unavailable"]);
  expect(storage.entries(1, 3, 1)).toHaveLength(1);
  expect(storage.entries(1, 4, 1)).toBe("unavailable");
  expect(storage.entries(0, 2, 1)).toBe("compacted");
  expect(() => storage.append(entriesOfTerms([2], 7))).toThrow(/gap/);
});

test("compaction keeps the term of the last entry that it took", () => {
  const storage = createMemoryStorage(confState);
  storage.append(entriesOfTerms([1, 2, 3]));
  storage.compact(2);
  expect([storage.firstIndex(), storage.term(2), storage.term(1)]).toEqual([3, 2, "compacted"]);
  expect(() => storage.compact(9)).toThrow(/unavailable/);
});

test("a snapshot of applied state leaves the log, an installed one replaces it", () => {
  const storage = createMemoryStorage(confState);
  storage.append(entriesOfTerms([1, 2, 3]));
  expect(storage.createSnapshot(2, confState, noData)).toMatchObject({ index: 2, term: 2 });
  expect(storage.lastIndex()).toBe(3);
  storage.applySnapshot({ index: 1, term: 1, confState, data: noData });
  expect(storage.snapshot()).toMatchObject({ index: 2 });
  storage.applySnapshot({ index: 9, term: 4, confState, data: noData });
  expect([storage.firstIndex(), storage.lastIndex(), storage.term(9)]).toEqual([10, 9, 4]);
  expect(storage.initialState().confState).toEqual(confState);
});
