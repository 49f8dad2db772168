import { setTimeout as pause } from "node:timers/promises";
import { type AskedItem, auditCallers, type CallerRecord } from "@quorumguard/audit";
import {
  type AlgorithmName,
  algorithmNames,
  boundRatioByCallers,
  cellOf,
  collectCell,
  gapAroundMs,
  keyOf,
  measureCell,
  planArrivals,
  type RunPlan,
  type RunResult,
  ruleOf,
} from "@quorumguard/exactness";
import { createGuard, type Guard, GuardError } from "@quorumguard/sdk-node";
import { type LocalCluster, startLocalCluster } from "@quorumguard/testbed";
import { hostClockUs } from "../host-clock.ts";
import { createRandom } from "../random.ts";
import type { HeardCalls } from "./heard-calls.ts";

/** Long enough to outlast the restart of a lone node on a busy machine, whose processes wait for their turn. */
const timeoutMs = 10_000;
const readyMs = 30_000;

interface Question {
  readonly guard: Guard;
  readonly algorithm: AlgorithmName;
  readonly items: readonly AskedItem[];
}

interface Moment {
  readonly atUs: number;
  readonly count: number;
  readonly question: Question;
}

/** Runs node processes of the built command, and asks them through one guard of the SDK per client. */
export async function runReal(plan: RunPlan, heard: HeardCalls): Promise<RunResult> {
  const beganMs = performance.now();
  heard.clear();
  const cluster = await startLocalCluster({ nodes: plan.nodes });
  const guards = Array.from({ length: plan.clients }, () =>
    createGuard({ endpoints: [...cluster.endpoints], onUnavailable: "throw", timeoutMs }),
  );
  const records: CallerRecord[] = [];
  const problems: string[] = [];
  let killedAtUs: number | null = null;
  try {
    await Promise.all(guards.map((guard) => guard.ready({ timeoutMs: readyMs })));
    const durationUs = Math.ceil((plan.windows + 1) * plan.windowMs * 1_000 * 1.02);
    const startUs = hostClockUs();
    const killing = plan.leaderKilled
      ? killLeader(cluster, plan, durationUs).then((atUs) => {
          killedAtUs = atUs;
        })
      : null;
    await Promise.all([arrive(planMoments(plan, guards, durationUs), startUs, records), killing]);
    // Whoever was killed is back: a node that is still starting knows no orderly end.
    if (plan.leaderKilled) await cluster.waitUntilCaughtUp(readyMs);
  } finally {
    await Promise.all(guards.map((guard) => guard.close()));
    const codes = await cluster.stop();
    if (codes.some((code) => code !== 0)) problems.push(`nodes ended with ${codes.join(", ")}`);
  }
  return conclude(plan, records, heard, killedAtUs, problems, (performance.now() - beganMs) / 1_000);
}

function planMoments(plan: RunPlan, guards: readonly Guard[], durationUs: number): Moment[] {
  const random = createRandom(plan.seed);
  const moments = guards.flatMap((guard, client) =>
    algorithmNames.flatMap((algorithm) => {
      const rule = ruleOf(plan, algorithm);
      const perSecond = (plan.load * rule.limit * 1_000) / plan.windowMs / plan.clients;
      const draw = random.fork(`client ${client} ${algorithm}`).next;
      const question = { guard, algorithm, items: [{ key: keyOf(algorithm), rule, cost: 1 }] };
      return planArrivals(draw, perSecond, durationUs).map((group) => ({ ...group, question }));
    }),
  );
  return moments.sort((one, other) => one.atUs - other.atUs);
}

/** An open loop: nobody waits for an answer before the next call. Resolves once every call has ended. */
async function arrive(moments: readonly Moment[], startUs: number, records: CallerRecord[]): Promise<void> {
  const calls: Promise<void>[] = [];
  for (const { atUs, count, question } of moments) {
    const waitMs = (startUs + atUs - hostClockUs()) / 1_000;
    if (waitMs > 0) await pause(waitMs);
    for (let at = 0; at < count; at++) calls.push(ask(question, records));
  }
  await Promise.all(calls);
}

async function ask({ guard, algorithm, items }: Question, records: CallerRecord[]): Promise<void> {
  const { key, rule } = items[0]!;
  const startUs = hostClockUs();
  const burst = algorithm === "token-bucket" ? { burst: rule.burst } : {};
  let outcome: Pick<CallerRecord, "allowed" | "source" | "degraded" | "error" | "applied">;
  try {
    const decision = await guard.allow(key, rule.limit, `${rule.windowUs / 1_000}ms`, { algorithm, ...burst });
    const { allowed, source, degraded } = decision;
    outcome = { allowed, source, degraded, error: null, applied: null };
  } catch (error) {
    const known = error instanceof GuardError ? error : null;
    const why = known?.code ?? String(error);
    outcome = { allowed: null, source: "", degraded: false, error: why, applied: known?.applied ?? "unknown" };
  }
  records.push({ client: "", startUs, endUs: hostClockUs(), items, requestId: null, ...outcome });
}

/** SIGKILL to the leader in the middle of the run; it comes back on its own data. Resolves with when it was. */
async function killLeader(cluster: LocalCluster, plan: RunPlan, durationUs: number): Promise<number> {
  await pause((durationUs / 1_000) * (createRandom(plan.seed).fork("kill").between(35, 55) / 100));
  const { nodeId } = await cluster.waitForLeader(readyMs);
  const atUs = hostClockUs();
  await cluster.kill(nodeId);
  if (plan.nodes > 1) await pause(500);
  await cluster.restart(nodeId);
  return atUs;
}

function conclude(
  plan: RunPlan,
  records: readonly CallerRecord[],
  heard: HeardCalls,
  killedAtUs: number | null,
  problems: readonly string[],
  seconds: number,
): RunResult {
  const wire = heard.calls();
  const cells = algorithmNames.map((algorithm) => {
    const rule = ruleOf(plan, algorithm);
    const own = records.filter(({ items }) => items[0]!.key === keyOf(algorithm));
    // The reply to a call that was sent again bears the stamp of the repetition, not that of the charge: the bound is judged by
    // the callers' own clock, which knows nothing of stamps.
    const boundRatio = boundRatioByCallers(rule, own);
    const evidence = collectCell(keyOf(algorithm), rule, { wire, records: own, placeOf: () => undefined });
    return cellOf(plan, algorithm, measureCell({ ...evidence, boundRatio }));
  });
  const unknown = new Set(records.flatMap(({ error }) => (error === null || bearable.has(error) ? [] : [error])));
  // A lone node that starts again sets its time by its own clocks, so no window of its callers reaches across that.
  const breaks = killedAtUs !== null && plan.nodes === 1 ? [{ fromUs: killedAtUs, toUs: killedAtUs + 2_000_000 }] : [];
  const violations = [
    ...problems,
    ...heard.violations,
    ...auditCallers(records, breaks),
    ...[...unknown].map((error) => `a caller got ${error}, which no fault of this run explains`),
  ];
  return {
    plan,
    cells,
    kill: killedAtUs === null ? null : { how: "killed", gapMs: gapAroundMs(killedAtUs, records) },
    degraded: records.filter(({ degraded }) => degraded).length,
    violations: violations.slice(0, 20),
    seconds,
  };
}

const bearable: ReadonlySet<string> = new Set(["unavailable", "overloaded", "timed_out"]);
