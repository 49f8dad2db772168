import { expect, test } from "vitest";
import type { Client, Outcome } from "../client.ts";
import { runClosedLoop } from "./closed-loop.ts";
import { keySequence } from "./keys.ts";

const one = keySequence({ kind: "one" }, "k", "k/0", 1);
const clientOf = (call: (n: number) => Promise<Outcome>): Client<Outcome> => {
  let n = 0;
  return { decisionsPerCall: 1, call: () => call(n++), outcomeOf: (outcome) => outcome, close: async () => {} };
};
/** A clock that goes on by a millisecond whenever it is read. */
const steppingClock = () => {
  let ms = 0;
  return () => ms++;
};

test("every call is counted by how it came out, and admissions of a shared key are added up", async () => {
  const script: readonly Outcome[] = ["allowed", "denied", "degraded", "allowed"];
  const client = clientOf(async (n) => {
    if (n % 5 === 4) throw new Error(`call ${n} is lost`);
    return script[n % 5]!;
  });
  const { outcomes, calls, admitted, firstFailure } = await runClosedLoop(client, one, 1, 1_000, steppingClock());
  const share = (remainder: number) => Math.floor((calls + 4 - remainder) / 5);
  expect(calls).toBeGreaterThan(5);
  expect(outcomes).toEqual({ allowed: share(0) + share(3), denied: share(1), degraded: share(2), failed: share(4) });
  expect(admitted).toEqual(new Map([["k", outcomes.allowed]]));
  expect(firstFailure).toBe("Error: call 4 is lost");
});

test("who denies by rejection is heard, and what else it rejects with is a failure", async () => {
  const client = clientOf(async (n) => {
    if (n % 2 === 0) throw new Error(n % 4 === 0 ? "denied" : "lost");
    return "allowed";
  });
  const outcomeOfRejection = (error: unknown) => ((error as Error).message === "denied" ? "denied" : null);
  const loop = runClosedLoop({ ...client, outcomeOfRejection }, one, 1, 1_000, steppingClock());
  const { outcomes, calls, firstFailure } = await loop;
  const share = (remainder: number, of: number) => Math.floor((calls + of - 1 - remainder) / of);
  expect(outcomes).toEqual({ allowed: share(1, 2), denied: share(0, 4), degraded: 0, failed: share(2, 4) });
  expect([outcomes.failed > 0, firstFailure]).toEqual([true, "Error: lost"]);
});

test("no more calls are open than there are callers, and as many are", async () => {
  let open = 0;
  let most = 0;
  const client = clientOf(async () => {
    open += 1;
    most = Math.max(most, open);
    await new Promise((resolve) => setImmediate(resolve));
    open -= 1;
    return "allowed";
  });
  await runClosedLoop(client, one, 7, 100, steppingClock());
  expect([most, open]).toEqual([7, 0]);
});

test("the longest time without an answer is told, and the latency of every call, while they are few", async () => {
  let ms = 0;
  const client = clientOf(async (n) => {
    ms += n === 1 ? 50 : 1;
    return "allowed";
  });
  const { latenciesMs, longestGapMs, seconds } = await runClosedLoop(client, one, 1, 100, () => ms);
  expect([...latenciesMs].slice(0, 3)).toEqual([1, 50, 1]);
  expect([longestGapMs, seconds]).toEqual([50, 0.1]);
});

test("answers that never wait let the event loop turn all the same", async () => {
  let turns = 0;
  const count = () => {
    turns += 1;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  const client = clientOf(async () => "allowed");
  const { calls } = await runClosedLoop(client, one, 16, 10_000, steppingClock());
  clearImmediate(next);
  expect(calls).toBeGreaterThan(5_000);
  expect(turns).toBeGreaterThanOrEqual(5);
});
