import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A node of the cluster on this machine: host:port of each listener, and its folder. */
export interface DevNode {
  readonly nodeId: number;
  readonly grpc: string;
  readonly http: string;
  readonly peer: string;
  readonly data: string;
}

/** Something that happened to a development cluster or to one of its nodes. */
export type DevEvent =
  | { readonly event: "started"; readonly nodeId: number; readonly pid: number }
  /** Every running node knows the same leader, for the first time. */
  | {
      readonly event: "ready";
      readonly leaderId: number;
      readonly term: number;
      readonly endpoints: readonly string[];
      readonly httpUrls: readonly string[];
    }
  | { readonly event: "leader"; readonly nodeId: number; readonly leaderId: number; readonly term: number }
  | {
      readonly event: "exited";
      readonly nodeId: number;
      readonly status: number | null;
      readonly signal: string | null;
    }
  | { readonly event: "log"; readonly nodeId: number; readonly level: string; readonly text: string }
  | { readonly event: "stopping" };

/** pino's numbers. */
const levels: Readonly<Record<number, string>> = { 20: "debug", 30: "info", 40: "warn", 50: "error", 60: "error" };

/** Runs nodes as child processes, tells what they log, and ends them together. It restarts none. */
export class DevCluster {
  readonly #nodes: readonly DevNode[];
  readonly #sharedFlags: readonly string[];
  readonly #tell: (event: DevEvent) => void;
  readonly #children = new Map<number, ChildProcess>();
  readonly #leaders = new Map<number, number>();
  #ready = false;
  #stopping = false;
  #failed = false;

  /** `sharedFlags`: what every node is given besides its own. */
  constructor(nodes: readonly DevNode[], sharedFlags: readonly string[], tell: (event: DevEvent) => void) {
    this.#nodes = nodes;
    this.#sharedFlags = sharedFlags;
    this.#tell = tell;
  }

  /** Resolves with the exit status once all have ended: 0 if they were asked to. */
  run(): Promise<number> {
    return new Promise((resolve) => {
      // The first request hands over and drains; who asks twice is in a hurry.
      const stop = () => this.#signalAll(this.#stopping ? "SIGKILL" : "SIGTERM");
      process.on("SIGINT", stop);
      process.on("SIGTERM", stop);
      process.on("SIGHUP", stop);
      process.on("exit", () => this.#signalAll("SIGKILL"));
      for (const node of this.#nodes) this.#spawn(node, () => resolve(this.#stopping && !this.#failed ? 0 : 1));
    });
  }

  #spawn(node: DevNode, allEnded: () => void): void {
    const command = fileURLToPath(
      new URL(import.meta.url.endsWith(".ts") ? "./main.ts" : "./main.js", import.meta.url),
    );
    const cluster = this.#nodes.map(({ nodeId, peer }) => `${nodeId}=${peer}`).join(",");
    const flags = ["--id", String(node.nodeId), "--cluster", cluster, "--data", node.data, "--grpc", node.grpc];
    // A child of its own group: Ctrl-C reaches it through us alone, so that one signal is one signal.
    const child = spawn(
      process.execPath,
      [...process.execArgv, command, "node", ...flags, "--http", node.http, ...this.#sharedFlags, "--stop-with-stdin"],
      { stdio: ["pipe", "ignore", "pipe"], detached: true },
    );
    this.#children.set(node.nodeId, child);
    createInterface({ input: child.stderr }).on("line", (line) => this.#onLine(node.nodeId, line));
    child.on("spawn", () => this.#tell({ event: "started", nodeId: node.nodeId, pid: child.pid ?? 0 }));
    child.on("error", (error) =>
      this.#tell({ event: "log", nodeId: node.nodeId, level: "error", text: error.message }),
    );
    child.on("close", (status, signal) => {
      this.#children.delete(node.nodeId);
      this.#leaders.delete(node.nodeId);
      this.#failed ||= this.#stopping && status !== 0;
      this.#tell({ event: "exited", nodeId: node.nodeId, status, signal });
      // Founders wait for each other: without one of them, the rest would wait for ever.
      if (!this.#ready && !this.#stopping) {
        this.#failed = true;
        this.#signalAll("SIGTERM");
      }
      if (this.#children.size === 0) allEnded();
    });
  }

  #onLine(nodeId: number, line: string): void {
    const record = parseRecord(line);
    if (record === null) {
      // Not from the log: what a command says before it ends with an error.
      this.#tell({ event: "log", nodeId, level: "error", text: line });
      return;
    }
    const { level, event, nodeId: _nodeId, time: _time, ...fields } = record;
    if (event === "topology") this.#onTopology(nodeId, Number(fields.leaderId), Number(fields.term));
    else
      this.#tell({
        event: "log",
        nodeId,
        level: levels[Number(level)] ?? "info",
        text: `${event} ${JSON.stringify(fields)}`,
      });
  }

  #onTopology(nodeId: number, leaderId: number, term: number): void {
    this.#leaders.set(nodeId, leaderId);
    this.#tell({ event: "leader", nodeId, leaderId, term });
    const agreed = [...this.#children.keys()].every((each) => this.#leaders.get(each) === leaderId);
    if (this.#ready || leaderId === 0 || !agreed) return;
    this.#ready = true;
    const endpoints = this.#nodes.map((node) => node.grpc);
    this.#tell({
      event: "ready",
      leaderId,
      term,
      endpoints,
      httpUrls: this.#nodes.map((node) => `http://${node.http}`),
    });
  }

  #signalAll(signal: "SIGTERM" | "SIGKILL"): void {
    if (!this.#stopping) this.#tell({ event: "stopping" });
    this.#stopping = true;
    for (const child of this.#children.values()) child.kill(signal);
  }
}

function parseRecord(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
