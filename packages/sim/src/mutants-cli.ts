import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type JudgeOptions, judge, type Verdict, type Way, ways } from "./mutants/judge.ts";
import type { Mutant } from "./mutants/mutant.ts";
import { mutants } from "./mutants/registry.ts";
import { problemsOf } from "./mutants/sound.ts";
import { copyWorkspace } from "./mutants/workspace-copy.ts";
import { readFlags } from "./read-flags.ts";

/** `npm run mutants`: plants every bug of the registry, one at a time, and looks for it until it is found. */
const usage = `Plants known bugs into a copy of the sources, one at a time, and expects each to be found by a broken promise:
by the tests, the scripts of the Raft core or the simulator's seeds that the registry names for it, in this order.

  npm run mutants -- [--only NAME] [--by WAY] [--scripts FOLDER] [--seeds N] [--jobs N] [--json]

  --only NAME       the bugs whose name begins so (names: see below)
  --by WAY          look by this way alone: ${ways.join(", ")}
  --scripts FOLDER  scripts to run besides the core's own
  --seeds N         at most so many seeds for each bug (default 500)
  --jobs N          so many bugs at the same time (default: one for each processor, at most 4)
  --json            only the last line: a summary in JSON

Exit status 0 only if every bug was found, and the sources without any pass all of these tests and scripts.

${mutants.map((mutant) => `  ${mutant.name}`).join("\n")}`;

const values = readFlags(
  {
    only: { type: "string" },
    by: { type: "string" },
    scripts: { type: "string" },
    seeds: { type: "string", default: "500" },
    jobs: { type: "string", default: `${Math.min(4, availableParallelism())}` },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
  usage,
);

/** Each way of each mutant; the slowest takes a tenth of it on two processors. */
const timeoutMs = 180_000;
const repository = fileURLToPath(new URL("../../..", import.meta.url));

function describe(verdict: Verdict, { breaks }: Mutant): string {
  const { mutant, by, seconds } = verdict;
  if (by === null) return `${mutant}: SURVIVED after ${seconds} s: ${verdict.why} (${breaks})`;
  const where = verdict.test ?? verdict.script ?? `seed ${verdict.seed}`;
  return `${mutant}: found by ${by} in ${seconds} s, ${where}: ${verdict.violation}`;
}

/** Judges all, so many at a time; verdicts are in the order of the registry. */
async function judgeAll(chosen: readonly Mutant[], options: JudgeOptions, jobs: number): Promise<readonly Verdict[]> {
  const sound = copyWorkspace(repository);
  try {
    const problems = await problemsOf(sound, chosen, { ...options, workers: jobs });
    if (problems.length > 0) {
      throw new Error(`without any planted bug, this fails already:\n  ${problems.join("\n  ")}`);
    }
    const verdicts: Verdict[] = [];
    const queue = [...chosen.entries()];
    const work = async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const [place, mutant] = next;
        const verdict = await judge(mutant, sound, options);
        verdicts[place] = verdict;
        if (!values.json) console.log(describe(verdict, mutant));
      }
    };
    await Promise.all(Array.from({ length: jobs }, work));
    return verdicts;
  } finally {
    sound.remove();
  }
}

/** What was asked for; null if it cannot be. */
function readOptions(): { chosen: readonly Mutant[]; options: JudgeOptions; jobs: number } | null {
  const [maxSeeds, jobs] = [Number(values.seeds), Number(values.jobs)];
  const named = mutants.filter((mutant) => mutant.name.startsWith(values.only ?? ""));
  const only = values.by === undefined ? null : (ways.find((way) => way === values.by) ?? undefined);
  if (!Number.isSafeInteger(maxSeeds) || maxSeeds < 1 || !Number.isSafeInteger(jobs) || jobs < 1) return null;
  if (named.length === 0 || only === undefined) return null;
  // Scripts and seeds can be tried on any bug, but only the registry knows which tests to try.
  const chosen = named.filter(({ foundBy }) => only !== "tests" || foundBy.tests !== undefined);
  const scripts = values.scripts === undefined ? null : resolve(values.scripts);
  return { chosen, options: { maxSeeds, scripts, only: only satisfies Way | null, timeoutMs }, jobs };
}

async function main(): Promise<void> {
  const asked = readOptions();
  if (asked === null) {
    console.error(usage);
    process.exitCode = 2;
    return;
  }
  const verdicts = await judgeAll(asked.chosen, asked.options, asked.jobs);
  const survived = verdicts.filter((verdict) => verdict.by === null).length;
  console.log(JSON.stringify({ mutants: verdicts.length, killed: verdicts.length - survived, survived, verdicts }));
  process.exitCode = survived === 0 ? 0 : 1;
}

if (values.help) {
  console.log(usage);
} else {
  await main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  });
}
