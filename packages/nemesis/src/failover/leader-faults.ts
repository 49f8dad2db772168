import { setTimeout as pause } from "node:timers/promises";
import type { DirectionMode } from "../network/direction.ts";
import type { NemesisCluster } from "../nodes/nemesis-cluster.ts";
import type { Instrument } from "../nodes/node-plan.ts";
import type { FailoverFault } from "./failover-options.ts";
import { wellAgain } from "./well-again.ts";

/** What a fault acts on. */
export interface FaultAct {
  readonly cluster: NemesisCluster;
  readonly leader: number;
  /** From 0: faults of one kind differ a little from each other. */
  readonly trial: number;
  /** Resolves when the caller has been served for a while. */
  served(): Promise<void>;
}

/** Longer than what callers grant a call, less than any of them would wait twice. */
const times = { pauseMs: 3_000, partitionMs: 2_000, partitionStepMs: 250, stallMs: 2_500, patienceMs: 30_000 } as const;
const ways: readonly DirectionMode[] = [{ kind: "hold" }, { kind: "drop" }];

async function kill({ cluster, leader, served }: FaultAct): Promise<void> {
  await cluster.kill([leader]);
  await served();
  await cluster.start(leader);
}

async function stop({ cluster, leader }: FaultAct): Promise<void> {
  cluster.signal(leader, "SIGSTOP");
  await pause(times.pauseMs);
  cluster.signal(leader, "SIGCONT");
}

/** By turns the clients lose the leader too; and what was under way is late, or lost with its connection. */
async function partition({ cluster, leader, trial }: FaultAct): Promise<void> {
  const way = ways[(trial >> 1) % ways.length]!;
  for (const other of cluster.nodeIds) {
    if (other === leader) continue;
    for (const link of [cluster.peerLink(leader, other), cluster.peerLink(other, leader)]) link.shape(way, way);
  }
  if (trial % 2 === 1) cluster.clientLink(leader).shape(way, way);
  await pause(times.partitionMs + (trial % 5) * times.partitionStepMs);
  await cluster.healLinks();
}

async function stallDisk({ cluster, leader }: FaultAct): Promise<void> {
  cluster.hangFlushes(leader, true);
  await pause(times.stallMs);
  cluster.hangFlushes(leader, false);
}

/** As a deployment does it, which goes on when a node is as far as the others. */
async function rollingRestart({ cluster }: FaultAct): Promise<void> {
  for (const nodeId of cluster.nodeIds) {
    await cluster.terminate(nodeId);
    await cluster.start(nodeId);
    await wellAgain(cluster, times.patienceMs);
  }
}

/** How a fault is done and undone, and what it needs around the nodes for that. */
export interface LeaderFault {
  readonly act: (act: FaultAct) => Promise<void>;
  readonly instruments: readonly Instrument[];
}

/** The faults of a failover, by name. */
export const leaderFaults: Readonly<Record<FailoverFault, LeaderFault>> = {
  kill: { act: kill, instruments: [] },
  pause: { act: stop, instruments: [] },
  partition: { act: partition, instruments: ["clientLinks"] },
  "stall-disk": { act: stallDisk, instruments: ["flushes"] },
  "rolling-restart": { act: rollingRestart, instruments: [] },
};
