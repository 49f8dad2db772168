import { algorithmNames, type Cell, type RunPlan, type RunResult } from "./cell.ts";

/** From this load on, whatever the limit lets through must be used. */
export const saturated = 2;
/** Of what the naive model admits for the same arrivals: without a fault, and around a leader's death. */
const leastAdmitted = { calm: 0.99, killed: 0.95 } as const;

/** A cell in words. */
export function nameCell(cell: Omit<Cell, "admittedRatio" | "boundRatio">): string {
  const killed = cell.leaderKilled ? ", leader killed" : "";
  return `${cell.algorithm}, ${cell.nodes} nodes, ${cell.clients} clients, load ${cell.load}, window ${cell.windowMs} ms${killed}`;
}

/** A run in words. */
export function nameRun({ nodes, clients, load, windowMs, leaderKilled, world }: RunPlan): string {
  const killed = leaderKilled ? ", leader killed" : "";
  return `${nodes} nodes, ${clients} clients, load ${load}, window ${windowMs} ms${killed} (${world})`;
}

/**
 * What the plans promise to judge and no run was left to show: a world, or an algorithm at a judged load, without a fault or
 * with a killed leader. Empty: of every kind there is a cell, whatever else was left out.
 */
export function findMissing(plans: readonly RunPlan[], results: readonly RunResult[]): string[] {
  const missing: string[] = [];
  for (const world of ["simulated", "real"] as const) {
    const isOf = ({ plan }: { readonly plan: RunPlan }) => plan.world === world;
    if (plans.some((plan) => isOf({ plan })) && !results.some(isOf)) missing.push(`no ${world} run was made`);
  }
  const cells = results.flatMap((result) => result.cells);
  for (const leaderKilled of [false, true]) {
    const isOf = (run: Pick<RunPlan, "load" | "leaderKilled">) =>
      run.load >= saturated && run.leaderKilled === leaderKilled;
    if (!plans.some(isOf)) continue;
    const judged = new Set(cells.filter(isOf).map(({ algorithm }) => algorithm));
    const unjudged = algorithmNames.filter((name) => !judged.has(name));
    if (unjudged.length === 0) continue;
    const how = leaderKilled ? "with a killed leader" : "without a fault";
    missing.push(`no run ${how} from load ${saturated} on was made of ${unjudged.join(", ")}`);
  }
  return missing;
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
    const run = nameRun(plan);
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

/** The last line of the audit: `leftOut` is there only if runs were. */
export function lastLine(results: readonly RunResult[], leftOut: readonly RunPlan[]): string {
  const skipped = leftOut.map(({ world, nodes, clients, load, windowMs, leaderKilled }) => ({
    world,
    nodes,
    clients,
    load,
    windowMs,
    leaderKilled,
  }));
  return JSON.stringify({ cells: cellsOf(results), ...(skipped.length > 0 ? { leftOut: skipped } : {}) });
}
