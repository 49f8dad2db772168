import type { Random } from "../world/random.ts";
import type { ClusterPlan } from "./node-host.ts";

const second = 1_000_000;

/** Draws a cluster: small snapshots and short sessions, so that what takes days elsewhere happens within seconds. */
export function planCluster(random: Random): ClusterPlan {
  const shortLived = random.chance(0.5);
  const sessionTtlUs = shortLived ? random.pick([700_000, 1_500_000]) : 60 * second;
  return {
    nodes: 3,
    bounds: {
      sessionTtlUs,
      maxKeys: 10_000,
      maxResultsPerSession: random.chance(0.8) ? 4_096 : 64,
    },
    sessionTtlMs: sessionTtlUs / 1000,
    maxWallOffsetMs: random.pick([5, 1_000, 60_000]),
    options: {
      snapshotLogBytes: random.pick([2_048, 8_192, 65_536]),
      trailingEntries: random.pick([0, 5, 50]),
      segmentBytes: 65_536,
    },
    diskSpeed: {
      callUs: 20,
      flushUs: random.pick([150, 400, 2_000]),
      stallChance: random.pick([0, 0.01]),
      stallUs: 30_000,
    },
  };
}
