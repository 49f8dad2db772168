import { fileURLToPath } from "node:url";
import { readFlags } from "./read-flags.ts";
import { shorten } from "./report/shorten.ts";
import { type SeedSummary, summarize } from "./report/summary.ts";
import { runInWorkers } from "./report/workers.ts";
import { type RunOptions, runSeed, type SeedResult } from "./run-seed.ts";

/** `npm run sim`: runs seeds one after the other; the last line is a summary, and the exit status 0 only if none failed. */
const usage = `Runs the whole of QuorumGuard on virtual time, network and disk, with faults drawn from a seed.

  npm run sim -- [--seeds N] [--start S] [--workers N] [--json] [--verbose] [--until-failure]
                 [--faults N] [--until-us T] [--clients N]

  --seeds N    how many seeds to run, 1 or more (default 20)
  --start S    the first seed (default 1)
  --step N     from one seed to the next (default 1)
  --workers N  processes that share the work (default 1)
  --json       only the last line: a summary in JSON
  --verbose    every event of every seed
  --until-failure   stop at the first seed that fails, and do not look for its shortest failing front
  --faults N   commit only the first N faults of a seed
  --until-us T   mend everything at virtual time T, in microseconds
  --clients N  so many clients that lease what they ask for, in place of the few that a seed draws

A seed replays exactly. A failing one is run again and again with fewer faults and less time, until the shortest front of it
that fails is found; the command that replays that is printed.`;

const values = readFlags(
  {
    seeds: { type: "string", default: "20" },
    start: { type: "string", default: "1" },
    step: { type: "string", default: "1" },
    workers: { type: "string", default: "1" },
    faults: { type: "string" },
    "until-us": { type: "string" },
    clients: { type: "string" },
    json: { type: "boolean", default: false },
    lines: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
    "until-failure": { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
  usage,
);

function whole(name: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  console.error(`--${name} is ${JSON.stringify(text)}; it must be a whole number from ${least} on`);
  process.exit(2);
}

const optional = (name: "faults" | "until-us" | "clients") =>
  values[name] === undefined ? undefined : whole(name, values[name], name === "clients" ? 1 : 0);

function printFailure(result: SeedResult, again: string): void {
  console.error(`\nseed ${result.seed} failed; what mattered, in order:\n`);
  for (const line of result.trace) console.error(line);
  console.error(`\nseed ${result.seed}: ${result.violations.length} violations`);
  for (const violation of result.violations.slice(0, 20)) console.error(`  ${violation}`);
  console.error(`again: npm run sim -- --seeds 1 --start ${result.seed}${again} --verbose\n`);
}

/** Prints the shortest front of the failing seed that can be found, unless the run was cut short already. */
async function explain(result: SeedResult, options: RunOptions): Promise<void> {
  const isCut = options.maxFaults !== undefined || options.untilUs !== undefined;
  if (isCut || values["until-failure"] || values.verbose) {
    printFailure(result, isCut ? cutFlags(options.maxFaults, options.untilUs) : "");
    return;
  }
  const { maxFaults, untilUs, result: short } = await shorten(result, options.clients);
  console.error(`\nseed ${result.seed} failed with ${result.strikes} faults: ${result.violations[0]}`);
  console.error(`shortest failing front: ${maxFaults} faults, everything mended at ${untilUs / 1000} ms`);
  printFailure(
    short,
    cutFlags(maxFaults, untilUs) + (options.clients === undefined ? "" : ` --clients ${options.clients}`),
  );
}

const cutFlags = (maxFaults: number | undefined, untilUs: number | undefined) =>
  `${maxFaults === undefined ? "" : ` --faults ${maxFaults}`}${untilUs === undefined ? "" : ` --until-us ${untilUs}`}`;

function lineOf(result: SeedSummary): string {
  const verdict = result.violations.length === 0 ? "ok" : "FAILED";
  return (
    `seed ${result.seed} ${verdict} ${result.traceHash}: ${result.calls} calls ` +
    `(${result.allowed} allowed, ${result.denied} denied, ${result.failed} without an answer), ` +
    `${result.commits} commits, ${result.leaderChanges} changes of leader, ${Math.round(result.virtualMs)} ms`
  );
}

/** @returns false: enough has been seen. */
function take(result: SeedSummary, results: SeedSummary[]): boolean {
  results.push(result);
  if (values.lines) process.stdout.write(`${JSON.stringify(result)}\n`);
  else if (!values.json) console.log(lineOf(result));
  return result.violations.length === 0 || !values["until-failure"];
}

async function runHere(range: { start: number; seeds: number; step: number }, results: SeedSummary[]): Promise<void> {
  const options: RunOptions = {
    maxFaults: optional("faults"),
    untilUs: optional("until-us"),
    clients: optional("clients"),
    ...(values.verbose ? { verbose: (line: string) => console.log(line) } : {}),
  };
  let explained = 0;
  for (let at = 0; at < range.seeds; at++) {
    const result = await runSeed(range.start + at * range.step, options);
    if (result.violations.length > 0 && explained++ < 3) await explain(result, options);
    const { trace: _, ...rest } = result;
    if (!take(rest, results)) return;
  }
}

async function main(): Promise<void> {
  const seeds = whole("seeds", values.seeds, 1);
  const start = whole("start", values.start, 0);
  const step = whole("step", values.step, 1);
  const workers = whole("workers", values.workers, 1);
  const results: SeedSummary[] = [];
  const began = performance.now();
  if (workers > 1) {
    const flags = values["until-failure"] ? ["--until-failure"] : [];
    for (const name of ["faults", "until-us", "clients"] as const)
      if (values[name] !== undefined) flags.push(`--${name}`, values[name]);
    const cli = fileURLToPath(import.meta.url);
    await runInWorkers(cli, { start, seeds }, workers, flags, (result) => take(result, results));
  } else {
    await runHere({ start, seeds, step }, results);
  }
  const summary = summarize(results, (performance.now() - began) / 1000);
  if (!values.lines) console.log(JSON.stringify(summary));
  process.exitCode = summary.failed === 0 ? 0 : 1;
}

if (values.help) console.log(usage);
else await main();
