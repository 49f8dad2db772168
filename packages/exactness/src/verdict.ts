import type { Cell, RunResult } from "./cell.ts";

/** From this load on, whatever the limit lets through must be used. */
const saturated = 2;
/** Of what the naive model admits for the same arrivals: without a fault, and around a leader's death. */
const leastAdmitted = { calm: 0.99, killed: 0.95 } as const;

/** A cell in words. */
export function nameCell(cell: Omit<Cell, "admittedRatio" | "boundRatio">): string {
  const killed = cell.leaderKilled ? ", leader killed" : "";
  return `${cell.algorithm}, ${cell.nodes} nodes, ${cell.clients} clients, load ${cell.load}, window ${cell.windowMs} ms${killed}`;
}

/** Why the audit has failed; empty: it has not. */
export function findProblems(results: readonly RunResult[]): string[] {
  const problems: string[] = [];
  for (const { cells, degraded, violations, plan } of results) {
    for (const cell of cells) {
      const name = `${nameCell(cell)} (${plan.world})`;
      // Written so that a number that is none fails as well.
      if (!(cell.boundRatio <= 1)) problems.push(`${name}: boundRatio ${cell.boundRatio}, at most 1 is allowed`);
      const least = cell.leaderKilled ? leastAdmitted.killed : leastAdmitted.calm;
      if (cell.load >= saturated && !(cell.admittedRatio >= least))
        problems.push(`${name}: admittedRatio ${cell.admittedRatio}, at least ${least} is required`);
    }
    const run = `${plan.nodes} nodes, ${plan.clients} clients, load ${plan.load}, window ${plan.windowMs} ms (${plan.world})`;
    if (degraded > 0) problems.push(`${run}: ${degraded} decisions were degraded although every client asks to throw`);
    for (const violation of violations) problems.push(`${run}: ${violation}`);
  }
  return problems;
}

/** The cells of all runs, with the fields that the last line has, and in their order. */
export function cellsOf(results: readonly RunResult[]): Cell[] {
  return results.flatMap(({ cells }) =>
    cells.map(
      ({ nodes, clients, load, windowMs, algorithm, leaderKilled, admittedRatio, boundRatio }): Cell => ({
        nodes,
        clients,
        load,
        windowMs,
        algorithm,
        leaderKilled,
        admittedRatio,
        boundRatio,
      }),
    ),
  );
}
