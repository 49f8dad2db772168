import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { NodeLaunch } from "@quorumguard/testbed";
import type { HostOptions } from "./host-options.ts";

/** What runs as a node: the built command, or a host whose disk is small, and forgetful or not. */
export type NodeKind = "command" | "small" | "forgetful";

/** Addresses and places of one node; they stay the same over its restarts. */
export interface NodePlan {
  readonly nodeId: number;
  readonly grpcPort: number;
  readonly httpPort: number;
  readonly peerPort: number;
  /** Peer addresses as this node sees them: its own, and of the others the links that lead to them. */
  readonly cluster: readonly { readonly nodeId: number; readonly port: number }[];
  /** The link that clients take. */
  readonly clientPort: number;
  readonly dataFolder: string;
  readonly clockFile: string;
  /** Its flushes hang while there is such a file. */
  readonly hangFile: string;
  readonly wrapper: readonly string[];
}

const hostScript = fileURLToPath(new URL("./host-main.ts", import.meta.url));
/** What every node loads before its own code: a clock that can be stepped, and flushes that can be held. */
const preloads = ["./stepped-clock.ts", "./hanging-flush.ts"].map((file) => new URL(file, import.meta.url).href);
const host = "127.0.0.1";

/** How a node's process is started. @param repair What is damaged in its folder shall be repaired by the others. */
export function launchOf(
  plan: NodePlan,
  kind: NodeKind,
  repair = false,
): { readonly flags: readonly string[]; readonly launch: NodeLaunch } {
  const launch = {
    wrapper: plan.wrapper,
    nodeFlags: ["--disable-warning=ExperimentalWarning", ...preloads.flatMap((url) => ["--import", url])],
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
    node: { snapshotLogBytes: 16 * 1024, trailingEntries: 20, segmentBytes: 64 * 1024 },
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
