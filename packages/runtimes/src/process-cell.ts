import { spawn } from "node:child_process";
import { readToEnd } from "@quorumguard/testbed";
import { type Cell, type CellReport, parseReport } from "./cell.ts";

/** The suite takes seconds; a runtime that hangs must not hang the matrix, and one on a busy machine does not hang. */
const timeoutMs = 300_000;

/** Runs a command line of one runtime to its end: that it ends by itself is part of the contract. */
export function processCell(sdk: Cell["sdk"], runtime: string, command: string, flags: readonly string[]): Cell {
  return { sdk, runtime, run: () => runToEnd(command, flags, timeoutMs) };
}

/** Rejects with what the command wrote unless it ended by itself, with the exit status that its report calls for. */
export async function runToEnd(command: string, flags: readonly string[], patienceMs: number): Promise<CellReport> {
  const child = spawn(command, flags, { stdio: ["ignore", "pipe", "pipe"] });
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill("SIGKILL");
  }, patienceMs);
  try {
    const { code, stdout, stderr } = await readToEnd(child);
    const report = parseReport(stdout);
    const end = timedOut
      ? `it did not end by itself within ${patienceMs} ms`
      : code === null
        ? `${child.signalCode} ended it`
        : `exit status ${code}`;
    if (report !== null && code === (report.failed === 0 ? 0 : 1)) return report;
    const said = report === null ? "without a report" : "though its report says otherwise";
    throw new Error(`${end}, ${said}; it wrote:\n${stdout.slice(-2_000)}${stderr.slice(-2_000)}`);
  } finally {
    clearTimeout(timer);
  }
}
