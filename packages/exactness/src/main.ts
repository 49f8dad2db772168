/**
 * `npm run exactness`: how near to its limit the cluster comes under load, and that it never goes beyond. Every cell of the
 * grid is a cluster under an open loop of arrivals; the simulator runs all of them on virtual time, and real processes run
 * some. The exit status is 0 only if every cell kept the published bounds, and there are cells of every kind.
 */
import { readFile, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { RunPlan, RunResult } from "./cell.ts";
import { fullGrid, quickSample } from "./grid.ts";
import { resultTable } from "./result-table.ts";
import { rowsOf, savedResult } from "./saved-result.ts";
import { findMissing, findProblems, lastLine, nameCell, nameRun } from "./verdict.ts";
import { runPlans } from "./workers.ts";

const usage = `npm run exactness -- [--quick] [--json] [--only WORLD] [--seed N] [--workers N] [--save]

  --quick      a sample that ends within 45 seconds, every algorithm and killed leaders among it
  --json       standard output has nothing but the last line
  --only WORLD simulated (virtual time, network and disk) or real (node processes, the SDK over gRPC)
  --seed N     draws other arrivals and other moments for the kills (default 1)
  --workers N  simulations at the same time (default: one for each processor, at most 8)
  --save       keeps the result in bench/results/exactness.json, from which the page is made; with --only, of one world

The last line is {"cells":[{"nodes","clients","load","windowMs","algorithm","leaderKilled","admittedRatio","boundRatio"}]}.
On a machine that is too busy for the sample, "leftOut" beside the cells names the runs that were not made.
Exit status 0: no boundRatio is above 1, and from load 2 on no admittedRatio is below 0.99, or 0.95 where the leader is killed;
of every algorithm there is such a cell without a fault and one with a killed leader, and a run of each world.`;

/** No run of `--quick` begins after this; the longest takes a few seconds. */
const quickBudgetMs = 26_000;
const say = (line: string) => void process.stderr.write(`${line}\n`);
const fileAt = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

function readOptions() {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      only: { type: "string" },
      seed: { type: "string", default: "1" },
      workers: { type: "string", default: `${Math.min(8, availableParallelism())}` },
      save: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const whole = (name: "seed" | "workers", least: number, most: number) => {
    const value = Number(values[name]);
    if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
    throw new Error(`--${name} is ${values[name]}; it must be a whole number from ${least} to ${most}`);
  };
  if (values.only !== undefined && values.only !== "simulated" && values.only !== "real")
    throw new Error(`--only is ${values.only}; it must be simulated or real`);
  const only: { only?: RunPlan["world"] } = values.only === undefined ? {} : { only: values.only };
  return { ...values, ...only, seed: whole("seed", 0, 1_000_000), workers: whole("workers", 1, 64) };
}

function progress(total: number): (result: RunResult) => void {
  let done = 0;
  return ({ plan, cells, seconds }) => {
    done += 1;
    const [first] = cells;
    const name = first === undefined ? "" : nameCell(first).replace(`${first.algorithm}, `, "");
    const least = Math.min(...cells.map(({ admittedRatio }) => admittedRatio));
    const most = Math.max(...cells.map(({ boundRatio }) => boundRatio));
    say(
      `${done}/${total} ${plan.world}: ${name}: admitted at least ${least}, bound at most ${most}; ${seconds.toFixed(1)} s`,
    );
  };
}

async function save(results: readonly RunResult[], { quick, only }: { quick: boolean; only?: string }): Promise<void> {
  const file = fileAt("../bench/results/exactness.json");
  const before = only === undefined ? [] : rowsOf(await readFile(file, "utf8").catch(() => "{}"));
  await writeFile(file, savedResult(results, { quick, before: before.filter(([world]) => world !== only) }));
}

async function main(): Promise<number> {
  const options = readOptions();
  if (options.help) {
    process.stdout.write(`${usage}\n`);
    return 0;
  }
  const all: readonly RunPlan[] = options.quick ? quickSample(options.seed) : fullGrid(options.seed);
  const plans = all.filter(({ world }) => options.only === undefined || options.only === world);
  const { results, leftOut } = await runPlans(plans, {
    programs: {
      simulated: { path: fileAt("sim/src/exactness-cli.ts"), processes: options.workers },
      real: { path: fileAt("nemesis/src/exactness-main.ts"), processes: 1 },
    },
    budgetMs: options.quick ? quickBudgetMs : Number.POSITIVE_INFINITY,
    onResult: progress(plans.length),
  });
  const problems = [...findProblems(results), ...findMissing(plans, results)];
  (options.json ? process.stderr : process.stdout).write(`\n${resultTable(results)}\n`);
  if (leftOut.length > 0)
    say(`${leftOut.length} of ${plans.length} runs were left out: this machine was too busy for them`);
  for (const plan of leftOut) say(`left out: ${nameRun(plan)}`);
  for (const problem of problems) say(`exactness: ${problem}`);
  if (options.save) await save(results, options);
  process.stdout.write(`${lastLine(results, leftOut)}\n`);
  return problems.length === 0 && results.length > 0 ? 0 : 1;
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
try {
  process.exitCode = await main();
} catch (error) {
  say(`exactness: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
