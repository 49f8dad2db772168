import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** How a program ended, and all that it wrote. */
export interface ProgramEnd {
  /** Its exit status; null: a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Reads all that a program writes, to its end. Its output must be piped. */
export async function readToEnd(child: ChildProcess): Promise<ProgramEnd> {
  const text = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]!.on("data", (chunk) => {
      text[name] += chunk;
    });
  }
  const [code] = await once(child, "close");
  return { code, ...text };
}

/** Runs an example as `npm run example -- NAME FLAGS` does, to its end. */
export function runExample(name: string, ...flags: readonly string[]): Promise<ProgramEnd> {
  const script = fileURLToPath(new URL("../../../scripts/example.ts", import.meta.url));
  return readToEnd(spawn(process.execPath, ["--conditions=quorumguard-source", script, name, ...flags]));
}
