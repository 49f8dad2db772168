/** The show: three nodes, a site built and served by Next, requests beyond its limit, and the leader killed in between. */
import { parseArgs, styleText } from "node:util";
import { type LocalCluster, withServer } from "@quorumguard/testbed";
import { buildSite, startSite } from "./site-process.ts";

const usage = `npm run example -- next-app [--json]
  --json   end with the result as one line of JSON on standard output`;

const { values } = parseArgs({ options: { json: { type: "boolean" }, help: { type: "boolean" } } });
/** Standard output belongs to the JSON if there is any. */
const out = values.json === true ? process.stderr : process.stdout;
const say = (text: string) => void out.write(`${text}\n`);
const styled = (style: "bold" | "red" | "green", text: string) => styleText(style, text, { stream: out });

/** The policy "quote" of site/guard.js. */
const limit = 5;

/** One answer, as its caller saw it. */
export interface Answer {
  readonly path: string;
  /** What the proxy before Next would have written: this program stands for it. */
  readonly forwardedFor: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

async function ask(url: string, path: string, forwardedFor: string): Promise<Answer> {
  const response = await fetch(`${url}${path}`, { headers: { "x-forwarded-for": forwardedFor } });
  const { status, headers } = response;
  const field = (name: string) => headers.get(name) ?? "-";
  const columns = [
    field("ratelimit").padEnd(18),
    field("retry-after").padStart(11),
    field("quorumguard-source").padEnd(18),
  ];
  say(
    `  ${styled(status === 200 ? "green" : "red", String(status).padEnd(6))}  ${columns.join("  ")}  ${forwardedFor}`,
  );
  return { path, forwardedFor, status, headers: Object.fromEntries(headers), body: await response.json() };
}

async function show(cluster: LocalCluster, url: string): Promise<readonly Answer[]> {
  say(styled("bold", "\n  status  RateLimit           Retry-After  QuorumGuard-Source  X-Forwarded-For"));
  const answers: Answer[] = [];
  for (let call = 0; call <= limit; call += 1) answers.push(await ask(url, "/quote", "198.51.100.1"));
  // What a caller writes stands left of what the proxy appends, and changes nothing.
  answers.push(await ask(url, "/quote", "203.0.113.9, 198.51.100.1"));
  const { nodeId } = await cluster.waitForLeader();
  say(styled("red", `  kill -9 node ${nodeId}, the leader`));
  await cluster.kill(nodeId);
  answers.push(await ask(url, "/quote", "198.51.100.2"), await ask(url, "/api/ping", "198.51.100.2"));
  say("");
  return answers;
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130));

async function main(): Promise<number> {
  if (values.help) {
    say(usage);
    return 0;
  }
  say("  Building the site, and starting it with three nodes …");
  await buildSite();
  return withServer(
    ({ endpoints }) => startSite(endpoints),
    async (cluster, site) => {
      const answers = await show(cluster, site.url);
      if (values.json) process.stdout.write(`${JSON.stringify({ answers })}\n`);
      const expected = [...Array.from({ length: limit }, () => 200), 429, 429, 200, 200];
      return answers.every(({ status }, at) => status === expected[at]) ? 0 : 1;
    },
  );
}

process.exitCode = await main();
