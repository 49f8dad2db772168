import { type Message, MessageType } from "@quorumguard/raft";
import { describe, expect, test } from "vitest";
import { Proven } from "./proven.ts";

const said = (type: Message["type"], term: number, index = 0, reject = false) =>
  ({ type, term, index, reject }) as Message;
const own = { term: 4, commitIndex: 90 };

describe("N2 what a peer must have on its disk", () => {
  test("is what it acknowledged, as long as it is in the term that it did so in", () => {
    const proven = new Proven();
    proven.heard(said(MessageType.appResp, 4, 100), own);
    proven.heard(said(MessageType.appResp, 4, 95), own);
    expect(proven.lackOf({ term: 4, lastIndex: 100 })).toBeNull();
    expect(proven.lackOf({ term: 4, lastIndex: 99 })).toContain("up to index 100, and its log ends at 99");
    expect(proven.lackOf({ term: 3, lastIndex: 100 })).toContain("flushed term 4, and comes back in term 3");
    // A later leader may have taken back what was not committed, and nothing else.
    expect(proven.lackOf({ term: 5, lastIndex: 90 })).toBeNull();
    expect(proven.lackOf({ term: 5, lastIndex: 89 })).toContain("up to index 90, and its log ends at 89");
  });

  test("is nothing that a node may say before it is durable, or that promises no entries", () => {
    const proven = new Proven();
    for (const type of [MessageType.heartbeatResp, MessageType.app, MessageType.vote, MessageType.preVoteResp]) {
      proven.heard(said(type, 9, 100), own);
    }
    expect(proven.lackOf({ term: 0, lastIndex: 0 })).toBeNull();
    proven.heard(said(MessageType.appResp, 4, 100, true), own);
    expect(proven.lackOf({ term: 4, lastIndex: 0 })).toBeNull();
    proven.heard(said(MessageType.voteResp, 6), own);
    expect(proven.lackOf({ term: 5, lastIndex: 0 })).toContain("flushed term 6");
  });

  test("is not committed because of what this node learns in another term than the peer's", () => {
    const proven = new Proven();
    proven.heard(said(MessageType.appResp, 4, 100), { term: 5, commitIndex: 100 });
    proven.heard(said(MessageType.appResp, 3, 200), own);
    expect(proven.lackOf({ term: 5, lastIndex: 0 })).toBeNull();
  });
});
