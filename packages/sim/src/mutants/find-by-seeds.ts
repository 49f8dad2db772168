import { join } from "node:path";
import { isCrash } from "./crash.ts";
import { type Attempt, nothing } from "./finding.ts";
import { runProgram } from "./run-program.ts";

/** The simulator's last line; of all that, what is needed here. */
interface Summary {
  readonly firstFailure: { readonly seed: number; readonly violation: string } | null;
}

/** Runs the simulator of a copy. Null: it gave no summary. */
async function simulate(folder: string, start: number, seeds: number, timeoutMs: number): Promise<Summary | null> {
  const flags = ["--conditions=quorumguard-source", "--disable-warning=ExperimentalWarning"];
  const cli = join(folder, "packages/sim/src/cli.ts");
  const args = [...flags, cli, "--seeds", `${seeds}`, "--start", `${start}`, "--json", "--until-failure"];
  const { output } = await runProgram(args, folder, timeoutMs);
  const last = output.trimEnd().split("\n").at(-1) ?? "";
  return last.startsWith("{") ? (JSON.parse(last) as Summary) : null;
}

/** Whether one seed passes: the sound sources must pass the seed that finds a mutant. */
export async function passesSeed(folder: string, seed: number, timeoutMs: number): Promise<boolean> {
  const summary = await simulate(folder, seed, 1, timeoutMs);
  return summary !== null && summary.firstFailure === null;
}

/** One of the seeds from `start` to `end`, both included, must fail on the mutated copy. */
export async function findBySeeds(folder: string, start: number, end: number, timeoutMs: number): Promise<Attempt> {
  const summary = await simulate(folder, start, end - start + 1, timeoutMs);
  if (summary === null) return nothing("the simulator gave no summary, or not in time");
  const { firstFailure } = summary;
  if (firstFailure === null) return nothing(`seeds ${start} to ${end} pass`);
  const violation = firstFailure.violation.split("\n")[0]!;
  if (isCrash(violation)) return nothing(`seed ${firstFailure.seed} only crashed: ${violation}`);
  return { finding: { by: "seeds", seed: firstFailure.seed, violation } };
}
