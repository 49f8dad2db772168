import { createMessage, type Entry, EntryType, type Message, MessageType, type RaftStorage } from "@quorumguard/raft";
import { describe, expect, test } from "vitest";
import { type LogInUse, proofOfLoss } from "./proof-of-loss.ts";

const entry = (index: number, term: number, byte = index): Entry => ({
  index,
  term,
  type: EntryType.normal,
  data: Uint8Array.of(byte),
});
const log = [entry(1, 1), entry(2, 1), entry(3, 2), entry(4, 2), entry(5, 2)];
const storage: RaftStorage = {
  initialState: () => {
    throw new Error("not asked");
  },
  entries: (lo, hi) => (lo < 2 ? "compacted" : log.slice(lo - 1, hi - 1)),
  term: (index) => (index < 1 ? "compacted" : (log[index - 1]?.term ?? "unavailable")),
  firstIndex: () => 2,
  lastIndex: () => 5,
  snapshot: () => "unavailable",
};
const inUse = (state: "follower" | "leader", appliedIndex = 4): LogInUse => ({
  raft: { term: 2, lastIndex: 5, softState: { state, leader: 2 } },
  storage,
  appliedIndex,
});
const message = (type: MessageType, more: Partial<Message>): Message => ({
  ...createMessage(type, 1),
  from: 2,
  term: 2,
  ...more,
});
const append = (index: number, logTerm: number, entries: readonly Entry[] = [], term = 2) =>
  message(MessageType.app, { index, logTerm, entries, term });

describe("an append", () => {
  test("proves nothing where it repeats what was applied, goes on from it, or replaces what was not", () => {
    expect(proofOfLoss(append(2, 1, [entry(3, 2), entry(4, 2), entry(5, 3)], 3), inUse("follower"))).toBeNull();
    expect(proofOfLoss(append(5, 2, [entry(6, 2)]), inUse("follower", 5))).toBeNull();
    expect(proofOfLoss(append(5, 3, [entry(6, 3)], 3), inUse("follower"))).toBeNull();
  });

  test("proves a loss by another term, by other bytes in the same term, and by what it goes on from", () => {
    const conflict = (index: number) => ({ kind: "conflict", index });
    expect(proofOfLoss(append(2, 1, [entry(3, 2), entry(4, 3)], 3), inUse("follower"))).toEqual(conflict(4));
    expect(proofOfLoss(append(2, 1, [entry(3, 2, 77), entry(4, 2, 78)]), inUse("follower"))).toEqual(conflict(3));
    expect(proofOfLoss(append(2, 2), inUse("follower"))).toEqual(conflict(2));
  });

  test("N5 proves nothing by one entry alone that differs in its bytes", () => {
    expect(proofOfLoss(append(2, 1, [entry(3, 2, 77), entry(4, 2)]), inUse("follower"))).toBeNull();
  });

  test("proves nothing by what is compacted, or if it is an earlier leader's", () => {
    expect(proofOfLoss(append(0, 0, [entry(1, 9)]), inUse("follower"))).toBeNull();
    expect(proofOfLoss(append(2, 9, [entry(3, 9)], 1), inUse("follower"))).toBeNull();
  });
});

test("a heartbeat proves the loss of an end that its sender counts on", () => {
  const beat = (commit: number, term = 2) => message(MessageType.heartbeat, { commit, term });
  expect(proofOfLoss(beat(5), inUse("follower"))).toBeNull();
  expect(proofOfLoss(beat(6), inUse("follower"))).toEqual({ kind: "end", index: 6 });
  expect(proofOfLoss(beat(6, 1), inUse("follower"))).toBeNull();
});

test("an acknowledgement proves a loss beyond the end of the leader's own log, and to nobody else", () => {
  const answer = (index: number, more: Partial<Message> = {}) => message(MessageType.appResp, { index, ...more });
  expect(proofOfLoss(answer(5), inUse("leader"))).toBeNull();
  expect(proofOfLoss(answer(6), inUse("leader"))).toEqual({ kind: "surpassed", index: 6 });
  expect(proofOfLoss(answer(6, { reject: true }), inUse("leader"))).toBeNull();
  expect(proofOfLoss(answer(6), inUse("follower"))).toBeNull();
  expect(proofOfLoss(answer(6, { term: 3 }), inUse("leader"))).toBeNull();
});
