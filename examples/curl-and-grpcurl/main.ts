/** The show: three nodes, and both scripts run against them with what was typed and what came of it. */
import { parseArgs } from "node:util";
import { type LocalCluster, requireProgram, startLocalCluster } from "@quorumguard/testbed";
import { isOnPath } from "./run-script.ts";
import { printTranscript } from "./transcript.ts";

const { values } = parseArgs({ options: { help: { type: "boolean" } } });
const say = (text: string) => void process.stdout.write(`${text}\n`);

async function show(cluster: LocalCluster): Promise<number> {
  say(`QUORUMGUARD_HTTP=${cluster.nodes[0]!.httpUrl}`);
  say(`QUORUMGUARD_ENDPOINTS=${cluster.endpoints.join(",")}\n`);
  requireProgram("curl");
  const overHttp = await printTranscript("with-curl.sh", cluster);
  const grpcurl = isOnPath("grpcurl");
  say(`\n${grpcurl ? "grpcurl is on PATH:" : "grpcurl is not on PATH; buf curl asks the same:"}\n`);
  const overGrpc = await printTranscript(grpcurl ? "with-grpcurl.sh" : "with-buf-curl.sh", cluster);
  return overHttp === 0 && overGrpc === 0 ? 0 : 1;
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130));

async function main(): Promise<number> {
  if (values.help) {
    say("npm run example -- curl-and-grpcurl");
    return 0;
  }
  const cluster = await startLocalCluster();
  try {
    return await show(cluster);
  } finally {
    await cluster.stop();
  }
}

process.exitCode = await main();
