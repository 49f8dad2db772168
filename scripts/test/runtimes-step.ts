import { inRepository } from "../repository.ts";
import { runCommand } from "../run-command.ts";
import { oneCheck, type StepResult } from "./step.ts";

/** The part of the matrix's closing line that is read here. */
interface MatrixReport {
  readonly passed: boolean;
  /** Why no cell ran, such as a cluster that did not form. */
  readonly problem?: string;
  readonly cells: readonly {
    readonly sdk: string;
    readonly runtime: string;
    readonly cases: number;
    readonly passed: number;
    readonly failed: number;
    readonly skipped: number;
    readonly skipReason?: string;
    readonly failures?: readonly { readonly name: string; readonly message: string }[];
  }[];
}

/** Counts the cases of every cell by the matrix's closing line, and believes a success only if it and the exit status agree. */
export function countCells(stdout: string, failure: string | null): StepResult {
  const report = parseReport(stdout.trimEnd().split("\n").at(-1) ?? "");
  if (report === null) return oneCheck(failure ?? "the matrix's last line is not its report in JSON");
  if (report.problem !== undefined) return oneCheck(`no cell ran: ${report.problem}`);
  const { cells } = report;
  const result: StepResult = {
    passed: cells.reduce((sum, cell) => sum + cell.passed, 0),
    failed: cells.reduce((sum, cell) => sum + cell.failed, 0),
    skipped: cells
      .filter((cell) => cell.skipped > 0)
      .map(({ sdk, runtime, skipped, skipReason }) => `${sdk} on ${runtime}: ${skipReason ?? `${skipped} cases`}`),
    notes: [],
    failures: cells.flatMap(({ sdk, runtime, failures = [] }) =>
      failures.map(({ name, message }) => `${sdk} on ${runtime}: ${name}: ${message}`),
    ),
  };
  if (result.failed > 0) return result;
  const lost = cells.find((cell) => cell.skipped === 0 && (cell.cases === 0 || cell.passed !== cell.cases));
  if (lost !== undefined) {
    const why = `${lost.sdk} on ${lost.runtime}: ${lost.passed} of ${lost.cases} cases passed, and none failed`;
    return { ...result, failed: 1, failures: [why] };
  }
  const clean = report.passed && failure === null;
  // A skip makes the matrix fail as a whole; here it is counted as the skip that it is.
  if (result.skipped.length > 0 ? !clean : clean && result.passed > 0) return result;
  const why =
    failure ?? (report.passed ? "it counts no cases, or says that it passed although it skipped" : "it says so");
  return { ...result, failed: 1, failures: [`the matrix failed although no case did: ${why}`] };
}

function parseReport(line: string): MatrixReport | null {
  try {
    const report = JSON.parse(line) as MatrixReport;
    const complete = report.cells.every((cell) => [cell.passed, cell.failed, cell.skipped].every(Number.isInteger));
    return complete ? report : null;
  } catch {
    return null;
  }
}

/** The SDKs' contract suites on every runtime, from the build, against one real cluster. */
export async function runMatrix(timeoutMs: number): Promise<StepResult> {
  const main = inRepository("packages", "runtimes", "src", "main.ts");
  const flags = ["--conditions=quorumguard-source", main, "--json"];
  const { failure, stdout } = await runCommand(process.execPath, flags, { timeoutMs, capture: true });
  return countCells(stdout, failure);
}
