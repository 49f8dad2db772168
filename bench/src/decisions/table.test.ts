import { expect, test } from "vitest";
import type { Cell } from "./points.ts";
import type { Sample } from "./sample.ts";
import { cellsTable } from "./table.ts";

const sample: Sample = {
  ...{ decisionsPerSecond: 1_000, p50Ms: 0.5, p99Ms: 2, p999Ms: 3.25, longestGapMs: 4 },
  ...{ decisions: 5_000, allowed: 4_000, denied: 1_000, degraded: 0, failed: 0 },
  ...{ clientCpuUsPerDecision: 3, cpuUsPerDecision: 8.25, idlePercent: 20.4, serverMemoryBytes: 3 * 2 ** 20 },
  ...{ writtenBytesPerDecision: 64, flushes: null, flushesPerDecision: null },
};
const cell: Cell = {
  ...{ point: "one hot key", contender: "redis", inFlight: 256, warmUpRates: [], overAdmitted: 7 },
  samples: [sample, { ...sample, decisionsPerSecond: 4_000, failed: 2 }, { ...sample, decisionsPerSecond: 1_500 }],
};
/** The cells of a row, by the title of their column. */
const rowOf = (table: string) => {
  const [titles, , texts] = table.split("\n").map((line) => line.slice(2, -2).split(" | "));
  return Object.fromEntries(titles!.map((title, at) => [title, texts![at]]));
};

test("medians with least and most, totals of what must not be hidden, and a dash for what is not known", () => {
  expect(rowOf(cellsTable([cell], []))).toMatchObject({
    ...{ Load: "one hot key", System: "redis", "Calls in flight": "256", "Decisions/s": "1,500 (1,000–4,000)" },
    ...{
      "p99.9, ms": "3.25",
      "CPU, µs per decision": "8.3",
      "Cores idle, %": "20",
      "Server memory, MiB": "3",
      "Flushes per decision": "–",
    },
    ...{ Denied: "3,000", "Over-admitted": "7", Degraded: "0", Failed: "2" },
  });
});

test("who is absent is told, on one line, to the reason's last word", () => {
  const table = cellsTable([cell], [{ contender: "etcd, puts", reason: `not\n${"installed ".repeat(50)}` }]);
  expect(table.split("\n").at(-1)).toBe(`- Absent: etcd, puts: not ${"installed ".repeat(50).trim()}`);
});
