import { parseArgs } from "node:util";
import { UsageError } from "../usage-error.ts";
import { wholeFlag } from "../whole-flag.ts";

/** What can happen to a leader. */
export const failoverFaults = ["kill", "pause", "partition", "stall-disk", "rolling-restart"] as const;

/** One of the faults. */
export type FailoverFault = (typeof failoverFaults)[number];

/** What one run is told. */
export interface FailoverOptions {
  /** How often the fault happens, 1 to 10,000. Default 15. */
  readonly trials: number;
  /** Default: kill. */
  readonly fault: FailoverFault;
  /** Guards are given no options but endpoints. Default: a deadline of three seconds, and errors when it passes. */
  readonly defaults: boolean;
  readonly json: boolean;
  /** Keeps the folder even if nothing is wrong. */
  readonly keep: boolean;
  readonly help: boolean;
}

const mostTrials = 10_000;

/** What `--help` prints. */
export const failoverHelp = `Usage: npm run failover -- [flags]

How long callers are without an answer when something happens to the leader of three nodes: real processes of the built
command, real SDKs in processes of their own. One caller asks every 5 ms whatever becomes of its earlier calls; others keep
keys at their limits meanwhile. A gap is the longest time between two answers of a leader to that caller. In the end every
call is held against the replicated log.

  --fault NAME  kill             SIGKILL; the node starts again when another leads (default)
                pause            SIGSTOP for 3 s, then SIGCONT
                partition        cut off from the other nodes for 2 to 3 s, every other time from the clients as well
                stall-disk       its flushes hang for 2.5 s
                rolling-restart  SIGTERM to one node after the other, each started again; a trial is all three of them
  --trials N    how often, 1 to 10,000; default 15
  --defaults    guards as they are without options: a deadline of 1 s, then an answer from this process, marked as degraded.
                Otherwise they have 3 s, and throw
  --keep        keep the folder with logs and history even if nothing is wrong
  --json        on standard output, a line of JSON per trial and one of the whole as the last
  --help        this text

Exit status: 0 if no call failed or was degraded, and nothing was over-admitted or charged twice; 1 otherwise, and the folder
is kept; 2 for wrong usage.
`;

const flags = {
  trials: { type: "string" },
  fault: { type: "string" },
  defaults: { type: "boolean" },
  json: { type: "boolean" },
  keep: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

/** Reads the command line. @throws {UsageError} naming flag, value and bound. */
export function parseFailoverOptions(args: readonly string[]): FailoverOptions {
  const { values, tokens } = parseArgs({ args: [...args], options: flags, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind === "positional")
      throw new UsageError(`${shown(token.value)} follows no flag: write --fault ${token.value}`);
    if (token.kind === "option") checkFlag(token);
  }
  return {
    trials: wholeFlag("trials", values.trials, 15, 1, mostTrials),
    fault: faultOf(values.fault),
    defaults: values.defaults === true,
    json: values.json === true,
    keep: values.keep === true,
    help: values.help === true,
  };
}

const shown = (value: unknown) => JSON.stringify(value);

function checkFlag({ name, rawName, value }: { name: string; rawName: string; value?: string | undefined }): void {
  if (!Object.hasOwn(flags, name)) {
    const known = Object.keys(flags).map((flag) => `--${flag}`);
    throw new UsageError(`${rawName} is no flag of this command; there are ${known.join(", ")}`);
  }
  const { type } = flags[name as keyof typeof flags];
  if (type === "boolean" && value !== undefined)
    throw new UsageError(`${rawName} is ${shown(value)}: it takes no value, write ${rawName} alone`);
  if (type === "string" && value === undefined) throw new UsageError(`${rawName} has no value: write one after it`);
}

function faultOf(text: string | boolean | undefined): FailoverFault {
  const fault = text === undefined ? "kill" : failoverFaults.find((one) => one === text);
  if (fault !== undefined) return fault;
  throw new UsageError(
    `--fault is ${shown(text)}: it must be ${failoverFaults.slice(0, -1).join(", ")} or ${failoverFaults.at(-1)}`,
  );
}
