import { expect, it } from "vitest";
import { LeaderChanges } from "./leader-changes.ts";

it("a leader that is forgotten and heard of again in its term is no change; one that is elected again is", () => {
  const changes = new LeaderChanges();
  const heard = [
    [0, 1],
    [1, 2],
    [0, 2],
    [1, 2],
    [0, 3],
    [1, 4],
    [2, 5],
  ].map(([leader, term]) => changes.heard(leader!, term!));
  expect(heard).toEqual([false, true, false, false, false, true, true]);
  expect(changes.count).toBe(3);
});
