import { cpus, release, totalmem } from "node:os";
import type { RunResult } from "./cell.ts";

/** A cell in the file: its world, then what the other columns say. */
export type SavedRow = readonly (string | number | null | undefined)[];

/** The rows of a file that was saved before; none if it holds no such thing. */
export function rowsOf(text: string): readonly SavedRow[] {
  return (JSON.parse(text) as { readonly rows?: readonly SavedRow[] }).rows ?? [];
}

/**
 * The file that the page is made from: one short row per cell, in the columns named beside them.
 *
 * @param kept.before Rows of an earlier run that this one has nothing to say about.
 */
export function savedResult(
  results: readonly RunResult[],
  kept: { readonly quick: boolean; readonly before: readonly SavedRow[] },
): string {
  const columns = [
    ...["world", "nodes", "clients", "load", "windowMs", "algorithm", "kill", "gapMs"],
    ...["limit", "arrivals", "admitted", "naive", "unanswered", "promptRatio", "admittedRatio", "boundRatio"],
  ];
  const now = results.flatMap(({ plan, cells, kill }) =>
    cells.map(
      (cell): SavedRow => [
        ...[plan.world, cell.nodes, cell.clients, cell.load, cell.windowMs, cell.algorithm],
        ...[kill?.how ?? null, kill?.gapMs ?? null],
        ...[cell.limit, cell.arrivals, cell.admitted, cell.naive, cell.unanswered],
        ...[cell.promptRatio, cell.admittedRatio, cell.boundRatio],
      ],
    ),
  );
  const rows = [...kept.before, ...now];
  const facts = { scenario: "exactness", quick: kept.quick, machine: machine(), columns };
  const head = JSON.stringify(facts, null, 2).slice(0, -2);
  return `${head},\n  "rows": [\n${rows.map((row) => `    ${JSON.stringify(row)}`).join(",\n")}\n  ]\n}\n`;
}

function machine() {
  return {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    linux: release(),
    node: process.version,
  };
}
