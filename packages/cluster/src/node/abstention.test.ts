import { type Message, MessageType, type RaftStorage } from "@quorumguard/raft";
import { describe, expect, test } from "vitest";
import { Abstention } from "./abstention.ts";
import type { Hello } from "./hello-codec.ts";
import { VoteFloor } from "./vote-floor.ts";

const told = (nodeId: number, term: number, lastTerm: number, lastIndex: number): Hello => ({
  nodeId,
  term,
  lastTerm,
  lastIndex,
  bootId: "b",
  clusterId: "c",
  nonce: "n",
  phase: 2,
  founders: [1, 2, 3],
  droppedLastFrame: false,
});

/** A log that ends where the test says. */
function logEndingAt(term: number, index: number): RaftStorage & { end(term: number, index: number): void } {
  let last = { term, index };
  return {
    end: (nextTerm, nextIndex) => {
      last = { term: nextTerm, index: nextIndex };
    },
    initialState: () => {
      throw new Error("not asked");
    },
    entries: () => "unavailable",
    term: () => last.term,
    firstIndex: () => 1,
    lastIndex: () => last.index,
    snapshot: () => "unavailable",
  };
}

const request = (type: Message["type"], logTerm: number, index: number): Message => ({
  type,
  logTerm,
  index,
  to: 1,
  from: 2,
  term: 9,
  entries: [],
  commit: 0,
  vote: 0,
  reject: false,
  rejectHint: 0,
  context: null,
  snapshot: null,
  responses: [],
});

describe("N2: a node that dropped its last frame", () => {
  test("stays silent until every other voter has told its term and the end of its log", () => {
    const abstention = new Abstention(1, [1, 2, 3], { term: 4, vote: 2, commit: 3 });
    expect(abstention.resolve()).toBeNull();
    abstention.heard(told(2, 5, 4, 10));
    abstention.heard(told(9, 50, 40, 100));
    expect(abstention.waitsFor).toEqual([3]);
    expect(abstention.resolve()).toBeNull();
    abstention.heard(told(3, 6, 5, 8));
    // Voted in the highest term, for nobody else; and the best log is the one with the later term, not the longer one.
    expect(abstention.resolve()).toEqual({
      hardState: { term: 6, vote: 1, commit: 3 },
      floorTerm: 5,
      floorIndex: 8,
    });
  });

  test("counts as having voted even if no other voter has a higher term", () => {
    const abstention = new Abstention(1, [1, 2], { term: 4, vote: 0, commit: 0 });
    abstention.heard(told(2, 4, 4, 1));
    expect(abstention.resolve()?.hardState).toEqual({ term: 4, vote: 1, commit: 0 });
  });

  test("votes only for logs as good as the best, and stands for nothing, until its own has caught up", () => {
    const log = logEndingAt(5, 7);
    const floor = new VoteFloor(log);
    expect(floor.holds).toBe(false);
    floor.raise(5, 8);
    for (const type of [MessageType.vote, MessageType.preVote]) {
      expect(floor.refuses(request(type, 5, 7))).toBe(true);
      expect(floor.refuses(request(type, 4, 100))).toBe(true);
      expect(floor.refuses(request(type, 5, 8))).toBe(false);
      expect(floor.refuses(request(type, 6, 1))).toBe(false);
    }
    expect(floor.refuses(request(MessageType.timeoutNow, 9, 9))).toBe(true);
    expect(floor.refuses(request(MessageType.app, 1, 1))).toBe(false);
    expect(floor.refuses({ ...request(MessageType.heartbeat, 0, 0), commit: 8 })).toBe(true);
    expect(floor.refuses({ ...request(MessageType.heartbeat, 0, 0), commit: 7 })).toBe(false);
    log.end(5, 8);
    expect(floor.holds).toBe(false);
    log.end(5, 6);
    expect(floor.refuses(request(MessageType.vote, 1, 1))).toBe(false);
  });
});
