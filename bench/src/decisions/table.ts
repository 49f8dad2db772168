import { markdownTable } from "../markdown-table.ts";
import { median } from "../median.ts";
import type { Absence, Cell } from "./points.ts";
import type { Sample } from "./sample.ts";

interface Column {
  readonly title: string;
  readonly text: (cell: Cell) => string;
}

/** A number of every sample, as `median (least–most)`; where the systems do not tell it, a dash. */
function spreadOf(title: string, numberOf: (sample: Sample) => number | null, digits: number): Column {
  const text = ({ samples }: Cell) => {
    const values = samples.map(numberOf).filter((value) => value !== null);
    if (values.length === 0) return "–";
    const [middle, least, most] = [median(values), Math.min(...values), Math.max(...values)].map((value) =>
      value.toLocaleString("en", { maximumFractionDigits: digits }),
    );
    return least === most ? `${middle}` : `${middle} (${least}–${most})`;
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
  spreadOf("Decisions/s", (sample) => sample.decisionsPerSecond, 0),
  spreadOf("p50, ms", (sample) => sample.p50Ms, 2),
  spreadOf("p99, ms", (sample) => sample.p99Ms, 2),
  spreadOf("p99.9, ms", (sample) => sample.p999Ms, 2),
  spreadOf("Longest gap, ms", (sample) => sample.longestGapMs, 0),
  spreadOf("CPU, µs per decision", (sample) => sample.cpuUsPerDecision, 1),
  spreadOf("of it the clients'", (sample) => sample.clientCpuUsPerDecision, 1),
  spreadOf(
    "Server memory, MiB",
    ({ serverMemoryBytes }) => (serverMemoryBytes === null ? null : serverMemoryBytes / 2 ** 20),
    0,
  ),
  spreadOf("Bytes to disk per decision", (sample) => sample.writtenBytesPerDecision, 0),
  spreadOf("Flushes per decision", (sample) => sample.flushesPerDecision, 4),
  totalOf("Denied", (sample) => sample.denied),
  { title: "Over-admitted", text: ({ overAdmitted }) => overAdmitted?.toLocaleString("en") ?? "–" },
  totalOf("Degraded", (sample) => sample.degraded),
  totalOf("Failed", (sample) => sample.failed),
];

/** All cells as a table in Markdown, and who is absent, with the reason. */
export function cellsTable(cells: readonly Cell[], absent: readonly Absence[]): string {
  const table = markdownTable(
    columns.map(({ title }) => title),
    cells.map((cell) => columns.map(({ text }) => text(cell))),
  );
  const missing = absent.map(
    ({ contender, reason }) => `- Absent: ${contender}: ${reason.replace(/\s+/g, " ").trim().slice(0, 300)}`,
  );
  return [table, ...(missing.length === 0 ? [] : [missing.join("\n")])].join("\n\n");
}
