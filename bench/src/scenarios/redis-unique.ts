import { quorumGuard, redisNone, redisNonePipelined } from "../decisions/contenders.ts";
import { type DecisionsPlan, thoroughnessOf } from "../decisions/decisions-scenario.ts";
import { measurePoints } from "../decisions/measure-points.ts";
import type { Measurement, Point } from "../decisions/points.ts";
import { ratioOf } from "../decisions/ratios.ts";
import type { ScenarioOptions, ScenarioResult } from "../scenario.ts";
import { AbsentSystem } from "../system.ts";

const point: Point = {
  name: "256 in flight",
  keys: { kind: "unique" },
  rule: { limit: 100, windowMs: 60_000 },
  inFlight: 256,
  processes: 1,
  contenders: [quorumGuard, redisNone, redisNonePipelined],
};

const times: Pick<DecisionsPlan, "sampleMs"> = { sampleMs: 6_000 };

/**
 * Unique keys, 256 callers in flight: our three flushed nodes against Redis without persistence, in turns. One point of `unique-keys`,
 * in a minute. @throws {AbsentSystem} when there is no Redis: nothing is left to compare.
 */
export async function redisUnique({ quick, say }: ScenarioOptions): Promise<ScenarioResult> {
  return summarize(await measurePoints([point], thoroughnessOf(times, quick), say));
}

/** The faster of plain and auto-pipelined Redis counts. */
export function summarize({ cells, absent, configurations }: Measurement): ScenarioResult {
  if (absent.length > 0) throw new AbsentSystem(absent[0]!.reason);
  const { ours, peer, ratio } = ratioOf(cells, {
    name: point.name,
    ours: { point: point.name, contender: quorumGuard },
    peers: [redisNone, redisNonePipelined].map((contender) => ({ point: point.name, contender })),
  });
  const samples = Object.fromEntries(cells.map((cell) => [cell.contender, cell.samples]));
  const flushes = samples[quorumGuard.name]!.map((sample) => sample.flushes ?? []);
  const summary = {
    ours: Math.round(ours),
    redis: Math.round(peer!),
    ratio,
    flushesPerNode: flushes[0]!.map((_, node) => flushes.reduce((sum, one) => sum + one[node]!, 0)),
  };
  return {
    line: `ours ${summary.ours}, redis ${summary.redis}, ratio ${summary.ratio}`,
    summary,
    details: { configurations, samples },
  };
}
