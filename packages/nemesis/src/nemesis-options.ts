import { parseArgs } from "node:util";
import { UsageError } from "./usage-error.ts";
import { wholeFlag } from "./whole-flag.ts";

/** What one run is told. */
export interface NemesisOptions {
  /** How long faults are drawn for. */
  readonly seconds: number;
  /** Draws everything that is chance: it cannot replay real time. */
  readonly seed: number;
  /** 3 or 5; null: drawn. */
  readonly nodes: number | null;
  readonly json: boolean;
  /** Keeps the folder even if nothing is wrong. */
  readonly keep: boolean;
  /** Kinds of faults to draw from; null: all. */
  readonly only: readonly string[] | null;
  /** The folder of an earlier run, to be judged anew in place of a run. */
  readonly judge: string | null;
  readonly help: boolean;
}

/** What `--help` prints. */
export const helpText = `Usage: npm run nemesis -- [flags]

Real node processes under load from real SDKs, while processes, links, disks and clocks fail; then the history is judged.

  --seconds N   how long faults are drawn for, 1 to 86,400; default 60
  --seed N      draws faults, workload and cluster; default: any. Real time cannot be replayed: a seed gives the same
                kinds of faults in the same order, never the same interleaving
  --nodes N     3 or 5; default: drawn, mostly 3
  --only LIST   kinds of faults, with commas between; default: all
  --keep        keep the folder with logs and history even if nothing is wrong
  --judge DIR   judge the folder of an earlier run anew, in place of a run
  --json        the result as one line of JSON on standard output
  --help        this text

Exit status: 0 if nothing was over-admitted, charged twice or lost and the history is accepted; 1 otherwise, and the
folder is kept; 2 for wrong usage.
`;

/** Reads the command line. @throws {UsageError} naming flag, value and bound. */
export function parseNemesisOptions(args: readonly string[], anySeed: () => number): NemesisOptions {
  const { values } = parse(args);
  return {
    seconds: wholeFlag("seconds", values.seconds, 60, 1, 86_400),
    seed: values.seed === undefined ? anySeed() : wholeFlag("seed", values.seed, 0, 0, 2 ** 32 - 1),
    nodes: nodesOf(values.nodes),
    json: values.json ?? false,
    keep: values.keep ?? false,
    only: values.only === undefined ? null : values.only.split(",").map((kind) => kind.trim()),
    judge: values.judge ?? null,
    help: values.help ?? false,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        seconds: { type: "string" },
        seed: { type: "string" },
        nodes: { type: "string" },
        only: { type: "string" },
        judge: { type: "string" },
        keep: { type: "boolean" },
        json: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function nodesOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (text === "3" || text === "5") return Number(text);
  throw new UsageError(`--nodes is ${JSON.stringify(text)}: it must be 3 or 5`);
}
