/**
 * Runs the guard's contract in this process and prints one JSON line: `contract-main.ts ENDPOINTS [RUNTIME]`.
 * ENDPOINTS are the gRPC addresses of a running cluster, separated by commas. Exit status 0 only if every case passed.
 */
import process from "node:process";
import { runGuardContract } from "@quorumguard/sdk-core/contract";
import { createGuard } from "../index.ts";

const [endpoints, name] = process.argv.slice(2);
if (endpoints === undefined) {
  process.stderr.write("usage: contract-main ENDPOINTS [RUNTIME], such as 127.0.0.1:7400,127.0.0.1:7410 node24\n");
  process.exit(2);
}
const report = await runGuardContract(name ?? `node ${process.versions.node}`, {
  createGuard: (options) => createGuard({ endpoints, ...options }),
  // Port 1 needs a privilege that nobody gives a rate limiter's neighbour.
  deadEndpoint: "127.0.0.1:1",
  prefix: `contract:${process.pid}:${Date.now()}`,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
});
process.stdout.write(`${JSON.stringify(report)}\n`);
// No process.exit(): that the process ends by itself is part of what is shown.
process.exitCode = report.failed === 0 ? 0 : 1;
