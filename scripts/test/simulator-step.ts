import fs from "node:fs";
import os from "node:os";
import { inRepository } from "../repository.ts";
import { runCommand } from "../run-command.ts";
import { oneCheck, type StepResult } from "./step.ts";

/** The part of the simulator's closing line that is read here. */
interface SimulatorSummary {
  readonly seeds: number;
  readonly passed: number;
  readonly failed: number;
  readonly firstFailure?: { readonly seed: number; readonly violation: string } | null;
}

/** Counts seeds by the simulator's closing line, and believes it only if it accounts for every seed and fits how the command ended. */
export function countSeeds(stdout: string, failure: string | null, seeds: number): StepResult {
  const summary = parseSummary(stdout.trimEnd().split("\n").at(-1) ?? "");
  if (summary === null) return oneCheck(failure ?? "the simulator's last line is not its summary in JSON");
  const { passed, failed, firstFailure } = summary;
  if (summary.seeds !== seeds || passed + failed !== seeds) {
    return oneCheck(`the simulator ran ${passed} + ${failed} of ${seeds} seeds`);
  }
  if ((failure === null) !== (failed === 0))
    return oneCheck(`${failed} seeds failed, and yet: ${failure ?? "exit status 0"}`);
  const first = firstFailure
    ? [
        `seed ${firstFailure.seed}: ${firstFailure.violation}; again: npm run sim -- --seeds 1 --start ${firstFailure.seed}`,
      ]
    : [];
  return { passed, failed, skipped: [], notes: [], failures: first };
}

function parseSummary(line: string): SimulatorSummary | null {
  try {
    const value = JSON.parse(line) as SimulatorSummary;
    return [value.seeds, value.passed, value.failed].every(Number.isInteger) ? value : null;
  } catch {
    return null;
  }
}

/** Whole clusters on virtual time, network and disk, one for each seed. */
export async function simulate(seeds: number, timeoutMs: number): Promise<StepResult> {
  const cli = "packages/sim/src/cli.ts";
  if (!fs.existsSync(inRepository(cli))) return oneCheck(`${cli} does not exist`);
  const workers = Math.min(4, os.availableParallelism());
  const own = ["--seeds", `${seeds}`, "--start", "1", "--workers", `${workers}`, "--json"];
  const flags = ["--conditions=quorumguard-source", inRepository(cli), ...own];
  const { failure, stdout } = await runCommand(process.execPath, flags, { timeoutMs, capture: true });
  process.stdout.write(stdout);
  return countSeeds(stdout, failure, seeds);
}
