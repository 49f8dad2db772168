import { parseArgs } from "node:util";
import { HistoryError } from "./histories/history-error.ts";
import { type FileReport, runHistories } from "./histories/run-histories.ts";

/*
 * npm run conformance:histories -- FOLDER: judges recorded histories whose verdicts others have published.
 * Exit status: 0 all agree, 1 some do not, 2 wrong use.
 */

const usage = `usage: npm run conformance:histories -- FOLDER [--time-limit-seconds N] [--verbose]
FOLDER holds verdicts.tsv (path, tab, true or false) and the files it names.`;

interface Arguments {
  readonly folder: string;
  readonly timeLimitMs: number;
  readonly verbose: boolean;
}

/** A string says what is wrong; null: help is wanted. */
function readArguments(): Arguments | string | null {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        "time-limit-seconds": { type: "string", default: "120" },
        verbose: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) return null;
    const seconds = Number(values["time-limit-seconds"]);
    if (!(seconds > 0 && seconds <= 86_400))
      return `--time-limit-seconds is ${values["time-limit-seconds"]}, expected 0 < N <= 86400\n${usage}`;
    const [folder, ...more] = positionals;
    if (folder === undefined || more.length > 0) return `expected one FOLDER, got ${positionals.length}\n${usage}`;
    return { folder, timeLimitMs: seconds * 1000, verbose: values.verbose };
  } catch (error) {
    return `${(error as Error).message}\n${usage}`;
  }
}

async function main({ folder, timeLimitMs, verbose }: Arguments): Promise<number> {
  let passed = 0;
  let failed = 0;
  let slowest: FileReport | null = null;
  for await (const report of runHistories(folder, timeLimitMs)) {
    if (report.passed) passed++;
    else failed++;
    if (slowest === null || report.durationMs > slowest.durationMs) slowest = report;
    const cost = `${Math.round(report.durationMs)} ms, ${report.steps} steps`;
    if (!report.passed) console.log(`FAIL ${report.path}: ${report.problem}`);
    else if (verbose) console.log(`pass ${report.path} (${cost})`);
  }
  if (slowest !== null) console.log(`slowest: ${slowest.path}, ${Math.round(slowest.durationMs)} ms`);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

const chosen = readArguments();
if (chosen === null) {
  console.log(usage);
} else if (typeof chosen === "string") {
  console.error(chosen);
  process.exitCode = 2;
} else {
  try {
    process.exitCode = await main(chosen);
  } catch (error) {
    if (!(error instanceof HistoryError)) throw error;
    console.error(error.message);
    process.exitCode = 2;
  }
}
