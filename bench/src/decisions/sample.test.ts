import { expect, test } from "vitest";
import type { LoopReport } from "./closed-loop.ts";
import { sampleOf } from "./sample.ts";

const report = (more: Partial<LoopReport>): LoopReport => ({
  ...{ outcomes: { allowed: 10, denied: 5, degraded: 1, failed: 2 }, calls: 18, seconds: 2 },
  ...{ latenciesMs: Float64Array.of(3, 1), longestGapMs: 4, admitted: new Map(), cpuUs: 160, firstFailure: null },
  ...more,
});
const before = {
  cpuUs: 1_000,
  memoryBytes: 7,
  writtenBytes: 4_096,
  diskBytes: 1_024,
  flushes: [6, 4],
  cores: { idle: 10, all: 50 },
};
const after = {
  cpuUs: 1_640,
  memoryBytes: 9,
  writtenBytes: 12_288,
  diskBytes: 5_120,
  flushes: [10, 8],
  cores: { idle: 14, all: 82 },
};

test("processes are added up: failures are no decisions, the slowest process ends the sample, latencies are of all", () => {
  const reports = [report({}), report({ seconds: 4, latenciesMs: Float64Array.of(9, 2), longestGapMs: 30 })];
  expect(sampleOf(reports, 1, { before, after })).toEqual({
    ...{ decisionsPerSecond: 8, decisions: 32, allowed: 20, denied: 10, degraded: 2, failed: 4 },
    ...{ p50Ms: 2, p99Ms: 9, p999Ms: 9, longestGapMs: 30 },
    ...{ clientCpuUsPerDecision: 10, cpuUsPerDecision: 30, idlePercent: 12.5, serverMemoryBytes: 9 },
    ...{ writtenBytesPerDecision: 128, flushes: [4, 4], flushesPerDecision: 0.25 },
  });
});

test("where the disk does not tell, the processes do", () => {
  const servers = { before: { ...before, diskBytes: null }, after: { ...after, diskBytes: null } };
  expect(sampleOf([report({})], 1, servers)).toMatchObject({ writtenBytesPerDecision: 512 });
});

test("a call may stand for several decisions", () => {
  expect(sampleOf([report({})], 64, { before, after })).toMatchObject({ decisions: 1_024, decisionsPerSecond: 512 });
});

test("nothing is made up of servers that were killed, or that do not count their flushes", () => {
  const unknown = {
    idlePercent: null,
    serverMemoryBytes: null,
    writtenBytesPerDecision: null,
    flushesPerDecision: null,
  };
  expect(sampleOf([report({})], 1, null)).toMatchObject({ ...unknown, cpuUsPerDecision: null });
  const uncounted = { before: { ...before, flushes: null }, after: { ...after, flushes: null } };
  expect(sampleOf([report({})], 1, uncounted)).toMatchObject({ flushesPerDecision: null, cpuUsPerDecision: 50 });
});
