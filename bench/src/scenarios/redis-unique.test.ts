import { expect, it } from "vitest";
import { quorumGuard, redisNone, redisNonePipelined } from "../decisions/contenders.ts";
import type { Cell } from "../decisions/points.ts";
import type { Sample } from "../decisions/sample.ts";
import { summarize } from "./redis-unique.ts";

const sample = (decisionsPerSecond: number, flushes: readonly number[] | null = null) =>
  ({ decisionsPerSecond, flushes }) as Sample;
const cell = (contender: { readonly name: string }, ...samples: readonly Sample[]): Cell => ({
  ...{ point: "256 in flight", contender: contender.name, inFlight: 256, warmUpRates: [], overAdmitted: null, samples },
});
const cells = [
  cell(quorumGuard, sample(120_000, [5, 6, 7]), sample(100_000, [1, 2, 3])),
  cell(redisNone, sample(90_000)),
  cell(redisNonePipelined, sample(100_000)),
];

it("compares with the faster Redis, and adds up what each node flushed", () => {
  const { summary } = summarize({ cells, absent: [], configurations: {} });
  expect(summary).toEqual({ ours: 110_000, redis: 100_000, ratio: 1.1, flushesPerNode: [6, 8, 10] });
});

it("is nothing without a Redis", () => {
  const absent = [{ contender: redisNone.name, reason: "redis-server is not installed" }];
  expect(() => summarize({ cells: cells.slice(0, 1), absent, configurations: {} })).toThrow("is not installed");
});
