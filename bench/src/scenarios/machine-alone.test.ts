import { expect, it } from "vitest";
import { type Insertion, type MachineResult, summarize } from "./machine-alone.ts";

const sample = (perSecond: number) => ({ decisions: perSecond, allowed: 1, seconds: 1, cpuSeconds: 0.5 });
const machine = (perSecond: number, bytesPerKey = 120, residentBytesPerKey = 130): MachineResult => ({
  algorithm: "token-bucket",
  decisions: [sample(perSecond), sample(perSecond), sample(10)],
  mapDecisions: [sample(500_000), sample(500_000), sample(5)],
  memory: { bytesPerKey, bytesPerKeyLater: bytesPerKey, residentBytesPerKey },
  redis: {
    usedBytesPerKey: 150,
    bytesPerKey: 140,
    residentBytesPerKey: 160,
    configuration: { version: "7.0.15", flags: "--appendonly no" },
  },
});
const delay = { p50Ms: 0, p99Ms: 0, p999Ms: 0, maxMs: 0 };
const insertion = (addedP999Ms: number, algorithm: Insertion["algorithm"] = "token-bucket"): Insertion => ({
  algorithm,
  memory: machine(1).memory,
  growth: {
    ...{ algorithm: "token-bucket", phase: "growth", seconds: 1, entries: 1, decisions: 1, keys: 1, own: delay, delay },
    ...{ monitorP999Ms: 0, controlP999Ms: 1, controlMaxMs: 2, addedP999Ms },
  },
});
const amounts = { keys: 1_000, insertedKeys: 5_000 };

it("a million a second, less than 10 ms more, and Redis's memory are enough", () => {
  const { summary, line } = summarize(amounts, [machine(1_000_000, 150, 160)], [insertion(9.9)]);
  expect(summary.within).toEqual({ rate: true, delay: true, memory: true });
  expect(line).not.toContain("NOT");
});

it("what is not reached is said: the slowest algorithm, the longest delay, the worse reading of memory", () => {
  const verdicts = (machines: readonly MachineResult[], insertions: readonly Insertion[]) =>
    summarize(amounts, machines, insertions).summary.within;
  expect(verdicts([machine(2_000_000), machine(999_999)], [insertion(1)])).toMatchObject({ rate: false });
  expect(verdicts([machine(2_000_000)], [insertion(1), insertion(10, "sliding-window-log")])).toMatchObject({
    delay: false,
  });
  expect(verdicts([machine(2_000_000, 151)], [insertion(1)])).toMatchObject({ memory: false });
  expect(verdicts([machine(2_000_000, 120, 161)], [insertion(1)])).toMatchObject({ memory: false });
  expect(summarize(amounts, [machine(2_000_000, 151)], [insertion(1)]).line).toContain(
    "1.007 of Redis's, NOT within 1",
  );
});

it("beside the rate stands its ratio to a map of objects, window by window, whatever the machine was busy with", () => {
  const slowed = { ...machine(900_000), mapDecisions: [sample(450_000), sample(90_000), sample(5)] };
  expect(summarize(amounts, [machine(1_500_000), slowed], [insertion(1)]).summary.ratioToMap).toEqual({
    "token-bucket": 2,
  });
  expect(summarize(amounts, [machine(1_500_000)], [insertion(1)]).summary.ratioToMap).toEqual({ "token-bucket": 3 });
});

it("without Redis its memory is absent, with the reason, and all else is told", () => {
  const absent = [{ contender: "redis", reason: "redis-server is not installed" }];
  const alone = { ...machine(1_000_000), redis: null };
  const { summary, line, table, picture } = summarize(amounts, [alone], [insertion(1)], absent);
  expect(summary).toMatchObject({
    ...{ decisionsPerSecond: { "token-bucket": 1_000_000 }, memoryRatio: { "token-bucket": null }, absent },
    within: { rate: true, delay: true, memory: null },
  });
  expect(line).toContain("there is no Redis to compare it with");
  expect(table).toContain("| `token-bucket` | 1,000,000 | 500,000 | 2,000,000 | 1,000,000 | 120 | – | 130 | – |");
  expect(table).toContain("- Absent: redis: redis-server is not installed");
  expect(picture).toContain("Redis: absent");
});

it("the table and the picture have what is compared with what", () => {
  const { table, picture } = summarize(amounts, [machine(1_000_000)], [insertion(1)]);
  expect(table).toContain("| 120 | 150 | 130 | 160 |");
  expect(table).toContain("- Redis 7.0.15, with --appendonly no.");
  expect(table).toContain("| `token-bucket` | 1 | 0.00 | 1.00 | 1.00 | 1 |");
  expect(table).toContain("`concurrency` counts one open slot per key, which is 112 bytes of it");
  for (const words of ["token-bucket 1,000,000 | 500,000", "token-bucket 120 | 150", "token-bucket 0 | 1"]) {
    expect(picture).toContain(words);
  }
});

it("of several insertions of an algorithm the median counts, with their range; of algorithms the worse one, and both are named", () => {
  const log = (addedP999Ms: number) => insertion(addedP999Ms, "sliding-window-log");
  const insertions = [insertion(30), log(9), insertion(1), log(-2), insertion(2), log(9.5)];
  const { summary, line, table } = summarize(amounts, [machine(2_000_000)], insertions);
  expect(summary).toMatchObject({ addedP999Ms: 9, within: { delay: true } });
  expect(line).toContain("inserting 5,000 (token-bucket and sliding-window-log, 3 times each)");
  expect(table).toContain("| `token-bucket` | 1 | 0.00 | 1.00 | 2.00 (1.00 to 30.00) | 3 |");
  expect(table).toContain("| `sliding-window-log` | 1 | 0.00 | 1.00 | 9.00 (-2.00 to 9.50) | 3 |");
  expect(summarize(amounts, [machine(2_000_000)], [...insertions, log(30), log(30)]).summary).toMatchObject({
    within: { delay: true },
  });
  expect(summarize(amounts, [machine(2_000_000)], [...insertions, log(30), log(30), log(30)]).summary).toMatchObject({
    within: { delay: false },
  });
});

it("decisions that allow nothing are no measurement", () => {
  const denied = { ...machine(2_000_000), decisions: [{ ...sample(2_000_000), allowed: 0 }] };
  expect(() => summarize(amounts, [denied], [insertion(1)])).toThrow("token-bucket");
  expect(() => summarize(amounts, [], [])).toThrow();
});
