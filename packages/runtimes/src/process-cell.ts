import { spawn } from "node:child_process";
import { once } from "node:events";
import { type Cell, type CellReport, parseReport } from "./cell.ts";

/** The suite takes seconds; a runtime that hangs must not hang the matrix. */
const timeoutMs = 120_000;

/** Runs a command line of one runtime to its end: that it ends by itself is part of the contract. */
export function processCell(sdk: Cell["sdk"], runtime: string, command: string, flags: readonly string[]): Cell {
  return { sdk, runtime, run: () => runToEnd(command, flags) };
}

async function runToEnd(command: string, flags: readonly string[]): Promise<CellReport> {
  const child = spawn(command, flags, { stdio: ["ignore", "pipe", "pipe"], timeout: timeoutMs, killSignal: "SIGKILL" });
  let output = "";
  let problems = "";
  child.stdout.on("data", (text) => {
    output += text;
  });
  child.stderr.on("data", (text) => {
    problems += text;
  });
  const [code, signal] = await once(child, "close");
  if (signal !== null) throw new Error(`it did not end by itself within ${timeoutMs} ms\n${output}${problems}`);
  if (code !== 0 && !output.includes('"cases"')) throw new Error(`exit status ${code}\n${output}${problems}`);
  return parseReport(output);
}
