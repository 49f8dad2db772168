/**
 * Runs the guard's contract in this process and prints one JSON line: `contract-main.ts ENDPOINTS [RUNTIME [CA CERT KEY]]`.
 * ENDPOINTS are the gRPC addresses of a running cluster, separated by commas; CA, CERT and KEY are PEM files, for
 * endpoints with https://. Exit status 0 only if every case passed.
 */
import { readFileSync } from "node:fs";
import process from "node:process";
import { runGuardContract } from "@quorumguard/sdk-core/contract";
import { createGuard } from "../index.ts";

const [endpoints, name, ...files] = process.argv.slice(2);
if (endpoints === undefined) {
  process.stderr.write("usage: contract-main ENDPOINTS [RUNTIME], such as 127.0.0.1:7400,127.0.0.1:7410 node24\n");
  process.exit(2);
}
const [ca, cert, key] = files.map((file) => readFileSync(file));
const tls = ca && cert && key && { ca, cert, key };
const report = await runGuardContract(name ?? `node ${process.versions.node}`, {
  createGuard: (options) => createGuard({ endpoints, ...(tls && { tls }), ...options }),
  // Port 1 needs a privilege that nobody gives a rate limiter's neighbour.
  deadEndpoint: tls ? "https://127.0.0.1:1" : "127.0.0.1:1",
  prefix: `contract:${process.pid}:${Date.now()}`,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
});
process.stdout.write(`${JSON.stringify(report)}\n`);
// No process.exit(): that the process ends by itself is part of what is shown.
process.exitCode = report.failed === 0 ? 0 : 1;
