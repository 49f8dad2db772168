import { createSessionTap, type SessionTap } from "../check/client-tap.ts";
import { createWiretap, type Wiretap } from "../check/wiretap.ts";
import { type ClientHost, createClientHost } from "../cluster/client-host.ts";
import { createNodeHost, type NodeHost } from "../cluster/node-host.ts";
import { calmNetwork } from "../faults/fault-plan.ts";
import { createClientNetwork, endpointOf } from "../network/client-network.ts";
import { createLinks } from "../network/links.ts";
import { createPeerNetwork } from "../network/peer-network.ts";
import { FrameKind } from "../production.ts";
import type { Random } from "../world/random.ts";
import type { World } from "../world/world.ts";

/** A cluster with the defaults that users have, its clients, and witnesses at both sides of it. */
export interface SimulatedCluster {
  readonly nodes: NodeHost;
  readonly clients: ClientHost;
  readonly wiretap: Wiretap;
  readonly tap: SessionTap;
}

/** A good disk, as the benchmarks' machine has it, with a stall now and then. */
const diskSpeed = { callUs: 20, flushUs: 300, stallChance: 0.001, stallUs: 20_000 };

/** Small, since a virtual disk keeps every page that was ever preallocated. */
const options = { segmentBytes: 1_048_576 };

/** Makes it; no node runs yet. */
export function createSimulatedCluster(
  world: World,
  random: Random,
  size: { readonly nodes: number; readonly clients: number },
): SimulatedCluster {
  const links = createLinks(calmNetwork);
  const wiretap = createWiretap();
  const tap = createSessionTap(
    () => {},
    () => world.nowUs,
  );
  const peers = createPeerNetwork(world, links, random.fork("peer network"), {
    isRaftFrame: (frame) => frame[0] === FrameKind.envelope,
    tap: wiretap.frame,
    received() {},
    installed() {},
    count() {},
    pieceBytes: 65_536,
    refusedNewer() {},
    copying() {},
  });
  const clientNetwork = createClientNetwork(world, links, random.fork("client network"), tap);
  const plan = { bounds: {}, sessionTtlMs: 60_000, maxWallOffsetMs: 50, options, pieceBytes: 65_536, diskSpeed };
  const nodes = createNodeHost(world, random.fork("nodes"), { ...plan, nodes: size.nodes }, peers, clientNetwork, {
    logged() {},
    starting() {},
    crashing() {},
    replaced() {},
    durable(_machine, entries, previousTerm) {
      // A node that is alone sends nothing that could be listened to.
      if (size.nodes === 1) wiretap.sawOwnLog(entries, previousTerm);
    },
    touched() {},
  });
  // Arrivals are made by the audit itself: these clients have no callers of their own.
  const workload = {
    ...{ clients: size.clients, callersPerClient: 0, thinkUs: 0, timeoutMs: 1_000 },
    ...{ burstChance: 0, groupChance: 0, requestChance: 0, leases: false, next: () => [] },
  };
  const endpoints = nodes.machines.map(({ nodeId }) => endpointOf(nodeId));
  const clients = createClientHost(world, random.fork("clients"), workload, () => endpoints, clientNetwork);
  return { nodes, clients, wiretap, tap };
}
