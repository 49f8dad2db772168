/**
 * `npm run nemesis`: real node processes of the built command, reached only through links of our own, under load from real
 * SDKs in processes of their own, while a nemesis that is drawn from a seed kills, pauses, partitions, fills disks, has
 * writes refused, takes power away and steps clocks. Every call is recorded on the machine's monotonic clock; every answer
 * of every session and every entry of the replicated log is read from the wire. In the end all faults are over, every
 * client must be served again, all nodes must agree, and the history is judged by models that share nothing with the
 * product.
 *
 * A seed draws the same faults in the same order; real processes and real time cannot be replayed. What a failed run
 * leaves is its folder: logs of all nodes, and the history as NDJSON.
 */
import { randomInt } from "node:crypto";
import { judgeRun } from "./judge/judge-run.ts";
import { helpText, type NemesisOptions, parseNemesisOptions } from "./nemesis-options.ts";
import { resultTable } from "./result-table.ts";
import { allFaults, runOnce } from "./run-nemesis.ts";
import { UsageError } from "./usage-error.ts";

function readOptions(): NemesisOptions | null {
  try {
    const options = parseNemesisOptions(process.argv.slice(2), () => randomInt(2 ** 32));
    const known = new Set(allFaults.map(({ kind }) => kind));
    const wrong = options.only?.find((kind) => !known.has(kind));
    if (wrong === undefined) return options;
    throw new UsageError(`--only names ${JSON.stringify(wrong)}; there are ${[...known].join(", ")}`);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return null;
  }
}

const say = (line: string) => void process.stderr.write(`${line}\n`);
const options = readOptions();
if (options === null) process.exitCode = 2;
else if (options.help) process.stdout.write(helpText);
else if (options.judge !== null) {
  const judged = await judgeRun(options.judge);
  for (const line of judged.violations) say(`violation: ${line}`);
  process.stdout.write(`${JSON.stringify({ ...judged, violations: judged.violations.length })}\n`);
  process.exitCode = judged.violations.length === 0 ? 0 : 1;
} else {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
  const result = await runOnce(options, say);
  say(resultTable(result));
  const line = options.json ? `${JSON.stringify(result)}\n` : "";
  // At once when it is written: what a fault left open must not keep a run that is over from ending.
  process.stdout.write(line, () => process.exit(result.history === "accepted" ? 0 : 1));
}
