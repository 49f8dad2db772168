import { createInterface } from "node:readline";
import type { RunPlan } from "@quorumguard/exactness";
import { simulateRun } from "./exactness/simulate-run.ts";
import { readFlags } from "./read-flags.ts";

const usage = `A worker of npm run exactness: reads plans from standard input, each a line of JSON, and writes what each came to.`;

const { help } = readFlags({ help: { type: "boolean", default: false } }, usage);
if (help) console.log(usage);
else {
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await simulateRun(JSON.parse(line) as RunPlan))}\n`);
  }
}
