import { seededRandom } from "../decisions/random.ts";
import type { Configuration } from "./configuration.ts";
import { type Costs, wholesOf } from "./cost-model.ts";
import type { MeasuredSamples } from "./measure.ts";

export const cores = 2;

/** What decisions cost in a world of which everything is known, on so many cores. */
export const invented = {
  leader: {
    decision: 5,
    entry: 200,
    follower: 0.5,
    entryFollower: 60,
    byte: 0.012,
    newKey: 1.5,
    doubling: 0.2,
    crowd: 80,
  },
  follower: { decision: 2, entry: 150, byte: 0.006, newKey: 1, doubling: 0.2, crowd: 50 },
  client: { decision: 3, frame: 80, byte: 0.008, afterOther: 240 },
  /** Of the processor time, what the main thread has. */
  threadShare: 0.9,
  flush: { decision: 0.1, entry: 250, byte: 0.001 },
  leaderSentBytes: { decision: 60, entry: 1_500, follower: 30, entryFollower: 1_200, byte: 1, byteFollower: 1 },
  logBytes: { decision: 30, entry: 300, byte: 1 },
  batch: { ofProcess: 1.05, squared: -0.02, processes: 0.3 },
  frame: { ofProcess: 0.95, processes: -0.2 },
  spacing: { cpu: 0.5, alone: 0.3, waitUs: 400, followersUs: 300 },
} as const;

/** What a configuration comes to there. */
export function truthOf({ nodes, inFlight, processes, keyBytes, keys }: Configuration): Costs {
  const { leader, follower, client, threadShare, flush, leaderSentBytes, logBytes, batch, frame, spacing } = invented;
  const ofProcess = Math.log(inFlight / processes);
  const met = processes ** batch.processes;
  const callsPerEntry = met * Math.exp(batch.ofProcess * ofProcess + batch.squared * ofProcess ** 2);
  const callsPerFrame = processes ** frame.processes * Math.exp(frame.ofProcess * ofProcess);
  const followers = nodes - 1;
  const crowding = Math.max(0, (nodes + processes) / cores - 1);
  const inUse = keys === "new" ? 80_000 : keys;
  const state = (of: { readonly newKey: number; readonly doubling: number; readonly crowd: number }) =>
    (keys === "new" ? of.newKey : 0) + of.doubling * Math.log2(inUse / 1_024) + (of.crowd * crowding) / callsPerEntry;
  const each = (of: { readonly decision: number; readonly entry: number; readonly byte: number }) =>
    of.decision + of.entry / callsPerEntry + of.byte * keyBytes;
  const sent = (of: { readonly follower: number; readonly entryFollower: number }) =>
    followers * (of.follower + of.entryFollower / callsPerEntry);
  const leaderUs = each(leader) + sent(leader) + state(leader);
  const followerUs = each(follower) + state(follower);
  const frameUs = client.frame + client.afterOther * (1 - 1 / processes);
  const clientUs = client.decision + frameUs / callsPerFrame + client.byte * keyBytes;
  const cpuUs = leaderUs + followers * followerUs + clientUs;
  const spacingUs =
    spacing.cpu * cpuUs +
    (spacing.alone * cpuUs * callsPerEntry) / inFlight +
    (spacing.waitUs + (followers > 0 ? spacing.followersUs : 0)) / inFlight;
  const alone = followers === 0;
  return {
    ...{ leaderUs, leaderThreadUs: threadShare * leaderUs, leaderOthersUs: (1 - threadShare) * leaderUs },
    followerUs: alone ? null : followerUs,
    followerThreadUs: alone ? null : threadShare * followerUs,
    followerOthersUs: alone ? null : (1 - threadShare) * followerUs,
    ...{ clientUs, callsPerEntry, callsPerFrame, keys: inUse, flushUs: each(flush) },
    leaderSentBytes:
      each(leaderSentBytes) + sent(leaderSentBytes) + followers * leaderSentBytes.byteFollower * keyBytes,
    ...{ leaderLogBytes: each(logBytes), followerLogBytes: alone ? null : each(logBytes) },
    decisionsPerSecond: 1e6 / spacingUs,
  };
}

/** Measurements there, each number up to `noise` of it too high or too low. */
export function inventedMeasurements(
  configurations: readonly Configuration[],
  noise = 0,
  seed = 1,
): readonly MeasuredSamples[] {
  const random = seededRandom(seed);
  return configurations.map((configuration) => {
    const entries = Object.entries(truthOf(configuration)).map(([name, value]) => [
      name,
      value === null || name === "keys" ? value : value * (1 + noise * (2 * random() - 1)),
    ]);
    const parts = Object.fromEntries(entries) as Costs;
    const costs = { ...parts, ...wholesOf(parts) };
    return { configuration, costs, samples: [{ ...costs, decisions: 1_000, seconds: 1 }] };
  });
}
