import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { NodeLaunch } from "@quorumguard/testbed";
import type { HostOptions } from "./host-options.ts";

/** What runs as a node: the built command, or a host whose disk is small, and forgetful or not. */
export type NodeKind = "command" | "small" | "forgetful";

/**
 * What a node has around it for faults to act on, besides the links among nodes: a link for its clients, a clock that can be stepped,
 * flushes that can be held. Each costs a node time or memory, which a run that measures it does without.
 */
export type Instrument = "clientLinks" | "clock" | "flushes";

/** Addresses and places of one node; they stay the same over its restarts. */
export interface NodePlan {
  readonly nodeId: number;
  readonly grpcPort: number;
  readonly httpPort: number;
  readonly peerPort: number;
  /** Peer addresses as this node sees them: its own, and of the others the links that lead to them. */
  readonly cluster: readonly { readonly nodeId: number; readonly port: number }[];
  /** Where clients reach it: the link that they take, or itself. */
  readonly clientPort: number;
  readonly instruments: readonly Instrument[];
  readonly dataFolder: string;
  readonly clockFile: string;
  /** Its flushes hang while there is such a file. */
  readonly hangFile: string;
  readonly wrapper: readonly string[];
}

const hostScript = fileURLToPath(new URL("./host-main.ts", import.meta.url));
/** What a node loads before its own code. */
const preloads: Readonly<Partial<Record<Instrument, string>>> = {
  clock: new URL("./stepped-clock.ts", import.meta.url).href,
  flushes: new URL("./hanging-flush.ts", import.meta.url).href,
};
const host = "127.0.0.1";

/** How a node's process is started. @param repair What is damaged in its folder shall be repaired by the others. */
export function launchOf(
  plan: NodePlan,
  kind: NodeKind,
  repair = false,
): { readonly flags: readonly string[]; readonly launch: NodeLaunch } {
  const imports = plan.instruments.flatMap((one) => preloads[one] ?? []).flatMap((url) => ["--import", url]);
  const launch = {
    wrapper: plan.wrapper,
    nodeFlags: ["--disable-warning=ExperimentalWarning", ...imports],
    environment: { QUORUMGUARD_NEMESIS_CLOCK: plan.clockFile, QUORUMGUARD_NEMESIS_FLUSHES: plan.hangFile },
  };
  const flags = [
    ...["--id", String(plan.nodeId), "--data", plan.dataFolder],
    ...["--cluster", plan.cluster.map(({ nodeId, port }) => `${nodeId}=${host}:${port}`).join(",")],
    ...[
      "--grpc",
      `${host}:${plan.grpcPort}`,
      "--http",
      `${host}:${plan.httpPort}`,
      "--peer",
      `${host}:${plan.peerPort}`,
    ],
    ...["--advertise-grpc", `${host}:${plan.clientPort}`],
  ];
  if (kind === "command") return { flags: repair ? [...flags, "--repair"] : flags, launch };
  const options: HostOptions = {
    nodeId: plan.nodeId,
    cluster: plan.cluster.map(({ nodeId, port }) => ({ nodeId, host, port })),
    dataFolder: plan.dataFolder,
    forgetful: kind === "forgetful",
    grpc: { host, port: plan.grpcPort },
    http: { host, port: plan.httpPort },
    peer: { host, port: plan.peerPort },
    advertiseGrpc: `${host}:${plan.clientPort}`,
    processMetrics: false,
    repair,
    // Small enough that a node which was away for a moment must be sent a snapshot.
    node: { snapshotLogBytes: 64 * 1024, trailingEntries: 20, segmentBytes: 64 * 1024 },
  };
  return {
    flags: [],
    launch: {
      ...launch,
      script: [hostScript, JSON.stringify(options)],
    },
  };
}

/** Where a node of a run keeps its things. */
export function foldersOf(
  folder: string,
  nodeId: number,
): { readonly data: string; readonly clock: string; readonly hang: string; readonly log: string } {
  return {
    data: join(folder, `node-${nodeId}`),
    clock: join(folder, `node-${nodeId}.clock`),
    hang: join(folder, `node-${nodeId}.hang`),
    log: join(folder, `node-${nodeId}.log`),
  };
}
