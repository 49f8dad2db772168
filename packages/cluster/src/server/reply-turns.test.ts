import { expect, it } from "vitest";
import { ReplyTurns } from "./reply-turns.ts";

/** Turns that begin when the test says so. */
function stepped(perTurn: number) {
  let next: (() => void)[] = [];
  const written: number[] = [];
  const replies = new ReplyTurns(perTurn, (turn) => void next.push(turn));
  const runAll = (from: number, to: number) => {
    for (let at = from; at < to; at++) replies.run(() => written.push(at));
  };
  const turn = () => {
    const due = next;
    next = [];
    for (const each of due) each();
    return due.length;
  };
  return { written, runAll, turn };
}

const upTo = (end: number) => Array.from({ length: end }, (_, at) => at);

it("writes so many in each turn, in the order in which they came", () => {
  const { written, runAll, turn } = stepped(3);
  runAll(0, 8);
  expect(written).toEqual(upTo(3));
  turn();
  expect(written).toEqual(upTo(6));
  // What comes meanwhile is behind what waits.
  runAll(8, 9);
  expect(written).toEqual(upTo(6));
  turn();
  expect(written).toEqual(upTo(9));
  turn();
  expect(turn()).toBe(0);
  runAll(9, 12);
  expect(written).toEqual(upTo(12));
});

it("takes turns of the event loop", async () => {
  const replies = new ReplyTurns(2);
  const written: number[] = [];
  const all = new Promise<void>((resolve) => {
    for (const at of upTo(5)) replies.run(() => void (written.push(at) === 5 && resolve()));
  });
  expect(written).toEqual(upTo(2));
  await all;
  expect(written).toEqual(upTo(5));
});
