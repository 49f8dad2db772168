/**
 * A worker of `npm run exactness`: for every line of standard input, a plan in JSON, a line with what it came to, with real
 * node processes and the SDK over gRPC.
 */
import { createInterface } from "node:readline";
import type { RunPlan } from "@quorumguard/exactness";
import { listenToSessions } from "./exactness/heard-calls.ts";
import { runReal } from "./exactness/real-run.ts";

// Only an orderly exit takes the nodes along.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
const heard = listenToSessions();
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await runReal(JSON.parse(line) as RunPlan, heard))}\n`);
}
