/** What a contract run reports, as the last line of its standard output. */
export interface CellReport {
  readonly runtime: string;
  readonly cases: number;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures?: readonly { readonly name: string; readonly message: string }[];
}

/** One SDK on one runtime. */
export interface Cell {
  readonly sdk: "sdk-node" | "sdk-web";
  readonly runtime: string;
  /** Why this cell cannot run on this machine, with the remedy; null or left out if it can. */
  readonly skipReason?: string | null;
  /** Runs the suite there. Rejects if the runtime could not be started. */
  run(): Promise<CellReport>;
}

/** What became of one cell. */
export interface CellResult extends CellReport {
  readonly sdk: Cell["sdk"];
  /** Set if the cell was skipped: it then has no cases, and `skipped` is 1. */
  readonly skipReason?: string;
}

/** The last line of an output that is a report, or null; a runtime may print warnings before and after it. */
export function parseReport(output: string): CellReport | null {
  for (const line of output.trimEnd().split("\n").reverse()) {
    try {
      const report = JSON.parse(line);
      if (typeof report?.cases === "number") return report;
    } catch {
      // Not a report.
    }
  }
  return null;
}

/** What an error says, and what its causes say: `fetch failed` alone tells nobody why. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${explain(error.cause)}`;
}

/** Runs one cell. Never rejects: a runtime that does not start is a failure of the cell, one that is missing a skip. */
export async function runCell(cell: Cell): Promise<CellResult> {
  const { sdk, runtime, skipReason } = cell;
  if (skipReason != null) return { sdk, runtime, cases: 0, passed: 0, failed: 0, skipped: 1, skipReason };
  try {
    return { ...(await cell.run()), runtime, sdk };
  } catch (error) {
    const failures = [{ name: "the runtime itself", message: explain(error) }];
    return { sdk, runtime, cases: 0, passed: 0, failed: 1, skipped: 0, failures };
  }
}

/** True if all cases passed, none was skipped, and every cell of an SDK had the same number of them. */
export function allHold(results: readonly CellResult[]): boolean {
  const counts = new Map<string, number>();
  for (const { sdk, cases, passed, failed, skipped } of results) {
    if (failed > 0 || skipped > 0 || passed !== cases || cases === 0) return false;
    if ((counts.get(sdk) ?? cases) !== cases) return false;
    counts.set(sdk, cases);
  }
  return results.length > 0;
}
