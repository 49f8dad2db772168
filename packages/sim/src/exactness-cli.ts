import { createInterface } from "node:readline";
import type { RunPlan } from "@quorumguard/exactness";
import { simulateRun } from "./exactness/simulate-run.ts";

/** A worker of `npm run exactness`: for every line of standard input, a plan in JSON, a line with what it came to. */
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await simulateRun(JSON.parse(line) as RunPlan))}\n`);
}
