import { spawn } from "node:child_process";

/** What a program left behind. */
export interface ProgramEnd {
  /** Null if it was ended because its time was over. */
  readonly status: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Enough of what a program says to judge it by; the beginning is dropped first. */
const maxTextLength = 4_000_000;

/** Runs a program of Node to its end, or until `timeoutMs` are over. Never rejects because of what the program does. */
export function runProgram(args: readonly string[], folder: string, timeoutMs: number): Promise<ProgramEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    let errors = "";
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, timeoutMs);
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-maxTextLength);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors = (errors + text).slice(-maxTextLength);
    });
    child.on("error", reject);
    child.on("close", (status) => {
      clearTimeout(timer);
      resolve({ status: late ? null : (status ?? 1), output, errors });
    });
  });
}
