import { expect, test } from "vitest";
import { Abstention } from "./abstention.ts";
import { sayWhy } from "./abstention-end.ts";
import { helloFrom } from "./hello.fixture.ts";
import type { Hello } from "./hello-codec.ts";

const dropped = { damaged: null };
const damaged = { damaged: { file: "log/1", offset: 512, problem: "rot" } };

/** What a voter says of the end of its log, and whether it abstains or is damaged on top of that. */
const told = (nodeId: number, state: "sound" | "dropped" | "damaged"): Hello => {
  const end = { term: 9, lastTerm: 4, lastIndex: 10 };
  return helloFrom(nodeId, { ...end, droppedLastFrame: state !== "sound", damaged: state === "damaged" });
};

function saidBy(abstention: Abstention, voters: readonly number[]): unknown[] {
  const lines: unknown[] = [];
  sayWhy(abstention, voters, voters, (level, event, { advice, ...fields }) =>
    lines.push([level, event, fields, advice]),
  );
  return lines;
}

test("N2 names those who have not told yet, and asks for them", () => {
  const abstention = new Abstention(2, dropped);
  abstention.heard(told(1, "damaged"));
  expect(saidBy(abstention, [1, 2, 3])).toEqual([
    ["warn", "abstaining", { waitsFor: [3] }, expect.stringContaining("start every voter that is down")],
  ]);
});

test("N2 one damaged, one that dropped its last frame, and one sound of three: nobody can be elected, and both say so", () => {
  const tooFew = { waitsFor: [], damaged: [1], mayVote: [3] };
  const advice = expect.stringMatching(/nobody is elected.*start voters.*sound.*found a new cluster/);
  const torn = new Abstention(2, dropped);
  torn.heard(told(1, "damaged"));
  torn.heard(told(3, "sound"));
  expect(torn.floor([1, 2, 3])).toBeNull();
  expect(saidBy(torn, [1, 2, 3])).toEqual([["error", "too-few-may-vote", tooFew, advice]]);
  const rotten = new Abstention(1, damaged);
  rotten.heard(told(2, "dropped"));
  rotten.heard(told(3, "sound"));
  expect(saidBy(rotten, [1, 2, 3])).toEqual([["error", "too-few-may-vote", tooFew, advice]]);
});

test("N2 with a majority that may vote it waits for the leader that they elect", () => {
  const abstention = new Abstention(2, dropped);
  for (const [nodeId, state] of [
    [1, "damaged"],
    [3, "sound"],
    [4, "sound"],
    [5, "sound"],
  ] as const)
    abstention.heard(told(nodeId, state));
  expect(saidBy(abstention, [1, 2, 3, 4, 5])).toEqual([
    [
      "warn",
      "abstaining",
      { waitsFor: [], damaged: [1], mayVote: [3, 4, 5] },
      expect.stringContaining("keep a majority of the voters running"),
    ],
  ]);
});

test("N2 one that told anew that it abstains no more may vote", () => {
  const abstention = new Abstention(1, damaged);
  abstention.heard(told(2, "dropped"));
  abstention.heard(told(3, "sound"));
  expect(abstention.mayVote([1, 2, 3])).toEqual([3]);
  abstention.heard(told(2, "sound"));
  expect(abstention.mayVote([1, 2, 3])).toEqual([2, 3]);
});
