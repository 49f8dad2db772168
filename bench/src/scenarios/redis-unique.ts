import { type Load, measure, type Sample } from "../measure.ts";
import { median } from "../median.ts";
import type { ScenarioOptions, ScenarioResult } from "../scenario.ts";
import type { System } from "../system.ts";
import { startQuorumGuard } from "../systems/quorumguard.ts";
import { startRedis } from "../systems/redis.ts";

const inFlight = 256;

/** Unique keys, 256 callers in flight: our three flushed nodes against Redis without persistence, in turns. */
export async function redisUnique({ quick, say }: ScenarioOptions): Promise<ScenarioResult> {
  const repeats = quick ? 3 : 5;
  const durationMs = quick ? 2_000 : 5_000;
  let keys = 0;
  const load: Load = { inFlight, durationMs, key: () => `unique-${keys++}` };

  const systems: System[] = [];
  const samples = new Map<System, Sample[]>();
  try {
    for (const start of [
      startQuorumGuard,
      () => startRedis({ autoPipelining: false }),
      () => startRedis({ autoPipelining: true }),
    ]) {
      const system = await start();
      systems.push(system);
      samples.set(system, []);
    }
    const [ours, ...redis] = systems as [System, System, System];
    for (const system of systems) await measure(system, { ...load, durationMs: quick ? 1_500 : 3_000 });
    const flushesBefore = await ours.flushes();
    for (let repeat = 0; repeat < repeats; repeat++) {
      // The order turns round, so that no system always follows the same one.
      for (const system of repeat % 2 === 0 ? systems : [...systems].reverse()) {
        const sample = await measure(system, load);
        samples.get(system)!.push(sample);
        say(
          `  ${system.name.padEnd(24)} ${Math.round(sample.decisionsPerSecond).toLocaleString("en").padStart(9)} decisions/s` +
            `   p50 ${sample.p50Ms.toFixed(2)} ms   p99 ${sample.p99Ms.toFixed(2)} ms`,
        );
      }
    }
    const flushesAfter = await ours.flushes();
    const rate = (system: System) => median(samples.get(system)!.map((sample) => sample.decisionsPerSecond));
    const fasterRedis = Math.max(...redis.map(rate));
    const summary = {
      ours: Math.round(rate(ours)),
      /** The faster of plain and auto-pipelined. */
      redis: Math.round(fasterRedis),
      ratio: Math.round((rate(ours) / fasterRedis) * 1_000) / 1_000,
      flushesPerNode: flushesAfter!.map((flushes, i) => flushes - flushesBefore![i]!),
    };
    return {
      line: `ours ${summary.ours}, redis ${summary.redis}, ratio ${summary.ratio}`,
      summary,
      details: { samples: Object.fromEntries(systems.map((system) => [system.name, samples.get(system)!])) },
    };
  } finally {
    await Promise.all(systems.map((system) => system.stop()));
  }
}
