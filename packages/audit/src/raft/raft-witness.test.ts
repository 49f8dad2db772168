import { createMessage, type Entry, EntryType, type Message, MessageType } from "@quorumguard/raft";
import { beforeEach, describe, expect, test } from "vitest";
import { memoryDataStore } from "./entry-data.ts";
import { createRaftWitness, type RaftWitness } from "./raft-witness.ts";

let witness: RaftWitness;

beforeEach(() => {
  witness = createRaftWitness(memoryDataStore);
});

const bytes = (text: string) => new TextEncoder().encode(text);
const entry = (
  index: number,
  term: number,
  text = `${index}/${term}`,
  type: Entry["type"] = EntryType.normal,
): Entry => ({
  ...{ index, term, type },
  data: bytes(text),
});

const say = (type: Message["type"], from: number, to: number, fields: Partial<Message>) =>
  witness.hear({ ...createMessage(type, to), from, ...fields });

/** `from` leads `term` and sends entries behind the one at `index`, of `logTerm`. */
const append = (
  from: number,
  term: number,
  [index, logTerm]: readonly [number, number],
  entries: Entry[],
  commit = 0,
) => say(MessageType.app, from, 3, { term, index, logTerm, entries, commit });
const heartbeat = (from: number, term: number, commit: number) => say(MessageType.heartbeat, from, 3, { term, commit });
const vote = (voter: number, candidate: number, term: number, reject = false) =>
  say(MessageType.voteResp, voter, candidate, { term, reject });

const committed = () =>
  [...witness.committed()].map(({ index, term, data }) => [index, term, String(Buffer.from(data))]);

describe("a history without fault", () => {
  test("the committed log follows from what leaders send, across leaders and uncommitted tails", () => {
    vote(2, 1, 1);
    vote(2, 1, 1);
    append(1, 1, [0, 0], [entry(1, 1), entry(2, 1)]);
    append(1, 1, [2, 1], [entry(3, 1), entry(4, 1)], 1);
    expect(committed()).toEqual([[1, 1, "1/1"]]);
    // The next leader never had entries 3 and 4 of term 1; the one after that has all of them.
    vote(3, 2, 2);
    vote(3, 1, 2, true);
    append(2, 2, [2, 1], [entry(3, 2), entry(4, 2)]);
    append(2, 2, [1, 1], [entry(2, 1), entry(3, 2), entry(4, 2)], 1);
    heartbeat(2, 2, 4);
    append(3, 3, [4, 2], [entry(5, 3)], 5);
    expect(committed()).toEqual([
      [1, 1, "1/1"],
      [2, 1, "2/1"],
      [3, 2, "3/2"],
      [4, 2, "4/2"],
      [5, 3, "5/3"],
    ]);
    expect([...witness.leaders]).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
    expect(witness.violations).toEqual([]);
  });

  test("a commit is followed through an entry that is heard of later, down to the first", () => {
    append(1, 1, [0, 0], [entry(1, 1), entry(2, 1)]);
    append(2, 3, [3, 1], [entry(4, 3)], 4);
    expect(committed()).toEqual([[4, 3, "4/3"]]);
    // Another one at the place of entry 3, which no leader had a quorum for, is not the one that is missing.
    append(3, 2, [2, 1], [entry(3, 2)]);
    expect(committed()).toEqual([[4, 3, "4/3"]]);
    // What another link brought too late.
    append(1, 1, [2, 1], [entry(3, 1)]);
    expect(committed().map(([index]) => index)).toEqual([1, 2, 3, 4]);
    expect(witness.violations).toEqual([]);
  });

  test("a commit is followed although its leader has only named the entry, or calls more committed than it sends", () => {
    append(1, 2, [3, 2], [], 3);
    expect(committed()).toEqual([]);
    append(1, 2, [1, 1], [entry(2, 2), entry(3, 2)]);
    expect(committed().map(([index]) => index)).toEqual([2, 3]);
    append(1, 2, [0, 0], [entry(1, 1)], 9);
    expect(committed().map(([index]) => index)).toEqual([1, 2, 3]);
    append(3, 4, [3, 2], [entry(4, 4)], 9);
    expect(committed().map(([index]) => index)).toEqual([1, 2, 3, 4]);
    expect(witness.violations).toEqual([]);
  });

  test("a heartbeat commits what its sender named before a later leader rose", () => {
    append(1, 1, [0, 0], [entry(1, 1)]);
    append(2, 2, [1, 1], [entry(2, 2)]);
    heartbeat(3, 3, 0);
    heartbeat(2, 2, 1);
    expect(committed()).toEqual([[1, 1, "1/1"]]);
  });

  test("a leader of long ago commits what it has sent, and what it repeats", () => {
    append(1, 1, [0, 0], [entry(1, 1)]);
    append(2, 2, [1, 1], [entry(2, 2)]);
    for (let term = 3; term < 40; term++) heartbeat(1, term, 0);
    heartbeat(2, 2, 1);
    expect(committed()).toEqual([]);
    append(2, 2, [1, 1], [], 1);
    expect(committed()).toEqual([[1, 1, "1/1"]]);
    heartbeat(2, 2, 2);
    expect(committed()).toHaveLength(2);
    expect(witness.violations).toEqual([]);
  });

  test("a paused leader that goes on with what was never committed breaks nothing", () => {
    append(1, 1, [0, 0], [entry(1, 1)], 1);
    append(2, 2, [1, 1], [entry(2, 2)], 2);
    append(1, 1, [1, 1], [entry(2, 1), entry(3, 1)], 1);
    expect(witness.violations).toEqual([]);
  });

  test("changes of the members keep their place, and hold nothing for the state machine", () => {
    append(1, 1, [0, 0], [entry(1, 1, ""), entry(2, 1, "members", EntryType.confChangeV2)], 2);
    expect(committed()).toEqual([
      [1, 1, ""],
      [2, 1, ""],
    ]);
    expect(witness.committedAt(2)).toEqual(entry(2, 1, "members", EntryType.confChangeV2));
    expect(witness.committedAt(3)).toBeUndefined();
  });

  test("a node that is alone sends nothing: its log and its word are enough", () => {
    witness.sawEntries([entry(1, 1), entry(2, 1)], 0);
    witness.sawEntries([entry(3, 2)], 1);
    witness.sawCommit(2, 3);
    expect(committed().map(([index]) => index)).toEqual([1, 2, 3]);
    expect(witness.violations).toEqual([]);
  });

  test("data is kept even when the sender's buffer is used again", () => {
    const sent = entry(1, 1);
    append(1, 1, [0, 0], [sent], 1);
    sent.data.fill(0);
    expect(committed()).toEqual([[1, 1, "1/1"]]);
  });
});

describe("a planted violation is found, and is the only one:", () => {
  test("two leaders of one term", () => {
    append(1, 1, [0, 0], [entry(1, 1)]);
    heartbeat(2, 1, 0);
    expect(witness.violations).toEqual(["election safety: node-1 and node-2 both lead in term 1"]);
  });

  test("a voter that votes for two in one term", () => {
    vote(3, 1, 2);
    vote(3, 2, 2, true);
    vote(3, 2, 3);
    expect(witness.violations).toEqual([]);
    vote(3, 2, 2);
    expect(witness.violations).toEqual(["one vote per term: node-3 votes for node-1 and node-2 in term 2"]);
  });

  test.each([
    ["data", entry(1, 1, "1-1")],
    ["length", entry(1, 1, "1/1 and more")],
    ["type", entry(1, 1, "1/1", EntryType.confChange)],
  ])("two entries at one place, of different %s", (_difference, other) => {
    append(1, 1, [0, 0], [entry(1, 1)]);
    append(1, 1, [0, 0], [other]);
    expect(witness.violations).toEqual(["log matching: two entries at index 1 of term 1"]);
  });

  test("one entry with two predecessors", () => {
    append(1, 3, [4, 2], [entry(5, 3)]);
    append(1, 3, [4, 1], [entry(5, 3)]);
    expect(witness.violations).toEqual(["log matching: entry 5 of term 3 follows terms 2 and 1"]);
  });

  test("two entries at one place, one of them on the disk of a node that was alone", () => {
    witness.sawEntries([entry(1, 1)], 0);
    append(1, 1, [0, 0], [entry(1, 1, "other")]);
    expect(witness.violations).toEqual(["log matching: two entries at index 1 of term 1"]);
  });

  test("a committed entry that changes", () => {
    // The leaders of both terms commit at once, so neither lacks what was committed before it is heard.
    append(2, 2, [0, 0], [entry(1, 2)]);
    append(1, 1, [0, 0], [entry(1, 1)], 1);
    heartbeat(2, 2, 1);
    expect(witness.violations).toEqual(["committed entries never change: index 1 was committed in term 1, now 2"]);
  });

  test("a committed entry that changes below one that was unseen", () => {
    append(1, 1, [0, 0], [entry(1, 1), entry(2, 1)], 2);
    append(3, 4, [3, 3], [entry(4, 4)], 4);
    expect(witness.violations).toEqual([]);
    append(2, 3, [2, 2], [entry(3, 3)]);
    expect(witness.violations).toEqual([
      expect.stringContaining("leader completeness"),
      "committed entries never change: index 2 was committed in term 1, now 2",
    ]);
  });

  test("a leader that lacks what was committed before its term", () => {
    append(1, 1, [0, 0], [entry(1, 1), entry(2, 1)], 2);
    // One that was sent earlier, on a slower link.
    append(1, 1, [0, 0], [entry(1, 1)], 1);
    append(2, 2, [1, 1], [entry(2, 2)]);
    expect(witness.violations).toEqual([
      "leader completeness: node-2 leads term 2 with term 2 at index 2, where term 1 was committed in term 1",
    ]);
  });

  test("a leader that lacks it before the entries that it sends", () => {
    append(1, 1, [0, 0], [entry(1, 1), entry(2, 1)], 2);
    append(3, 5, [2, 4], []);
    expect(witness.violations).toEqual([
      "leader completeness: node-3 leads term 5 with term 4 at index 2, where term 1 was committed in term 1",
    ]);
  });

  test("a leader that lacks what an older one than the first to say so had committed", () => {
    append(1, 1, [0, 0], [entry(1, 1)]);
    append(3, 3, [1, 1], [entry(2, 3)], 2);
    // Heard late: it was committed before term 2 already.
    heartbeat(1, 1, 1);
    append(2, 2, [0, 0], [entry(1, 2)]);
    expect(witness.violations).toEqual([
      "leader completeness: node-2 leads term 2 with term 2 at index 1, where term 1 was committed in term 1",
    ]);
  });
});
