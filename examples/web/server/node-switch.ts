import { createGuard, type GuardOptions } from "@quorumguard/sdk-node";
import { type LocalCluster, until } from "@quorumguard/testbed";
import type { ClusterView, NodeState } from "../cluster-view.ts";

/** How long a killed node stays away, in milliseconds: long enough to see that two of three are a quorum. */
export const awayMs = 6_000;

/** Why a node was not killed, and when to ask again. */
export interface Refusal {
  readonly reason: string;
}

/** Kills leaders, starts them again, and tells what it looks like meanwhile. */
export interface NodeSwitch {
  view(): ClusterView;
  /** Calls `listener` after each change, until the function that is returned is called. */
  watch(listener: (view: ClusterView) => void): () => void;
  /** `kill -9` to the leader, if all nodes run: more than one of three may not be away. Resolves with its id. */
  killLeader(): Promise<{ readonly nodeId: number } | Refusal>;
  close(): Promise<void>;
}

/** Hears who leads from a guard, as every client does: over its stream, with the new leader's first word. */
export async function createNodeSwitch(
  cluster: LocalCluster,
  token: NonNullable<GuardOptions["token"]>,
): Promise<NodeSwitch> {
  const guard = createGuard({ endpoints: cluster.endpoints, token });
  const listeners = new Set<(view: ClusterView) => void>();
  const returns = new Set<NodeJS.Timeout>();
  const states = new Map<number, NodeState>(cluster.nodes.map(({ nodeId }) => [nodeId, "running"]));
  let [leaderId, term, kills, killedAtMs] = [0, 0, 0, 0];
  let gapMs: number | null = null;
  let closed = false;

  const view = (): ClusterView => ({
    nodes: [...states].map(([nodeId, state]) => ({ nodeId, state })),
    ...{ leaderId, term, kills, gapMs },
  });
  const tell = () => {
    for (const listener of listeners) listener(view());
  };
  const setState = (nodeId: number, state: NodeState) => {
    states.set(nodeId, state);
    tell();
  };
  guard.on("topology", (event) => {
    // What is heard of a leader that was killed meanwhile is old.
    if (event.leaderId === 0 || states.get(event.leaderId) === "killed") return;
    if (leaderId === 0 && kills > 0) gapMs = Math.round(performance.now() - killedAtMs);
    ({ leaderId, term } = event);
    tell();
  });
  const bringBack = async (nodeId: number) => {
    setState(nodeId, "starting");
    await cluster.restart(nodeId);
    await until(`node ${nodeId} does not answer`, 30_000, async () => (closed ? true : await cluster.status(nodeId)));
    setState(nodeId, "running");
  };
  await guard.ready({ timeoutMs: 10_000 });

  return {
    view,
    watch(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async killLeader() {
      if ([...states.values()].some((state) => state !== "running"))
        return { reason: "A node is away already, and the other two are the quorum: wait until it is back." };
      if (leaderId === 0) return { reason: "Nobody leads at the moment." };
      const nodeId = leaderId;
      killedAtMs = performance.now();
      [leaderId, gapMs] = [0, null];
      kills += 1;
      setState(nodeId, "killed");
      await cluster.kill(nodeId);
      const timer = setTimeout(() => {
        returns.delete(timer);
        bringBack(nodeId).catch((error) => process.stderr.write(`${error}\n`));
      }, awayMs);
      returns.add(timer);
      return { nodeId };
    },
    async close() {
      closed = true;
      for (const timer of returns) clearTimeout(timer);
      await guard.close();
    },
  };
}
