import { type Message, MessageType } from "@quorumguard/raft";
import { describe, expect, test } from "vitest";
import { ManualClock } from "./manual-clock.fixture.ts";
import { Members } from "./members.ts";
import { PeerBoard } from "./peer-board.ts";
import type { Envelope } from "./peer-codec.ts";

const electionMs = 150;
const term = 4;

function answer(
  clock: ManualClock,
  changes: Partial<Envelope> = {},
  type: Message["type"] = MessageType.heartbeatResp,
): Envelope {
  return {
    stampUs: 1,
    stampLive: true,
    stampTerm: 1,
    wallUs: 1,
    probeMs: 77,
    probeWallMs: 78,
    echoMs: clock.monotonicMs(),
    echoWallMs: clock.wallMs(),
    hashIndex: 0,
    hash: "",
    messages: [{ type, term } as Message],
    ...changes,
  };
}

const own = { term, commitIndex: 0 };

function board(peers: readonly number[] = [2, 3]): { clock: ManualClock; board: PeerBoard } {
  const clock = new ManualClock();
  const members = new Members([1, ...peers].map((nodeId) => ({ nodeId, address: "", nonce: "" })));
  const peerBoard = new PeerBoard(clock, 1, members);
  for (const peer of peers) peerBoard.admit(peer);
  return { clock, board: peerBoard };
}

describe("D1 contact with a quorum", () => {
  test("needs one answer of two peers, within the election timeout of what it answers", () => {
    const { clock, board: peers } = board();
    expect(peers.quorumAnswered(term, electionMs)).toBe(false);
    const early = answer(clock);
    clock.advance(100);
    peers.heard(2, early, own);
    expect(peers.quorumAnswered(term, electionMs)).toBe(true);
    clock.advance(49);
    expect(peers.quorumAnswered(term, electionMs)).toBe(true);
    // 150 ms after the question, although only 50 ms after the answer arrived.
    clock.advance(1);
    expect(peers.quorumAnswered(term, electionMs)).toBe(false);
  });

  test("counts by the wall clock too, in either direction: a suspended machine's monotonic clock stands still", () => {
    const { clock, board: peers } = board();
    peers.heard(2, answer(clock), own);
    clock.stepWall(150);
    expect(peers.quorumAnswered(term, electionMs)).toBe(false);
    clock.stepWall(-151);
    expect(peers.quorumAnswered(term, electionMs)).toBe(false);
    clock.stepWall(1);
    expect(peers.quorumAnswered(term, electionMs)).toBe(true);
  });

  test("takes only acknowledgements of the same term for an answer", () => {
    const { clock, board: peers } = board();
    peers.heard(2, answer(clock, { messages: [{ type: MessageType.appResp, term: term - 1 } as Message] }), own);
    expect(peers.quorumAnswered(term, electionMs)).toBe(false);
    peers.heard(2, answer(clock, {}, MessageType.voteResp), own);
    expect(peers.quorumAnswered(term, electionMs)).toBe(false);
    peers.heard(2, answer(clock, {}, MessageType.appResp), own);
    expect(peers.quorumAnswered(term, electionMs)).toBe(true);
    expect(peers.quorumAnswered(term + 1, electionMs)).toBe(false);
  });

  test("ignores what answers an earlier process of this node, whose clock may have been ahead", () => {
    const { clock, board: peers } = board();
    peers.heard(2, answer(clock, { echoMs: clock.monotonicMs() + 1_000_000 }), own);
    expect(peers.quorumAnswered(term, electionMs)).toBe(false);
  });

  test("of five needs two peers; of one needs none", () => {
    const five = board([2, 3, 4, 5]);
    five.board.heard(2, answer(five.clock), own);
    expect(five.board.quorumAnswered(term, electionMs)).toBe(false);
    five.board.heard(5, answer(five.clock), own);
    expect(five.board.quorumAnswered(term, electionMs)).toBe(true);
    expect(board([]).board.quorumAnswered(term, electionMs)).toBe(true);
  });
});
