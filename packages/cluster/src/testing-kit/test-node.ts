import type { NodeId } from "@quorumguard/raft";
import type { ClusterNode } from "../node/node.ts";
import type { ServerOptions } from "../server/server-options.ts";
import { type OwnedServer, startOwnedServer } from "../server/start-server.ts";
import { DiskGate } from "./disk-gate.ts";
import { host } from "./link.ts";
import { MemoryDisk } from "./memory-disk.ts";
import type { TestNetwork } from "./test-network.ts";
import { type MovedTime, NodeClock } from "./test-time.ts";

/** A node alone has nobody to wait for before it leads. */
const aloneTimings = { heartbeatMs: 10, electionMs: 30 };

/** What a node of a test cluster is doing. `failed`: it had to stop by itself, which no fault of the kit should make it do. */
export type NodeState = "running" | "paused" | "killed" | "failed";

/** What all nodes of a cluster share. */
export interface TestNodeParts {
  readonly nodeIds: readonly NodeId[];
  readonly network: TestNetwork;
  readonly time: MovedTime;
  /** What each node is told in the same words. */
  readonly options: Pick<ServerOptions, "bounds" | "log">;
}

/** One run of a node: what a process would be. */
interface Run {
  readonly server: OwnedServer;
  readonly clock: NodeClock;
  readonly gate: DiskGate;
}

/** One place of a cluster: a disk and addresses, and the node that runs there, or none. */
export class TestNode {
  readonly nodeId: NodeId;
  readonly #parts: TestNodeParts;
  readonly #disk = new MemoryDisk();
  /** Ends of earlier runs, which nobody waits for but the end of the cluster. */
  readonly #ends: Promise<void>[] = [];
  #run: Run | null = null;
  #state: NodeState = "killed";
  #failure: Error | null = null;

  constructor(nodeId: NodeId, parts: TestNodeParts) {
    this.nodeId = nodeId;
    this.#parts = parts;
  }

  get state(): NodeState {
    return this.#state;
  }

  /** Why it had to stop by itself. */
  get failure(): Error | null {
    return this.#failure;
  }

  /** The node, while it runs and moves. */
  get node(): ClusterNode | null {
    return this.#state === "running" ? (this.#run?.server.node ?? null) : null;
  }

  /** Starts on what the disk holds. Its links must be open, or are opened afterwards. */
  async start(): Promise<void> {
    const { network, time, nodeIds, options } = this.#parts;
    const { nodeId } = this;
    const clock = new NodeClock(time);
    const gate = new DiskGate(this.#disk);
    const portOf = (other: NodeId) => (other === nodeId ? 0 : network.peerPort(nodeId, other));
    const server = await startOwnedServer(
      {
        ...options,
        nodeId,
        cluster: nodeIds.map((other) => ({ nodeId: other, host, port: portOf(other) })),
        files: gate,
        grpc: { host, port: 0 },
        http: { host, port: 0 },
        advertiseGrpc: network.grpcEndpoint(nodeId),
        advertiseHttp: network.httpUrl(nodeId),
        // Disks in memory: small files, and snapshots before much log gathers.
        node: { segmentBytes: 1_048_576, snapshotLogBytes: 8_388_608, ...(nodeIds.length === 1 ? aloneTimings : {}) },
        processMetrics: false,
      },
      clock,
    );
    const run: Run = { server, clock, gate };
    this.#run = run;
    this.#state = "running";
    this.#failure = null;
    server.failed.then((error) => {
      if (this.#run !== run) return;
      this.#state = "failed";
      this.#failure = error;
    });
    network.leadTo(nodeId, { grpc: server.grpcPort, http: server.httpPort, peer: server.peerPort });
  }

  /** Ends the node as SIGKILL would: connections break, nothing is handed over, and its disk forgets what was not flushed. */
  async kill(): Promise<void> {
    const run = this.#run;
    this.#run = null;
    this.#state = "killed";
    const closed = this.#parts.network.closeNode(this.nodeId);
    this.#parts.network.setPaused(this.nodeId, false);
    if (run !== null) {
      run.gate.cut();
      this.#disk.losePower();
      // What is left of it speaks to nobody and writes nowhere, and may take its time.
      run.clock.paused = false;
      this.#ends.push(run.server.abort().catch(() => {}));
    }
    await closed;
  }

  /** Ends the node as an operator does: it hands over and finishes what it has in flight. One that cannot is killed. */
  async stop(): Promise<void> {
    const run = this.#run;
    if (run === null || this.#state !== "running" || run.gate.stalled) return this.kill();
    await run.server.stop();
    return this.kill();
  }

  set paused(paused: boolean) {
    const run = this.#run;
    if (run === null) return;
    this.#state = paused ? "paused" : "running";
    run.gate.held = paused;
    run.clock.paused = paused;
    this.#parts.network.setPaused(this.nodeId, paused);
  }

  get diskStalled(): boolean {
    return this.#run?.gate.stalled ?? false;
  }

  set diskStalled(stalled: boolean) {
    if (this.#run !== null) this.#run.gate.stalled = stalled;
  }

  /** Resolves once nothing is left of any run. */
  async settled(): Promise<void> {
    await Promise.all(this.#ends);
  }
}
