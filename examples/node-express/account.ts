import type { LocalCluster } from "@quorumguard/testbed";
import { type Answer, mostInOneWindow } from "./traffic.ts";

/** What the traffic came to. */
export interface Result {
  readonly requests: number;
  readonly ok: number;
  readonly denied: number;
  /** Answers that are neither 200 nor 429, and requests without an answer. */
  readonly other: number;
  readonly degraded: number;
  /** The most that the limit permits all keys together in the time that the traffic took. */
  readonly permitted: number;
  /** The most that one key was admitted in any one window. */
  readonly mostInOneWindow: number;
  readonly limit: number;
  readonly windowMs: number;
  readonly slowestMs: number;
  readonly leaderBefore: number;
  readonly leaderAfter: number;
  /** True if nothing failed, nothing was degraded, nothing exceeded the limit and the leader changed. */
  readonly held: boolean;
}

/** What is accounted for, and where the lines go. */
export interface AccountOptions {
  readonly cluster: LocalCluster;
  readonly rule: { readonly limit: number; readonly windowMs: number };
  readonly say: (text: string) => void;
  readonly styled: (style: "bold" | "red" | "green", text: string) => string;
}

/** Prints a row for each half second of answers, and the sum of them at the end. */
export interface Account {
  readonly onAnswer: (answer: Answer) => void;
  finish(leaderBefore: number, leaderAfter: number): Promise<Result>;
}

const rowMs = 500;
/** The sources of decisions that were made without the cluster's counts. */
const degradedSources: ReadonlySet<string> = new Set(["local", "fail-open", "fail-closed"]);

/** Starts an account now. */
export function createAccount(options: AccountOptions): Account {
  const { cluster, say, styled } = options;
  const answers: Answer[] = [];
  const startMs = performance.now();
  let told = 0;
  say(styled("bold", "   seconds    200    429  other  slowest ms  leader"));
  const row = async (): Promise<void> => {
    const some = answers.slice(told);
    told = answers.length;
    const seconds = ((performance.now() - startMs) / 1_000).toFixed(1);
    const leader = await findLeader(cluster);
    if (some.length === 0) return;
    const columns = [countOf(some, 200), countOf(some, 429), othersOf(some)].map((count) => String(count).padStart(7));
    const slowest = slowestOf(some).toFixed(0).padStart(12);
    say(`${seconds.padStart(10)}${columns.join("")}${slowest}  ${leader === 0 ? "none" : `node ${leader}`}`);
  };
  let rows = Promise.resolve();
  const timer = setInterval(() => {
    rows = rows.then(row);
  }, rowMs);
  return {
    onAnswer: (answer) => void answers.push(answer),
    async finish(leaderBefore, leaderAfter) {
      clearInterval(timer);
      await rows;
      await row();
      const result = sum(answers, options, leaderBefore, leaderAfter);
      describe(result, options);
      return result;
    },
  };
}

function sum(answers: readonly Answer[], options: AccountOptions, leaderBefore: number, leaderAfter: number): Result {
  const { rule } = options;
  const most = mostInOneWindow(answers, rule.windowMs);
  const permitted = permittedOf(answers, rule);
  const [ok, denied, other] = [countOf(answers, 200), countOf(answers, 429), othersOf(answers)];
  const degraded = answers.filter(({ source }) => degradedSources.has(source)).length;
  const within = ok <= permitted && most <= rule.limit;
  return {
    requests: answers.length,
    ok,
    denied,
    other,
    degraded,
    permitted,
    mostInOneWindow: most,
    limit: rule.limit,
    windowMs: rule.windowMs,
    slowestMs: Math.round(slowestOf(answers)),
    leaderBefore,
    leaderAfter,
    held: other === 0 && degraded === 0 && within && leaderAfter !== leaderBefore,
  };
}

/**
 * What a sliding window permits: `limit` of each key in each window that has begun while the key asked. By the times of its requests,
 * since a busy machine draws them out; replicated time may run 1 % faster than ours.
 */
function permittedOf(answers: readonly Answer[], { limit, windowMs }: AccountOptions["rule"]): number {
  const spansMs = [...new Set(answers.map(({ key }) => key))].map((key) => {
    const own = answers.filter((answer) => answer.key === key);
    return Math.max(...own.map(({ answeredMs }) => answeredMs)) - Math.min(...own.map(({ sentMs }) => sentMs));
  });
  return spansMs.reduce((sum, spanMs) => sum + limit * Math.ceil((spanMs * 1.01) / windowMs), 0);
}

function describe(result: Result, { say, styled }: AccountOptions): void {
  const { limit, windowMs } = result;
  say("");
  say(`  ${result.requests} requests: ${result.ok} × 200, ${result.denied} × 429, ${result.other} other`);
  say(`  admitted ${result.ok} of the ${result.permitted} that the limit permits in this time`);
  say(`  at most ${result.mostInOneWindow} of one key within ${windowMs} ms; the limit is ${limit}`);
  say(`  leader: node ${result.leaderBefore}, then node ${result.leaderAfter}; degraded decisions: ${result.degraded}`);
  say(result.held ? styled("green", "  all held\n") : styled("red", "  SOMETHING DID NOT HOLD\n"));
}

function countOf(answers: readonly Answer[], status: number): number {
  return answers.filter((answer) => answer.status === status).length;
}

function othersOf(answers: readonly Answer[]): number {
  return answers.length - countOf(answers, 200) - countOf(answers, 429);
}

function slowestOf(answers: readonly Answer[]): number {
  return Math.max(0, ...answers.map(({ sentMs, answeredMs }) => answeredMs - sentMs));
}

/** The node that says that it leads, in the highest term; 0 if none does. */
async function findLeader(cluster: LocalCluster): Promise<number> {
  const all = await Promise.all(cluster.nodes.map(({ nodeId }) => cluster.status(nodeId)));
  let [leader, term] = [0, 0];
  for (const status of all) {
    if (status?.role !== "NODE_ROLE_LEADER" || status.term < term) continue;
    [leader, term] = [status.nodeId, status.term];
  }
  return leader;
}
