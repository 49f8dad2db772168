import { describe, expect, test } from "vitest";
import { Abstention, returnState } from "./abstention.ts";
import { helloFrom } from "./hello.fixture.ts";
import type { Hello } from "./hello-codec.ts";

const told = (nodeId: number, lastTerm: number, lastIndex: number, damaged = false): Hello =>
  helloFrom(nodeId, { term: 9, lastTerm, lastIndex, droppedLastFrame: damaged, damaged });

const dropped = { damaged: null };
const damaged = { damaged: { file: "log/1", offset: 512, problem: "rot" } };

describe("N2: a node that lost the end of its log", () => {
  test("N2 (b) knows the best log once every other voter has told of its own", () => {
    const abstention = new Abstention(1, dropped);
    expect(abstention.waitsFor([1, 2, 3])).toEqual([2, 3]);
    abstention.heard(told(2, 4, 10));
    abstention.heard(told(9, 40, 100));
    expect(abstention.waitsFor([1, 2, 3])).toEqual([3]);
    expect(abstention.floor([1, 2, 3])).toBeNull();
    abstention.heard(told(3, 5, 8));
    // The best log is the one with the later term, not the longer one.
    expect(abstention.floor([1, 2, 3])).toEqual({ lastTerm: 5, lastIndex: 8 });
    expect(abstention.floor([1, 2, 3, 4])).toBeNull();
  });

  test("N2 (b) takes the newest that a voter has told: it may have restarted", () => {
    const abstention = new Abstention(1, dropped);
    abstention.heard(told(2, 4, 10));
    abstention.heard(told(2, 4, 7));
    expect(abstention.floor([1, 2])).toEqual({ lastTerm: 4, lastIndex: 7 });
  });

  test("N2 (b) is not satisfied by a damaged log, nor for one", () => {
    const abstention = new Abstention(1, dropped);
    abstention.heard(told(2, 4, 10, true));
    abstention.heard(told(3, 4, 10));
    expect(abstention.waitsFor([1, 2, 3])).toEqual([]);
    expect(abstention.floor([1, 2, 3])).toBeNull();
    const rotten = new Abstention(1, damaged);
    for (const id of [2, 3]) rotten.heard(told(id, 4, 10));
    expect(rotten.floor([1, 2, 3])).toBeNull();
    expect(new Abstention(1, damaged).floor([1])).toBeNull();
  });

  test("N2 alone in its cluster it has nobody to ask", () => {
    expect(new Abstention(1, dropped).floor([1])).toEqual({ lastTerm: 0, lastIndex: 0 });
  });

  test("N2 says when a majority of the logs is damaged, since then nobody can be elected", () => {
    const abstention = new Abstention(3, damaged);
    expect(abstention.lostMajority([1, 2, 3])).toBeNull();
    abstention.heard(told(1, 4, 10));
    abstention.heard(told(2, 4, 10, true));
    expect(abstention.lostMajority([1, 2, 3])).toEqual([2, 3]);
    expect(abstention.lostMajority([1, 2, 3, 4, 5])).toBeNull();
    expect(new Abstention(1, damaged).lostMajority([1])).toEqual([1]);
  });

  test("N2 returns in a term above every one that it can have spoken in, voted out", () => {
    const recovery = { droppedLastFrame: true, droppedAt: null, damaged: null, latestTerm: 64, empty: false };
    expect(returnState(2, { term: 5, vote: 1, commit: 7 }, recovery)).toEqual({ term: 65, vote: 2, commit: 7 });
    expect(returnState(2, { term: 65, vote: 2, commit: 7 }, recovery)).toEqual({ term: 66, vote: 2, commit: 7 });
  });
});
