/** The show: three nodes, the server in Deno, requests beyond the limit, and the leader killed in between. */
import { parseArgs, styleText } from "node:util";
import { type LocalCluster, withServer } from "@quorumguard/testbed";
import { startServer } from "./server-process.ts";

const usage = `npm run example -- deno-server [--json]
  --json   end with the result as one line of JSON on standard output`;

/** The policy of server.ts. */
const limit = 5;

const { values } = parseArgs({ options: { json: { type: "boolean" }, help: { type: "boolean" } } });
/** Standard output belongs to the JSON if there is any. */
const out = values.json === true ? process.stderr : process.stdout;
const say = (text: string) => void out.write(`${text}\n`);
const styled = (style: "bold" | "red" | "green", text: string) => styleText(style, text, { stream: out });

/** One answer, as its caller saw it. */
export interface Answer {
  readonly apiKey: string;
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body: { readonly source: string; readonly remaining?: number; readonly reason?: string };
}

async function ask(url: string, apiKey: string): Promise<Answer> {
  const response = await fetch(url, { headers: { "x-api-key": apiKey } });
  const retryAfter = response.headers.get("retry-after");
  const body = (await response.json()) as Answer["body"];
  const columns = [String(body.remaining ?? "-").padStart(9), (retryAfter ?? "-").padStart(11), body.source.padEnd(6)];
  const status = styled(response.ok ? "green" : "red", String(response.status).padEnd(6));
  say(`  ${status}  ${columns.join("  ")}  ${apiKey}`);
  return { apiKey, status: response.status, retryAfter, body };
}

async function show(cluster: LocalCluster, url: string): Promise<readonly Answer[]> {
  say(styled("bold", "\n  status  remaining  Retry-After  source  API key"));
  const answers: Answer[] = [];
  const askAs = async (apiKey: string, times: number) => {
    for (let call = 0; call < times; call += 1) answers.push(await ask(url, apiKey));
  };
  await askAs("demo-key-of-amber", limit + 1);
  await askAs("demo-key-of-birch", 2);
  const { nodeId } = await cluster.waitForLeader();
  say(styled("red", `  kill -9 node ${nodeId}, the leader`));
  await cluster.kill(nodeId);
  await askAs("demo-key-of-birch", limit - 1);
  await askAs("demo-key-of-amber", 1);
  // Keys that nobody issued are all the same caller: this machine's address.
  for (let call = 0; call <= limit; call += 1) await askAs(`made-up-${call}`, 1);
  say("");
  return answers;
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130));

async function main(): Promise<number> {
  if (values.help) {
    say(usage);
    return 0;
  }
  say("  Starting three nodes and Deno …");
  return withServer(
    ({ nodes }) => startServer(nodes.map((node) => node.httpUrl)),
    async (cluster, server) => {
      const answers = await show(cluster, server.url);
      if (values.json) process.stdout.write(`${JSON.stringify({ answers })}\n`);
      return answers.every(({ body }) => ["quorum", "leader"].includes(body.source)) ? 0 : 1;
    },
  );
}

process.exitCode = await main();
