import { cpus, release, totalmem } from "node:os";
import type { RunResult } from "./cell.ts";

/** The file that the page is made from: one short row per cell, in the columns named beside them. */
export function savedResult(results: readonly RunResult[], { quick }: { readonly quick: boolean }): string {
  const columns = [
    ...["world", "nodes", "clients", "load", "windowMs", "algorithm", "kill", "gapMs"],
    ...["limit", "arrivals", "admitted", "naive", "unanswered", "promptRatio", "admittedRatio", "boundRatio"],
  ];
  const rows = results.flatMap(({ plan, cells, kill }) =>
    cells.map((cell) => [
      ...[plan.world, cell.nodes, cell.clients, cell.load, cell.windowMs, cell.algorithm, kill?.how, kill?.gapMs],
      ...[cell.limit, cell.arrivals, cell.admitted, cell.naive, cell.unanswered],
      ...[cell.promptRatio, cell.admittedRatio, cell.boundRatio],
    ]),
  );
  const facts = { scenario: "exactness", quick, machine: machine(), columns };
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
