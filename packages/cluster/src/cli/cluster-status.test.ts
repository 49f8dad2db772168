import { expect, it } from "vitest";
import { leaderOf } from "./cluster-status.ts";

const says = (nodeId: number, leaderId: number | null, term: number | null) => ({ nodeId, leaderId, term });

it("names who leads in the newest term that anybody knows of", () => {
  expect(leaderOf([says(1, 2, 7), says(2, 2, 7), says(3, 1, 6)])).toEqual({ leaderId: 2, term: 7 });
});

it("names a leader that does not answer, as the others say that it leads", () => {
  expect(leaderOf([says(1, 2, 7), says(2, null, null)])).toEqual({ leaderId: 2, term: 7 });
});

it("names nobody if who is said to lead says that nobody does", () => {
  expect(leaderOf([says(1, 2, 7), says(2, 0, 7)])).toEqual({ leaderId: 0, term: 7 });
  expect(leaderOf([])).toEqual({ leaderId: 0, term: 0 });
});
