import { existsSync } from "node:fs";
import { join } from "node:path";
import { isCrash } from "./crash.ts";
import { type Attempt, nothing } from "./finding.ts";
import { runProgram } from "./run-program.ts";

/** What became of the scripts. */
export interface ScriptRun {
  readonly passed: number;
  readonly failed: number;
  readonly output: string;
}

/** The Raft core's own scripts, within a copy. */
export const ownScripts = "packages/raft/scripts";

/** Runs all scripts below `scripts` against the copy in `folder`; null if there are none, or no verdict. */
export async function runScripts(folder: string, scripts: string, timeoutMs: number): Promise<ScriptRun | null> {
  if (!existsSync(join(folder, scripts)) && !existsSync(scripts)) return null;
  const flags = ["--conditions=quorumguard-source", "--disable-warning=ExperimentalWarning"];
  const { output, errors } = await runProgram(
    [...flags, join(folder, "packages/raft/test/conformance.ts"), scripts],
    folder,
    timeoutMs,
  );
  const counts = /(\d+) passed, (\d+) failed\s*$/.exec(output);
  if (counts === null) return null;
  return { passed: Number(counts[1]), failed: Number(counts[2]), output: `${output}\n${errors}` };
}

/** One of the scripts below these folders must come out differently in the mutated copy. */
export async function findByScripts(folder: string, roots: readonly string[], timeoutMs: number): Promise<Attempt> {
  for (const root of roots) {
    const run = await runScripts(folder, root, timeoutMs);
    if (run === null) return nothing(`the scripts below ${root} gave no verdict`);
    if (run.failed === 0) continue;
    const script = /([\w./-]+\.txt)(:\d+)?/.exec(run.output)?.[0] ?? root;
    const difference = run.output.split("\n").find((line) => line.includes(script)) ?? "";
    if (run.failed === 1 && isCrash(run.output)) return nothing(`a script crashed: ${script}`);
    return { finding: { by: "scripts", script, violation: difference.trim() } };
  }
  return nothing("no script differs");
}
