import { startLocalCluster } from "@quorumguard/testbed";
import { type SystemName, systems } from "../systems/index.ts";
import { leaderFirst } from "../systems/quorumguard.ts";
import { readPeerTimes, readThreadTimes, type ThreadTimes } from "./thread-times.ts";

/** One or more processes that are told together, under one heading. */
export interface Watched {
  readonly role: string;
  /** Whose V8 profile tells them apart; null: they have none. */
  readonly profiledPid: number | null;
  times(): Promise<ThreadTimes>;
}

/** Servers whose processor time is looked at. */
export interface WatchedServers {
  endpoints(): Promise<readonly string[]>;
  /** Who is what now. `reign` is another one once the lead has changed. */
  watch(): Promise<{ readonly reign: string; readonly watched: readonly Watched[] }>;
  stop(): Promise<void>;
}

/** A process of Node.js under V8's profiler. */
export function profiledProcess(role: string, pid: number): Watched {
  return { role, profiledPid: pid, times: () => readThreadTimes(pid) };
}

/** Starts a system: of ours, the leader and one follower are told apart; of a peer, all processes together. */
export function openServers(system: SystemName): Promise<WatchedServers> {
  return system === "quorumguard" ? openNodes() : openPeer(system);
}

async function openNodes(): Promise<WatchedServers> {
  const cluster = await startLocalCluster({ nodes: 3 });
  return {
    endpoints: () => leaderFirst(cluster),
    async watch() {
      const leader = await cluster.waitForLeader();
      const follower = cluster.nodes.find(({ nodeId }) => nodeId !== leader.nodeId)!;
      const watched = [
        profiledProcess("leader", cluster.pid(leader.nodeId)!),
        profiledProcess("follower", cluster.pid(follower.nodeId)!),
      ];
      return { reign: String(leader.term), watched };
    },
    stop: async () => void (await cluster.stop()),
  };
}

async function openPeer(name: Exclude<SystemName, "quorumguard">): Promise<WatchedServers> {
  const system = await systems[name]();
  const servers: Watched = { role: "servers", profiledPid: null, times: () => readPeerTimes(system.pids()) };
  return {
    endpoints: () => system.endpoints(),
    watch: async () => ({ reign: (await system.endpoints())[0]!, watched: [servers] }),
    stop: () => system.stop(),
  };
}
