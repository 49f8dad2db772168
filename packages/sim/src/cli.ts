import { parseArgs } from "node:util";
import { runSeed, type SeedResult } from "./run-seed.ts";

/** `npm run sim`: runs seeds one after the other; the last line is a summary, and the exit status 0 only if none failed. */
const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "20" },
    start: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
    "until-failure": { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const usage = `Runs the whole of QuorumGuard on virtual time, network and disk, with faults drawn from a seed.

  npm run sim -- [--seeds N] [--start S] [--json] [--verbose] [--until-failure]

  --seeds N    how many seeds to run, 1 or more (default 20)
  --start S    the first seed (default 1)
  --json       only the last line: a summary in JSON
  --verbose    every event of every seed
  --until-failure   stop at the first seed that fails

A seed replays exactly: run a failing one again with --seeds 1 --start SEED --verbose.`;

function whole(name: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  console.error(`--${name} is ${JSON.stringify(text)}; it must be a whole number from ${least} on`);
  process.exit(2);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function printFailure(result: SeedResult): void {
  console.error(`\nseed ${result.seed} failed; what happened last:\n`);
  for (const line of result.trace) console.error(line);
  console.error(`\nseed ${result.seed}: ${result.violations.length} violations`);
  for (const violation of result.violations.slice(0, 20)) console.error(`  ${violation}`);
  console.error(`again: npm run sim -- --seeds 1 --start ${result.seed} --verbose\n`);
}

async function main(): Promise<void> {
  const seeds = whole("seeds", values.seeds, 1);
  const start = whole("start", values.start, 0);
  const results: Omit<SeedResult, "trace">[] = [];
  const faults: Record<string, number> = {};
  let failed = 0;
  let firstFailure: { seed: number; violation: string } | null = null;
  for (let seed = start; seed < start + seeds; seed++) {
    const { trace, ...result } = await runSeed(seed, values.verbose ? { verbose: (line) => console.log(line) } : {});
    results.push(result);
    for (const [kind, times] of Object.entries(result.faults)) faults[kind] = (faults[kind] ?? 0) + times;
    if (result.violations.length > 0) {
      failed++;
      firstFailure ??= { seed, violation: result.violations[0]! };
      if (failed <= 3) printFailure({ ...result, trace });
      if (values["until-failure"]) break;
    }
    if (!values.json)
      console.log(
        `seed ${seed} ${result.violations.length === 0 ? "ok" : "FAILED"} ${result.traceHash}: ${result.calls} calls ` +
          `(${result.allowed} allowed, ${result.denied} denied, ${result.failed} without an answer), ` +
          `${result.commits} commits, ${result.leaderChanges} leaders, ${Math.round(result.virtualMs)} ms`,
      );
  }
  const summary = {
    seeds: results.length,
    passed: results.length - failed,
    failed,
    firstFailure,
    faults,
    calls: results.reduce((sum, result) => sum + result.calls, 0),
    commitsMedian: median(results.map((result) => result.commits)),
    leaderChangesMedian: median(results.map((result) => result.leaderChanges)),
  };
  console.log(JSON.stringify(summary));
  process.exitCode = failed === 0 ? 0 : 1;
}

if (values.help) console.log(usage);
else await main();
