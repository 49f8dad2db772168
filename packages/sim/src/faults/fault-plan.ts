import type { NetworkConditions } from "../network/links.ts";
import type { Random } from "../world/random.ts";

/** Everything that may go wrong. Each seed draws which of them do, so that no fault hides behind the others. */
export const faultKinds = [
  "kill",
  "powerLoss",
  "powerLossOfAll",
  "pause",
  "cut",
  "isolate",
  "breakPeers",
  "breakStreams",
  "cutClient",
  "pauseClient",
  "restartClient",
  "clockStep",
  "slowDisk",
  "shutDown",
  "snapshot",
  "transfer",
  "longPause",
  "stalledDisk",
  "clog",
  "asymmetricPartition",
  "uniformPartition",
  "clockDrift",
  "tornWrite",
  "diskError",
  "corruptWrite",
  "misdirectedWrite",
  "bitRot",
  "rollingRestart",
  "newerVersion",
  "growCluster",
  "shrinkCluster",
  "replaceNode",
  "diskLoss",
  "removeNextLeader",
  "island",
  "leaderCascade",
  "lostAcknowledgements",
  "staleTail",
  "crashInSnapshot",
  "crashAfterSnapshot",
  "figure8",
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** All that is counted: each kind as it happens, not as it is armed, and what the network does to frames and streams. */
export const countedFaults = [...faultKinds, "diskFull", "loss", "duplicate", "reorder", "brokenStreams"] as const;
export type CountedFault = (typeof countedFaults)[number];

/** Which faults a seed brings, and how often. */
export interface FaultPlan {
  readonly kinds: readonly FaultKind[];
  /** Mean time between faults. */
  readonly meanGapUs: number;
  /** Nodes that may be down, paused or isolated at once. */
  readonly maxImpaired: number;
  readonly network: NetworkConditions;
  /** How long the faults last. */
  readonly durationUs: number;
  /** Monotonic clocks run wrong by more than SEMANTICS T can bear: audits that need true time are excepted. */
  readonly badClocks: boolean;
  /** A minority stays dead after the faults, and the rest must serve all the same. */
  readonly deadAtTheEnd: boolean;
  /** Faults begin while the cluster is still forming (SEMANTICS N3). */
  readonly fromTheStart: boolean;
}

/** A network without faults, as fast as one machine room. */
export const calmNetwork: NetworkConditions = {
  delayUs: 150,
  jitterUs: 300,
  loss: 0,
  duplicate: 0,
  reorder: 0,
  streamBreak: 0,
};

/** Draws which faults there are, and how hard they hit. */
export function planFaults(random: Random): FaultPlan {
  const share = random.pick([0.25, 0.5, 0.8]);
  const early = faultKinds.filter((kind) => kind !== "bitRot" && kind !== "figure8");
  const drawn: FaultKind[] = early.filter(() => random.chance(share));
  const sometimes = (chance: number, value: number) => (random.chance(chance) ? value * random.float() : 0);
  if (drawn.length === 0) drawn.push(random.pick(early));
  const others = {
    meanGapUs: random.pick([120, 250, 500]) * 1000,
    maxImpaired: random.chance(0.8) ? 1 : 2,
    durationUs: random.between(1_600, 3_600) * 1000,
    badClocks: random.chance(0.05),
    deadAtTheEnd: random.chance(0.3),
    fromTheStart: random.chance(0.25),
    network: {
      delayUs: random.pick([100, 300, 1_000]),
      jitterUs: random.pick([200, 1_000, 5_000, 20_000]),
      loss: sometimes(0.5, 0.1),
      duplicate: sometimes(0.5, 0.1),
      reorder: sometimes(0.5, 0.1),
      streamBreak: sometimes(0.6, 0.03),
    },
  };
  // Drawn last, so that a seed without it is what it was before there was such a kind.
  if (random.chance(share)) drawn.push("bitRot");
  // Only five voters can play it, so it is drawn for most.
  if (random.chance(0.8)) drawn.push("figure8");
  return { kinds: drawn, ...others };
}
