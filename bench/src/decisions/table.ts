import { markdownTable } from "../markdown-table.ts";
import { spreadOf } from "../median.ts";
import type { Absence, Cell } from "./points.ts";
import type { Sample } from "./sample.ts";

interface Column {
  readonly title: string;
  readonly text: (cell: Cell) => string;
}

/** A number of every sample, as `median (least–most)`; where the systems do not tell it, a dash. */
function mostlyOf(title: string, numberOf: (sample: Sample) => number | null, digits: number): Column {
  const text = ({ samples }: Cell) => {
    const values = samples.map(numberOf).filter((value) => value !== null);
    if (values.length === 0) return "–";
    return spreadOf(values, (value) => value.toLocaleString("en", { maximumFractionDigits: digits }));
  };
  return { title, text };
}

function totalOf(title: string, numberOf: (sample: Sample) => number): Column {
  return {
    title,
    text: ({ samples }) => samples.reduce((sum, sample) => sum + numberOf(sample), 0).toLocaleString("en"),
  };
}

const columns: readonly Column[] = [
  { title: "Load", text: (cell) => cell.point },
  { title: "System", text: (cell) => cell.contender },
  { title: "Calls in flight", text: (cell) => cell.inFlight.toLocaleString("en") },
  mostlyOf("Decisions/s", (sample) => sample.decisionsPerSecond, 0),
  mostlyOf("p50, ms", (sample) => sample.p50Ms, 2),
  mostlyOf("p99, ms", (sample) => sample.p99Ms, 2),
  mostlyOf("p99.9, ms", (sample) => sample.p999Ms, 2),
  mostlyOf("Longest gap, ms", (sample) => sample.longestGapMs, 0),
  mostlyOf("CPU, µs per decision", (sample) => sample.cpuUsPerDecision, 1),
  mostlyOf("of it the clients', µs", (sample) => sample.clientCpuUsPerDecision, 1),
  // A result that was kept before they were looked at does not have it.
  mostlyOf("Cores idle, %", (sample) => sample.idlePercent ?? null, 0),
  mostlyOf(
    "Server memory, MiB",
    ({ serverMemoryBytes }) => (serverMemoryBytes === null ? null : serverMemoryBytes / 2 ** 20),
    0,
  ),
  mostlyOf("Bytes to disk per decision", (sample) => sample.writtenBytesPerDecision, 0),
  mostlyOf("Flushes per decision", (sample) => sample.flushesPerDecision, 4),
  totalOf("Denied", (sample) => sample.denied),
  { title: "Over-admitted", text: ({ overAdmitted }) => overAdmitted?.toLocaleString("en") ?? "–" },
  totalOf("Degraded", (sample) => sample.degraded),
  totalOf("Failed", (sample) => sample.failed),
];

/** What a heading alone does not say. */
const notes = [
  "In the first columns: the median of all samples, with the least and the most in brackets. From Denied on: totals, Over-admitted with the warm-up, the others without.",
  "p50, p99, p99.9: how long a call took, of the calls of a sample. Longest gap: the longest time in which a client process had no answer at all.",
  "CPU is the processor time of all processes, servers and clients. Cores idle: of all cores, the time in which they ran nobody. Server memory is what all servers of the row had resident when a sample ended. Bytes to disk is at most what they had written, by the kernel's count.",
  "Flushes: – where servers do not count them, as Redis.",
  "Denied: the limit was reached. Over-admitted: what keys were admitted beyond their limit and what the time refills. There, – where no key is asked for as often as its limit lets it through, and for puts into a store, which decide nothing. Degraded: what a client decided without its servers. Failed: calls without any answer; they are no decisions.",
];

/** All cells as a table in Markdown, with what its columns mean; and who is absent, with the reason. */
export function cellsTable(cells: readonly Cell[], absent: readonly Absence[]): string {
  const table = markdownTable(
    columns.map(({ title }) => title),
    cells.map((cell) => columns.map(({ text }) => text(cell))),
  );
  const listed = [
    ...notes,
    ...absent.map(({ contender, reason }) => `Absent: ${contender}: ${reason.replace(/\s+/g, " ").trim()}`),
  ];
  return `${table}\n\n${listed.map((line) => `- ${line}`).join("\n")}`;
}
