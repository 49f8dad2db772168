import fc from "fast-check";
import { expect, test } from "vitest";
import { allVoters, jointIndex, jointVote } from "./joint.ts";
import { majorityIndex, majorityVote } from "./majority.ts";

const voters = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 7 });
const indexes = fc.array(fc.nat({ max: 6 }), { minLength: 10, maxLength: 10 });
const votes = fc.array(fc.constantFrom(true, false, undefined), { minLength: 10, maxLength: 10 });

test("the majority index is the greatest that more than half have reached", () => {
  fc.assert(
    fc.property(voters, indexes, (ids, acknowledged) => {
      fc.pre(ids.length > 0);
      const reached = (index: number) => ids.filter((id) => acknowledged[id]! >= index).length * 2 > ids.length;
      const result = majorityIndex(ids, (id) => acknowledged[id]!);
      expect(reached(result)).toBe(true);
      expect(reached(result + 1)).toBe(false);
    }),
  );
});

test("a vote is won or lost as soon as the missing answers cannot change that", () => {
  fc.assert(
    fc.property(voters, votes, (ids, answers) => {
      const count = (answer: boolean | undefined) => ids.filter((id) => answers[id] === answer).length;
      const isMajority = (granted: number) => ids.length === 0 || granted * 2 > ids.length;
      const worst = isMajority(count(true));
      const best = isMajority(count(true) + count(undefined));
      const expected = worst ? "won" : best ? "pending" : "lost";
      expect(majorityVote(ids, (id) => answers[id])).toBe(expected);
    }),
  );
});

test("a joint quorum needs both halves, in either order, and an empty half asks for nothing", () => {
  fc.assert(
    fc.property(voters, voters, indexes, votes, (incoming, outgoing, acknowledged, answers) => {
      const index = (id: number) => acknowledged[id]!;
      const vote = (id: number) => answers[id];
      const joint = { incoming, outgoing };
      expect(jointIndex(joint, index)).toBe(Math.min(majorityIndex(incoming, index), majorityIndex(outgoing, index)));
      expect(jointIndex({ incoming: outgoing, outgoing: incoming }, index)).toBe(jointIndex(joint, index));
      expect(jointIndex({ incoming, outgoing: [] }, index)).toBe(majorityIndex(incoming, index));
      const won = majorityVote(incoming, vote) === "won" && majorityVote(outgoing, vote) === "won";
      expect(jointVote(joint, vote) === "won").toBe(won);
      expect(jointVote({ incoming, outgoing: [] }, vote)).toBe(majorityVote(incoming, vote));
    }),
  );
});

test("everyone who votes is listed once, in order", () => {
  expect(allVoters({ incoming: [2, 5], outgoing: [1, 5] })).toEqual([1, 2, 5]);
  expect(allVoters({ incoming: [2, 5], outgoing: [] })).toEqual([2, 5]);
});
