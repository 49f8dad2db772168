import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "./free-ports.ts";
import { agreedLeader, type LocalStatus, readStatus } from "./local-status.ts";
import { NodeProcesses } from "./node-processes.ts";
import { until } from "./until.ts";

/** A node's addresses and its process, as somebody who runs the published command has them. */
export interface LocalNode {
  readonly nodeId: number;
  readonly grpcEndpoint: string;
  readonly httpUrl: string;
  readonly metricsUrl: string;
}

/** Real node processes on loopback, with data in a temporary folder. */
export interface LocalCluster {
  readonly nodes: readonly LocalNode[];
  readonly endpoints: readonly string[];
  /** SIGKILL, and waits until the process is gone. */
  kill(nodeId: number): Promise<void>;
  /** Starts a killed node again on the same data and the same ports. */
  restart(nodeId: number): Promise<void>;
  /** Ends all nodes, takes their data away, and starts them on the same ports: another cluster, which resolves as {@link startLocalCluster} does. */
  rebuild(): Promise<void>;
  /** SIGSTOP: the process keeps its memory and its connections, and does nothing. */
  pause(nodeId: number): void;
  /** SIGCONT. */
  resume(nodeId: number): void;
  /** The id of a node's process; null while it does not run. */
  pid(nodeId: number): number | null;
  /** Null if the node does not answer. */
  status(nodeId: number): Promise<LocalStatus | null>;
  /** Waits until one node leads and every running node has heard of it. */
  waitForLeader(timeoutMs?: number): Promise<LocalStatus>;
  /** Waits until every node has applied what the leader had committed when asked. */
  waitUntilCaughtUp(timeoutMs?: number): Promise<void>;
  /** SIGTERM to all, then removes the data. Resolves with the exit codes. */
  stop(): Promise<readonly (number | null)[]>;
}

/** How many nodes to start, and with what. */
export interface LocalClusterOptions {
  /** How many, from 1. Default 3: the fewest that survive the loss of one. */
  readonly nodes?: number;
  /** Extra arguments for every node. */
  readonly arguments?: readonly string[];
  /** With `--token-keys` among the arguments: an operator's token, by which `status` asks. Default: none. */
  readonly token?: string;
  /** The command's script, such as an installed package's. Default: the workspace's build. */
  readonly command?: string;
  /** The Node.js that the nodes run on. Default: the one that runs this. */
  readonly program?: string;
  /** Where the nodes' logs go; default: nowhere, but the last lines are shown if a node dies by itself. */
  readonly onLog?: (nodeId: number, text: string) => void;
}

/** Starts the built command once per node, and resolves when a leader is known everywhere. */
export async function startLocalCluster(options: LocalClusterOptions = {}): Promise<LocalCluster> {
  const count = options.nodes ?? 3;
  const ports = await freePorts(count * 3);
  const folder = await mkdtemp(join(tmpdir(), "quorumguard-"));
  const port = (nodeId: number, listener: number) => ports[(nodeId - 1) * 3 + listener]!;
  const nodes = Array.from({ length: count }, (_, i) => ({
    nodeId: i + 1,
    grpcEndpoint: `127.0.0.1:${port(i + 1, 0)}`,
    httpUrl: `http://127.0.0.1:${port(i + 1, 1)}`,
    metricsUrl: `http://127.0.0.1:${port(i + 1, 1)}/metrics`,
  }));
  const founders = nodes.map((node) => `${node.nodeId}=127.0.0.1:${port(node.nodeId, 2)}`).join(",");
  const statusOf = (nodeId: number) => readStatus(nodeId, nodes[nodeId - 1]!.httpUrl, options.token);
  const processes = new NodeProcesses({ onLog: options.onLog, command: options.command, program: options.program });
  const start = (node: LocalNode) =>
    processes.start(node.nodeId, [
      ...["--id", String(node.nodeId), "--cluster", founders, "--data", join(folder, String(node.nodeId))],
      ...["--grpc", node.grpcEndpoint, "--http", node.httpUrl.slice("http://".length)],
      ...["--peer", `127.0.0.1:${port(node.nodeId, 2)}`, ...(options.arguments ?? [])],
    ]);
  const statuses = () => Promise.all(processes.nodeIds.map(statusOf));

  // A script that is itself killed must not leave nodes behind.
  const endAll = () => {
    processes.killAll();
    // A killed process may still be on its way out, and its folder not yet quiet.
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 25 });
  };
  process.once("exit", endAll);

  for (const node of nodes) start(node);
  const cluster: LocalCluster = {
    nodes,
    endpoints: nodes.map((node) => node.grpcEndpoint),
    kill: async (nodeId) => void (await processes.end(nodeId, "SIGKILL")),
    restart: async (nodeId) => start(nodes[nodeId - 1]!),
    rebuild: async () => {
      await Promise.all(nodes.map(({ nodeId }) => cluster.kill(nodeId)));
      await Promise.all(nodes.map(({ nodeId }) => rm(join(folder, String(nodeId)), { recursive: true, force: true })));
      for (const node of nodes) start(node);
      await cluster.waitForLeader(120_000);
    },
    pause: (nodeId) => void processes.signal(nodeId, "SIGSTOP"),
    resume: (nodeId) => void processes.signal(nodeId, "SIGCONT"),
    pid: (nodeId) => processes.pid(nodeId),
    status: statusOf,
    waitForLeader: (timeoutMs = 60_000) => until("no leader", timeoutMs, async () => agreedLeader(await statuses())),
    waitUntilCaughtUp: async (timeoutMs = 60_000) => {
      const leader = await cluster.waitForLeader(timeoutMs);
      await until("a node did not catch up", timeoutMs, async () => {
        const all = await statuses();
        return all.every((status) => status !== null && status.appliedIndex >= leader.commitIndex) || null;
      });
    },
    stop: async () => {
      const codes = await Promise.all(nodes.map((node) => processes.end(node.nodeId, "SIGTERM")));
      await rm(folder, { recursive: true, force: true });
      process.off("exit", endAll);
      return codes;
    },
  };
  try {
    await cluster.waitForLeader(120_000);
  } catch (error) {
    const said = processes.tails();
    await cluster.stop();
    throw new Error(`the cluster did not form; its nodes wrote last:\n${said}`, { cause: error });
  }
  return cluster;
}
