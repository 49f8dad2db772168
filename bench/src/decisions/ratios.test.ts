import { expect, test } from "vitest";
import { etcdPuts, quorumGuard, redisNone, redisNonePipelined } from "./contenders.ts";
import type { Cell } from "./points.ts";
import { ratioOf, ratioWords } from "./ratios.ts";
import type { Sample } from "./sample.ts";

const cell = (contender: { readonly name: string }, ...samples: readonly Partial<Sample>[]): Cell => ({
  ...{ point: "p", contender: contender.name, inFlight: 1, warmUpRates: [], overAdmitted: null },
  samples: samples as readonly Sample[],
});
const side = (contender: typeof quorumGuard, point = "p") => ({ contender, point });
const cells = [
  cell(quorumGuard, ...[90, 100, 300].map((rate) => ({ decisionsPerSecond: rate, p50Ms: rate / 100 }))),
  cell(redisNone, { decisionsPerSecond: 40, p50Ms: 2 }),
  cell(redisNonePipelined, { decisionsPerSecond: 50, p50Ms: 4 }),
];
const redis = [side(redisNone), side(redisNonePipelined)];

test("medians are compared, with the better of the peers: more decisions, shorter latencies", () => {
  const rates = { name: "rates", ours: side(quorumGuard), peers: redis, goal: 2 };
  expect(ratioOf(cells, rates)).toEqual({
    ...{ name: "rates", ours: 100, peer: 50, peerName: redisNonePipelined.name, ratio: 2, goal: 2, met: true },
    range: [1.8, 6],
  });
  expect(ratioOf(cells, { ...rates, goal: 2.001 }).met).toBe(false);
  const latencies = { ...rates, of: "p50Ms", goal: 0.5 } as const;
  expect(ratioOf(cells, latencies)).toMatchObject({ peer: 2, peerName: redisNone.name, ratio: 0.5, met: true });
  expect(ratioOf(cells, { ...latencies, goal: 0.499 }).met).toBe(false);
});

test("a goal is held against the ratio as it is, not as it is told", () => {
  const close = [cell(quorumGuard, { decisionsPerSecond: 99_996 }), cell(redisNone, { decisionsPerSecond: 100_000 })];
  const { ratio, met } = ratioOf(close, { name: "close", ours: side(quorumGuard), peers: [side(redisNone)], goal: 1 });
  expect([ratio, met]).toEqual([1, false]);
});

test("a peer that is absent leaves no ratio, and is not met; ours may not be absent", () => {
  const absent = { name: "puts", ours: side(quorumGuard), peers: [side(etcdPuts)], goal: 15 };
  expect(ratioOf(cells, absent)).toMatchObject({ peer: null, peerName: null, ratio: null, range: null, met: null });
  expect(() => ratioOf(cells, { ...absent, ours: side(quorumGuard, "q") })).toThrow("quorumguard, q was not measured");
});

test("words have the verdict of the medians, and say where single repeats would have another", () => {
  const rates = { name: "rates", ours: side(quorumGuard), peers: redis };
  const wordsFor = (goal: number) => ratioWords(ratioOf(cells, { ...rates, goal }));
  expect(wordsFor(1.7)).toBe(
    "rates: 100 against 50 of redis, no persistence, auto-pipelined, ratio 2 (1.8 to 6 by repeat), within the goal of 1.7",
  );
  expect(wordsFor(1.9)).toMatch(/, within the goal of 1.9, with repeats on both sides of it$/);
  expect(wordsFor(2.1)).toMatch(/, NOT within the goal of 2.1, with repeats on both sides of it$/);
  expect(wordsFor(6)).toMatch(/, NOT within the goal of 6$/);
  expect(ratioWords(ratioOf(cells, rates))).toMatch(/\(1.8 to 6 by repeat\)$/);
});
