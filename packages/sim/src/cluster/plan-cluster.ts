import type { Random } from "../world/random.ts";
import type { ClusterPlan } from "./node-host.ts";

const second = 1_000_000;

/** Draws a cluster: small snapshots and short sessions, so that what takes days elsewhere happens within seconds. */
export function planCluster(random: Random): ClusterPlan {
  const shortLived = random.chance(0.5);
  const sessionTtlUs = shortLived ? random.pick([700_000, 1_500_000]) : 60 * second;
  const heartbeatMs = random.pick([20, 30, 50, 50]);
  return {
    nodes: random.pick([3, 3, 3, 3, 3, 3, 5, 5, 5, 1]),
    bounds: {
      sessionTtlUs,
      maxKeys: 10_000,
      maxResultsPerSession: random.chance(0.8) ? 4_096 : 64,
    },
    sessionTtlMs: sessionTtlUs / 1000,
    maxWallOffsetMs: random.pick([5, 1_000, 60_000]),
    options: {
      tickMs: random.pick([5, 10, 10, 10, 20, 20]),
      heartbeatMs,
      electionMs: heartbeatMs * random.pick([3, 5, 5, 8]),
      maxEntryItems: random.pick([1_024, 16_384]),
      maxEntryBytes: random.pick([65_536, 1_048_576]),
      maxPendingItems: random.pick([40, 262_144, 262_144]),
      forwardTimeoutMs: random.pick([300, 5_000]),
      snapshotLogBytes: random.pick([8_192, 32_768, 131_072, 524_288]),
      trailingEntries: random.pick([0, 5, 50, 1_000]),
      segmentBytes: random.pick([65_536, 65_536, 131_072]),
    },
    pieceBytes: random.pick([256, 4_096, 65_536]),
    diskSpeed: {
      callUs: random.pick([5, 20, 100]),
      flushUs: random.pick([150, 400, 2_000, 8_000]),
      stallChance: random.pick([0, 0.01]),
      stallUs: 30_000,
    },
  };
}
