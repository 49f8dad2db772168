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
  /** Runs the suite there. Rejects if the runtime could not be started. */
  run(): Promise<CellReport>;
}

/** The last line of an output that is a report; a runtime may print warnings before it. */
export function parseReport(output: string): CellReport {
  for (const line of output.trimEnd().split("\n").reverse()) {
    if (!line.startsWith("{")) continue;
    const report = JSON.parse(line);
    if (typeof report.cases === "number") return report;
  }
  throw new Error(`the run ended without a report; it printed:\n${output.slice(-2_000)}`);
}
