/** The show: three nodes, the server, traffic beyond the limit, the leader killed in mid-traffic, and an account of it. */
import { parseArgs, styleText } from "node:util";
import { type LocalCluster, type ServerProcess, takeEndSignals, withServer } from "@quorumguard/testbed";
import { createAccount } from "./account.ts";
import { startServer } from "./server-process.ts";
import { sendTraffic } from "./traffic.ts";

const usage = `npm run example -- node-express [--serve] [--json]
  --serve   no show: keep cluster and server running until Ctrl-C
  --json    end with the result as one line of JSON on standard output`;

const apiKeys = ["amber", "birch", "cedar", "delta"].map((account) => `demo-key-of-${account}`);
const everyMs = 20;
const durationMs = 5_900;
const staggerMs = 160;
const killAfterMs = 3_100;
/** The policy "api" of server.ts. */
const rule = { limit: 25, windowMs: 1_000 };

const { values } = parseArgs({
  options: { serve: { type: "boolean" }, json: { type: "boolean" }, help: { type: "boolean" } },
});

/** Standard output belongs to the JSON if there is any. */
const out = values.json === true ? process.stderr : process.stdout;
const say = (text: string) => void out.write(`${text}\n`);
const styled = (style: "bold" | "red" | "green", text: string) => styleText(style, text, { stream: out });

async function show(cluster: LocalCluster, server: ServerProcess): Promise<number> {
  const before = await cluster.waitForLeader();
  say(
    `  ${apiKeys.length} API keys, each asks ${1_000 / everyMs} times a second and may ${rule.limit} times a second\n`,
  );
  const account = createAccount({ cluster, rule, say, styled });
  const kill = setTimeout(() => {
    say(styled("red", `  kill -9 node ${before.nodeId}, the leader`));
    void cluster.kill(before.nodeId);
  }, killAfterMs);
  const { onAnswer } = account;
  await sendTraffic({ url: `${server.url}/quote`, apiKeys, everyMs, durationMs, staggerMs, onAnswer });
  clearTimeout(kill);
  const after = await cluster.waitForLeader();
  const result = await account.finish(before.nodeId, after.nodeId);
  if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  return result.held ? 0 : 1;
}

async function serve(cluster: LocalCluster, server: ServerProcess): Promise<number> {
  say(`  endpoints  ${cluster.endpoints.join(",")}`);
  say(`  try        curl -i ${server.url}/quote`);
  say(`             curl -i -H 'x-api-key: ${apiKeys[0]}' ${server.url}/quote`);
  say(`             for i in 1 2 3 4 5 6; do curl -si -X POST ${server.url}/login | head -1; done`);
  say("  Ctrl-C ends it.");
  await signals.first();
  return 0;
}

/** While it serves, the first Ctrl-C ends it in order; before and after that, leaving at once ends the children. */
const signals = takeEndSignals();

async function main(): Promise<number> {
  if (values.help) {
    say(usage);
    return 0;
  }
  say("  Starting three nodes and the server …");
  return withServer(({ endpoints }) => startServer(endpoints), values.serve ? serve : show);
}

process.exitCode = await main();
