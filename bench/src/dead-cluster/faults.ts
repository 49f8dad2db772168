import { fork } from "node:child_process";
import { once } from "node:events";
import { freePorts, type LocalCluster, type LocalStatus } from "@quorumguard/testbed";

/** How a cluster dies. `blackhole`: it lives, and nothing of what callers send arrives, nor is anything refused. */
export const faultNames = ["kill", "pause", "blackhole"] as const;
/** One of {@link faultNames}. */
export type FaultName = (typeof faultNames)[number];

/** One way of making a whole cluster unreachable, and reachable again. */
export interface Fault {
  readonly endpoints: readonly string[];
  readonly routing: "direct" | "forward";
  begin(): Promise<void>;
  /** Resolves when a node leads and can be asked. */
  end(): Promise<void>;
  close(): Promise<void>;
}

/** Prepares a fault of a running cluster. */
export async function prepareFault(name: FaultName, cluster: LocalCluster): Promise<Fault> {
  const ids = cluster.nodes.map(({ nodeId }) => nodeId);
  const direct = { endpoints: cluster.endpoints, routing: "direct", close: async () => {} } as const;
  if (name === "kill") {
    return {
      ...direct,
      begin: async () => void (await Promise.all(ids.map((id) => cluster.kill(id)))),
      async end() {
        await Promise.all(ids.map((id) => cluster.restart(id)));
        await someLeader(cluster);
      },
    };
  }
  if (name === "pause") {
    return {
      ...direct,
      async begin() {
        for (const id of ids) cluster.pause(id);
      },
      async end() {
        for (const id of ids) cluster.resume(id);
        await someLeader(cluster);
      },
    };
  }
  return blackhole(cluster);
}

/** A relay process in front of each node: stopped, it takes connections and bytes, and passes nothing on. */
async function blackhole(cluster: LocalCluster): Promise<Fault> {
  const ports = await freePorts(cluster.nodes.length);
  const pairs = cluster.nodes.map(({ grpcEndpoint }, at) => ({ from: ports[at]!, to: grpcEndpoint }));
  const relay = fork(new URL("./relay.ts", import.meta.url), [JSON.stringify(pairs)]);
  const kill = () => void relay.kill("SIGKILL");
  process.once("exit", kill);
  await once(relay, "message");
  return {
    endpoints: ports.map((port) => `127.0.0.1:${port}`),
    // Members' own addresses would lead past the relays.
    routing: "forward",
    begin: async () => void relay.kill("SIGSTOP"),
    end: async () => void relay.kill("SIGCONT"),
    async close() {
      const exited = once(relay, "exit");
      kill();
      await exited;
      process.off("exit", kill);
    },
  };
}

/** Waits until a node says of itself that it leads: from then on it can be asked. */
async function someLeader(cluster: LocalCluster): Promise<LocalStatus> {
  for (;;) {
    const statuses = await Promise.all(cluster.nodes.map(({ nodeId }) => cluster.status(nodeId)));
    const leader = statuses.find((status) => status?.role === "NODE_ROLE_LEADER");
    if (leader != null) return leader;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
