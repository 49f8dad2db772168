/** The show: three nodes, the server in Bun, requests beyond the limit, and the leader killed in between. */
import { parseArgs, styleText } from "node:util";
import { type LocalCluster, withServer } from "@quorumguard/testbed";
import { startServer } from "./server-process.ts";

const usage = `npm run example -- bun-server [--json]
  --json   end with the result as one line of JSON on standard output`;

/** The policies of server.ts. */
const limits = { api: 5, login: 2 };

const { values } = parseArgs({ options: { json: { type: "boolean" }, help: { type: "boolean" } } });
/** Standard output belongs to the JSON if there is any. */
const out = values.json === true ? process.stderr : process.stdout;
const say = (text: string) => void out.write(`${text}\n`);
const styled = (style: "bold" | "red" | "green", text: string) => styleText(style, text, { stream: out });

/** One answer, as its caller saw it. */
export interface Answer {
  readonly path: string;
  readonly status: number;
  readonly source: string | null;
  readonly retryAfter: string | null;
}

async function ask(url: string, path: string): Promise<Answer> {
  const response = await fetch(new URL(path, url), { method: path.startsWith("/login") ? "POST" : "GET" });
  await response.arrayBuffer();
  const field = (name: string) => response.headers.get(name);
  const [source, retryAfter] = [field("quorumguard-source"), field("retry-after")];
  const remaining = (field("quorumguard-remaining") ?? "-").padStart(9);
  const status = styled(response.ok ? "green" : "red", String(response.status).padEnd(6));
  say(`  ${status}  ${remaining}  ${(retryAfter ?? "-").padStart(11)}  ${(source ?? "-").padEnd(6)}  ${path}`);
  return { path, status: response.status, source, retryAfter };
}

async function show(cluster: LocalCluster, url: string): Promise<readonly Answer[]> {
  say(styled("bold", "\n  status  remaining  Retry-After  source  path"));
  const answers: Answer[] = [];
  const askFor = async (path: string, times: number) => {
    for (let call = 0; call < times; call += 1) answers.push(await ask(url, path));
  };
  await askFor("/login/amber", limits.login + 1);
  await askFor("/login/birch", 1);
  await askFor("/quote", 2);
  const { nodeId } = await cluster.waitForLeader();
  say(styled("red", `  kill -9 node ${nodeId}, the leader`));
  await cluster.kill(nodeId);
  await askFor("/quote", limits.api - 1);
  await askFor("/login/birch", limits.login);
  await askFor("/login/amber", 1);
  say("");
  return answers;
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130));

async function main(): Promise<number> {
  if (values.help) {
    say(usage);
    return 0;
  }
  say("  Starting three nodes and Bun …");
  return withServer(
    ({ nodes }) => startServer(nodes.map((node) => node.httpUrl)),
    async (cluster, server) => {
      const answers = await show(cluster, server.url);
      if (values.json) process.stdout.write(`${JSON.stringify({ answers })}\n`);
      return answers.every(({ source }) => source === "quorum" || source === "leader") ? 0 : 1;
    },
  );
}

process.exitCode = await main();
