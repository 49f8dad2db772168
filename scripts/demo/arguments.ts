import { parseArgs } from "node:util";
import { nearestName } from "../../packages/cluster/src/cli/nearest-name.ts";

/** What `--help` prints. */
export const usage = `npm start [-- --once] [--json] [--nodes N]
  --once   end after the summary (default: keep serving until Ctrl-C)
  --json   print the summary as one line of JSON on standard output
  --nodes  3 or 5 nodes (default 3)
  --help   print this
Progress and the account of the run go to standard error; only --json writes to standard output.`;

/** What the demo was asked for. */
export interface DemoArguments {
  readonly once: boolean;
  readonly json: boolean;
  readonly nodes: 3 | 5;
  readonly help: boolean;
}

const see = "see npm start -- --help";
const options = {
  once: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  nodes: { type: "string", default: "3" },
  help: { type: "boolean", short: "h", default: false },
} as const;

/**
 * Reads the demo's command line.
 * @throws {Error} naming the flag that is wrong, the one that was likely meant, and where all of them are.
 */
export function readArguments(args: readonly string[]): DemoArguments {
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind === "positional")
      throw new Error(`${JSON.stringify(token.value)} is no flag; ${meant(token.value)}`);
    if (token.kind === "option" && !Object.hasOwn(options, token.name)) {
      throw new Error(`${token.rawName} is not a flag of the demo; ${meant(token.name)}`);
    }
  }
  const { nodes, ...others } = strictly(args);
  if (nodes === "3" || nodes === "5") return { ...others, nodes: nodes === "3" ? 3 : 5 };
  throw new Error(`--nodes is ${JSON.stringify(nodes)}: it must be 3 or 5; ${see}`);
}

function strictly(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    // Only a value that is missing, or one too many, is left.
    throw new Error(`${(error as Error).message.split(/[.\n]/)[0]}; ${see}`);
  }
}

function meant(typed: string): string {
  const nearest = nearestName(typed, Object.keys(options));
  return nearest === null ? see : `did you mean --${nearest}? (${see})`;
}
