/**
 * `npm run failover`: how long callers are without an answer when the leader dies, is paused, is cut off, waits for its
 * disk, or is restarted as in a deployment. Nodes, links, clients and the judge are those of the nemesis.
 */
import { type FailoverOptions, failoverHelp, parseFailoverOptions } from "./failover/failover-options.ts";
import { failoverTable, isFlawless, resultOf, trialLine } from "./failover/failover-result.ts";
import { runFailover } from "./failover/run-failover.ts";
import { UsageError } from "./usage-error.ts";

const say = (line: string) => void process.stderr.write(`${line}\n`);

function readOptions(): FailoverOptions | null {
  try {
    return parseFailoverOptions(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    say(error.message);
    return null;
  }
}

const options = readOptions();
if (options === null) process.exitCode = 2;
else if (options.help) process.stdout.write(failoverHelp);
else {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
  const print = (line: unknown) => (options.json ? `${JSON.stringify(line)}\n` : "");
  const run = await runFailover(options, say, (trial) => {
    say(trialLine(trial, options.trials));
    process.stdout.write(print(trial));
  }).catch((error: Error) => {
    say(error.message);
    process.exit(1);
  });
  const result = resultOf(options, run);
  say(failoverTable(result, run));
  // At once when it is written: what a fault left open must not keep a run that is over from ending.
  process.stdout.write(print(result), () => process.exit(isFlawless(result, run) ? 0 : 1));
}
