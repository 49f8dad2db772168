/** `npm run bench:guard [-- --only NAME] [--accept]`: whether a hot path allocates as much, and takes as long, as was accepted. */
import { parseArgs } from "node:util";
import { hotPaths } from "./guard/hot-paths.ts";
import type { Measure } from "./guard/measures.ts";
import { runGuard } from "./guard/run-guard.ts";

const usage = `npm run bench:guard -- [--only PATH] [--measure bytes|time] [--accept] [--waste OBJECTS]
  --only     one path: ${[...hotPaths.keys()].join(", ")}
  --measure  bytes that an operation allocates, or its time beside a fixed kernel; both if it is left out
  --accept   what is measured becomes the baseline
  --waste    each operation makes so many objects for nothing: to see the guard go red`;

const say = (text: string) => process.stderr.write(`${text}\n`);

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      measure: { type: "string" },
      accept: { type: "boolean", default: false },
      waste: { type: "string", default: "0" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(`${usage}\n`);
    return 0;
  }
  const paths = choose("only", values.only, [...hotPaths.keys()]);
  const measures = choose<Measure>("measure", values.measure, ["bytes", "time"]);
  const waste = Number(values.waste);
  if (!Number.isInteger(waste) || waste < 0) throw new Error(`--waste is ${values.waste}, but must be a whole number`);
  const baselines = new URL("../guard-baselines.json", import.meta.url);
  return runGuard({ paths, measures, accept: values.accept, baselines, waste, say: (line) => say(`  ${line}`) });
}

function choose<T extends string>(option: string, value: string | undefined, all: readonly T[]): readonly T[] {
  if (value === undefined) return all;
  const chosen = all.filter((each) => each === value);
  if (chosen.length === 0) throw new Error(`--${option} is ${value}, but must be one of ${all.join(", ")}`);
  return chosen;
}

try {
  process.exitCode = await main();
} catch (error) {
  say(`bench:guard: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
