/** The show: three nodes, workerd with the worker, requests beyond the limit, and the leader killed in between. */
import { parseArgs, styleText } from "node:util";
import { type LocalCluster, withServer } from "@quorumguard/testbed";
import { startWorker } from "./worker-process.ts";

const usage = `npm run example -- edge-worker [--json]
  --json   end with the result as one line of JSON on standard output`;

/** The policy of worker.ts. */
const limit = 5;
const amber = { "x-api-key": "demo-key-of-amber" };
const addresses = 50;
const requestsPerAddress = 8;
const trafficMs = 4_000;
/** The sources of decisions that were made without the cluster's counts. */
const degradedSources: ReadonlySet<string> = new Set(["local", "fail-open", "fail-closed"]);

const { values } = parseArgs({ options: { json: { type: "boolean" }, help: { type: "boolean" } } });
/** Standard output belongs to the JSON if there is any. */
const out = values.json === true ? process.stderr : process.stdout;
const say = (text: string) => void out.write(`${text}\n`);
const styled = (style: "bold" | "red" | "green", text: string) => styleText(style, text, { stream: out });

interface Answer {
  /** 0: the request failed without an answer. */
  readonly status: number;
  readonly headers: Headers;
  /** From sending to the whole answer, in milliseconds. */
  readonly tookMs: number;
}

async function ask(url: string, headers: Record<string, string>): Promise<Answer> {
  const sentMs = performance.now();
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(10_000) });
    await response.arrayBuffer();
    return { status: response.status, headers: response.headers, tookMs: performance.now() - sentMs };
  } catch {
    return { status: 0, headers: new Headers(), tookMs: performance.now() - sentMs };
  }
}

/** Asks as one account, and prints what a client sees. */
async function askAsAmber(url: string, times: number): Promise<readonly number[]> {
  const statuses: number[] = [];
  for (let call = 1; call <= times; call++) {
    const { status, headers } = await ask(url, amber);
    const field = (name: string) => headers.get(name) ?? "-";
    const columns = [field("ratelimit").padEnd(16), field("retry-after").padStart(11), field("quorumguard-source")];
    say(`  ${styled(status === 200 ? "green" : "red", String(status).padEnd(6))}  ${columns.join("  ")}`);
    statuses.push(status);
  }
  return statuses;
}

/** Every address asks at a steady pace, one request at a time. Returns the answers of each. */
async function sendTraffic(url: string): Promise<readonly (readonly Answer[])[]> {
  const startMs = performance.now();
  const oneAddress = async (at: number): Promise<readonly Answer[]> => {
    const answers: Answer[] = [];
    for (let call = 0; call < requestsPerAddress; call++) {
      const dueMs = startMs + ((call + at / addresses) * trafficMs) / requestsPerAddress;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
      // Here this process is the platform in front of the worker, which knows the caller's address.
      answers.push(await ask(url, { "cf-connecting-ip": `198.51.100.${at}` }));
    }
    return answers;
  };
  return await Promise.all(Array.from({ length: addresses }, (_, at) => oneAddress(at)));
}

async function show(cluster: LocalCluster, url: string) {
  say(`\n  One API key, ${limit} requests a minute\n`);
  say(styled("bold", "  status  RateLimit         Retry-After  QuorumGuard-Source"));
  const first = await askAsAmber(url, limit + 2);
  const before = await cluster.waitForLeader();
  say(`\n  ${addresses} addresses, ${requestsPerAddress} requests each within ${trafficMs / 1_000} s`);
  const kill = setTimeout(() => {
    say(styled("red", `  kill -9 node ${before.nodeId}, the leader, in the middle of it`));
    void cluster.kill(before.nodeId);
  }, trafficMs / 2);
  const traffic = await sendTraffic(url);
  clearTimeout(kill);
  const after = await cluster.waitForLeader();
  const count = (answers: readonly Answer[], wanted: number) =>
    answers.filter(({ status }) => status === wanted).length;
  const exact = traffic.filter((answers) => count(answers, 200) === limit).length;
  const all = traffic.flat();
  const [requests, ok, denied] = [all.length, count(all, 200), count(all, 429)];
  const other = requests - ok - denied;
  const degraded = all.filter(({ headers }) => degradedSources.has(headers.get("quorumguard-source") ?? "")).length;
  const slowestMs = Math.round(Math.max(...all.map(({ tookMs }) => tookMs)));
  say(`  ${ok} × 200, ${denied} × 429, ${other} other; ${exact} of ${addresses} addresses got exactly ${limit}`);
  say(`  degraded decisions: ${degraded}; the slowest answer took ${slowestMs} ms`);
  say(`\n  Node ${after.nodeId} leads now, and the first key again\n`);
  const again = await askAsAmber(url, 1);
  say("");
  const leaders = { leaderBefore: before.nodeId, leaderAfter: after.nodeId };
  const sums = { requests, ok, denied, other, degraded, slowestMs };
  return { first, again, ...sums, addressesWithExactlyTheLimit: exact, addresses, ...leaders };
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130));

async function main(): Promise<number> {
  if (values.help) {
    say(usage);
    return 0;
  }
  say("  Starting three nodes and workerd …");
  return withServer(
    ({ nodes }) => startWorker(nodes.map((node) => node.httpUrl)),
    async (cluster, worker) => {
      const result = await show(cluster, worker.url);
      if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
      return result.other === 0 && result.degraded === 0 && result.addressesWithExactlyTheLimit === addresses ? 0 : 1;
    },
  );
}

process.exitCode = await main();
