/**
 * The contract over fetch in any runtime with a command line: prints one JSON line. ENDPOINTS are the HTTP URLs of a
 * running cluster or of a proxy, separated by commas: `contract-main.ts ENDPOINTS [RUNTIME]`.
 */
import { runContract } from "./run-contract.ts";

/** The part of Node's `process` that is used; declared, since this package compiles for the web. */
declare const process: { readonly argv: readonly string[]; exitCode?: number };

const [endpoints, runtime] = process.argv.slice(2);
if (endpoints === undefined) {
  console.error("usage: contract-main ENDPOINTS [RUNTIME], such as http://127.0.0.1:7402 node24");
  process.exitCode = 2;
} else {
  const report = await runContract(runtime ?? "fetch", endpoints);
  console.log(JSON.stringify(report));
  process.exitCode = report.failed === 0 ? 0 : 1;
}
