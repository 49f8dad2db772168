import type { RunResult } from "./cell.ts";

const columns = [
  ...["world", "nodes", "clients", "load", "window", "algorithm", "leader", "limit"],
  ...["arrivals", "admitted", "naive", "unanswered", "gap", "prompt", "admittedRatio", "boundRatio"],
] as const;

const inSeconds = (ms: number) => `${ms / 1_000} s`;

/** One line per cell, with what its ratios were made of; the two numbers on which it is judged stand last. */
export function resultTable(results: readonly RunResult[]): string {
  const rows = results.flatMap(({ plan, cells, kill }) =>
    cells.map((cell) => [
      plan.world,
      ...[cell.nodes, cell.clients, cell.load, inSeconds(cell.windowMs), cell.algorithm, kill?.how ?? "lives"],
      ...[cell.limit, cell.arrivals, cell.admitted, cell.naive, cell.unanswered],
      ...[
        kill === null ? "" : `${kill.gapMs} ms`,
        cell.promptRatio.toFixed(4),
        cell.admittedRatio.toFixed(4),
        cell.boundRatio.toFixed(4),
      ],
    ]),
  );
  const lines = [columns, ...rows].map((row) => row.map(String));
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => line[at]!.length)));
  const text = lines.map((line) => line.map((value, at) => value.padStart(widths[at]!)).join("  "));
  return `${text.join("\n")}\n`;
}
