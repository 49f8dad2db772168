/** Kills the leader of a cluster while calls go on, shows in the terminal what they see of it, and draws it as SVG. */
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { parseArgs, styleText } from "node:util";
import { callsAroundKill, latencyTimeline, longestGap, standaloneSvg } from "@quorumguard/pictures";
import { createGuard } from "@quorumguard/sdk-node";
import { type Answer, askOnSchedule } from "./ask-on-schedule.ts";
import { ownCluster, runningCluster, type Target } from "./target.ts";

const usage = `npm run example -- kill-the-leader [--endpoints LIST [--kill COMMAND]] [--svg FILE] [--json]
  --endpoints  a running cluster, such as that of npm run quorumguard -- dev; default: one of its own
  --kill       what ends its leader; {node} becomes the leader's id. Default on Linux: kill -9 of the process on this
               machine that listens on the leader's port
  --svg        where the picture goes (default: examples/kill-the-leader/dist/failover.svg)
  --json       end with the result as one line of JSON on standard output`;

/** The limit of the calls' key: half of them are denied, which is an answer too. */
const rule = { limit: 100, window: "1s", options: { algorithm: "token-bucket", burst: 10 } } as const;
const everyMs = 5;
const before = 1_000;
const after = 2_000;
const rowMs = 100;

const { values: flags } = parseArgs({
  options: {
    endpoints: { type: "string" },
    kill: { type: "string" },
    svg: { type: "string", default: path.join(import.meta.dirname, "dist", "failover.svg") },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

/** Standard output belongs to the JSON if there is any. */
const out = flags.json ? process.stderr : process.stdout;
const say = (text: string) => void out.write(`${text}\n`);

async function show(target: Target): Promise<number> {
  const guard = createGuard({ endpoints: target.endpoints, onUnavailable: "throw", timeoutMs: 3_000 });
  let leader = 0;
  guard.on("topology", (event) => {
    leader = event.leaderId;
  });
  try {
    await guard.ready({ timeoutMs: 10_000 });
    const leaderBefore = await target.leaderId();
    const unprinted: Answer[] = [];
    let killedAt = performance.now() + before;
    say("\n   seconds answers  by quorum  by leader  failed  leader   slowest");
    const asking = askOnSchedule({
      everyMs,
      ask: () => guard.allow("kill-the-leader", rule.limit, rule.window, rule.options),
      onAnswer: (answer) => void unprinted.push(answer),
    });
    const printRow = () => say(row((performance.now() - killedAt) / 1_000, unprinted.splice(0), leader));
    let rows = setInterval(printRow, rowMs);
    try {
      await pause(before);
      // No row mixes what was answered before the kill with what came after it.
      clearInterval(rows);
      if (unprinted.length > 0) printRow();
      rows = setInterval(printRow, rowMs);
      say(styleText("red", `  ${target.howItKills(leaderBefore)}`, { stream: out }));
      killedAt = performance.now();
      await target.kill(leaderBefore);
      await pause(after - (performance.now() - killedAt));
    } finally {
      clearInterval(rows);
      await asking.stop();
    }
    return await account(await asking.stop(), killedAt, leaderBefore, await target.leaderId());
  } finally {
    await guard.close();
  }
}

/** What was answered in the last 100 ms, by the decision's source, and the slowest of it: a block for every 5 ms. */
function row(seconds: number, answers: readonly Answer[], leader: number): string {
  const count = (source: Answer["source"]) => String(answers.filter((one) => one.source === source).length);
  const slowest = Math.max(0, ...answers.map((one) => one.latencyMs));
  return [
    `${seconds >= 0 ? "+" : "−"}${Math.abs(seconds).toFixed(1)} s`.padStart(10),
    String(answers.length).padStart(7),
    count("quorum").padStart(10),
    count("leader").padStart(10),
    count("none").padStart(7),
    (leader === 0 ? "nobody" : `node ${leader}`).padStart(8),
    `${slowest.toFixed(0).padStart(7)} ms`,
    "▇".repeat(Math.min(30, Math.ceil(slowest / 5))),
  ].join(" ");
}

/** Draws the calls around the kill and says what became of all. Resolves with the exit status. */
async function account(
  answers: readonly Answer[],
  killedAt: number,
  leaderBefore: number,
  leaderAfter: number,
): Promise<number> {
  const calls = answers.map((answer) => ({
    startedAtMs: answer.dueAt - killedAt,
    latencyMs: answer.latencyMs,
    outcome: answer.outcome,
  }));
  const gap = longestGap(calls);
  const timeline = latencyTimeline({
    title: "Every call around a killed leader",
    calls: callsAroundKill(calls),
    note: `one call every ${everyMs} ms`,
  });
  const file = path.resolve(process.env.INIT_CWD ?? "", flags.svg);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, standaloneSvg(timeline));

  const count = (outcome: Answer["outcome"]) => calls.filter((call) => call.outcome === outcome).length;
  const failed = count("failed");
  const degraded = count("degraded");
  const result = {
    gapMs: gap.gapMs,
    calls: calls.length,
    allowed: count("allowed"),
    denied: count("denied"),
    degraded,
    failed,
    leaderBefore,
    leaderAfter,
    svg: file,
  };
  say(
    `\n  ${gap.gapMs} ms without an answer; ${result.calls} calls: ${result.allowed} allowed, ${result.denied} denied, ${failed} failed, ${degraded} degraded`,
  );
  say(`  leader: node ${leaderBefore}, then node ${leaderAfter}\n  picture: ${file}`);
  const firstFailure = answers.find((answer) => answer.error !== null)?.error;
  if (firstFailure !== undefined) say(`  the first failure: ${String(firstFailure)}`);
  if (flags.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  return failed + degraded === 0 && leaderAfter !== leaderBefore ? 0 : 1;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function main(): Promise<number> {
  if (flags.help) {
    process.stdout.write(`${usage}\n`);
    return 0;
  }
  // A signal must not leave nodes behind: leaving ends those that this process started.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130));
  if (flags.kill !== undefined && flags.endpoints === undefined)
    throw new Error("--kill needs --endpoints: a cluster of its own is killed without it");
  const target =
    flags.endpoints === undefined
      ? await ownCluster(say)
      : await runningCluster(flags.endpoints.split(","), flags.kill);
  try {
    return await show(target);
  } finally {
    await target.stop();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`kill-the-leader: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
