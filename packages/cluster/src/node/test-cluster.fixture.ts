import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Algorithm,
  type Bounds,
  type CallBatch,
  type CallOrigin,
  type OperationResult,
  type ResultColumns,
  type SessionId,
} from "@quorumguard/limiter";
import type { NodeId } from "@quorumguard/raft";
import type { FileHandle, FileSystem } from "../storage/file-system.ts";
import { openNodeFileSystem } from "../storage/node-file-system.ts";
import type { Clock } from "./clock.ts";
import { createNode } from "./create-node.ts";
import { MemberChangeError } from "./member-change-error.ts";
import { createMemoryNetwork } from "./memory-network.fixture.ts";
import type {
  CallSink,
  ClusterNode,
  DecisionFacts,
  MemberChange,
  MemberView,
  NodeFailure,
  SubmitOptions,
} from "./node.ts";
import type { NodeOptions } from "./node-options.ts";
import { createSystemClock } from "./system-clock.ts";

/** One answered call, copied out of the columns. */
export interface Answer {
  readonly call: number;
  readonly outcome: number;
  readonly remaining: number;
  readonly facts: DecisionFacts;
}

export const member = (nodeId: NodeId) => ({
  nodeId,
  grpcEndpoint: `n${nodeId}:1`,
  httpUrl: `http://n${nodeId}`,
  voter: true,
});

/** Nodes of one process over an in-memory network and real folders. */
export class TestCluster {
  readonly network = createMemoryNetwork();
  readonly nodes = new Map<NodeId, ClusterNode>();
  readonly fatal: Error[] = [];
  readonly removed: NodeId[] = [];
  readonly log: string[] = [];
  /**
   * What is written to META is lost, until power fails: the log's end is known to nobody, as it is for a moment after every write,
   * however long the test takes.
   */
  losesNotes = false;
  readonly #gates = new Map<NodeId, Promise<void>>();
  readonly #folder: string;
  readonly #ids: readonly NodeId[];
  readonly #options: Partial<NodeOptions>;

  private constructor(folder: string, ids: readonly NodeId[], options: Partial<NodeOptions>) {
    this.#folder = folder;
    this.#ids = ids;
    this.#options = options;
  }

  static async create(
    size: number,
    options: Partial<NodeOptions> & { readonly bounds?: Partial<Bounds> } = {},
  ): Promise<TestCluster> {
    const folder = await mkdtemp(join(tmpdir(), "quorumguard-node-"));
    const ids = Array.from({ length: size }, (_, i) => i + 1);
    return new TestCluster(folder, ids, options);
  }

  static async started(size: number, options: Partial<NodeOptions> = {}): Promise<TestCluster> {
    const cluster = await TestCluster.create(size, options);
    await Promise.all(cluster.#ids.map((id) => cluster.start(id)));
    return cluster;
  }

  folderOf(nodeId: NodeId): string {
    return join(this.#folder, `node-${nodeId}`);
  }

  /** A newcomer on an empty folder, or one that was. */
  async join(nodeId: NodeId): Promise<ClusterNode> {
    return this.start(nodeId, { join: true });
  }

  /** Asks whoever leads to change the members, again if the leader changes meanwhile before anything was done. */
  async change(change: MemberChange): Promise<readonly MemberView[]> {
    for (;;) {
      const leader = await this.leader();
      try {
        return await leader.changeMembers(change);
      } catch (error) {
        if (!(error instanceof MemberChangeError) || error.reason !== "not-leader") throw error;
        await until(() => (leader.leads ? null : true));
      }
    }
  }

  /** Resolves once the leader knows this member to have everything that is committed. */
  async caughtUp(nodeId: NodeId): Promise<void> {
    const leader = await this.leader();
    await until(() => {
      const view = leader.members().find((one) => one.nodeId === nodeId);
      return view?.lag === 0 && view.heardMsAgo !== null ? view : null;
    });
  }

  /** A newcomer, from an empty folder to a vote. */
  async grow(nodeId: NodeId): Promise<ClusterNode> {
    const node = await this.join(nodeId);
    await this.change({ kind: "add", nodeId });
    await this.caughtUp(nodeId);
    await this.change({ kind: "promote", nodeId });
    return node;
  }

  async start(
    nodeId: NodeId,
    changes: {
      readonly clock?: Clock;
      readonly join?: boolean;
      readonly repairDamage?: boolean;
      readonly electionMs?: number;
    } = {},
  ): Promise<ClusterNode> {
    const files = await openNodeFileSystem({ root: this.folderOf(nodeId) });
    const { join = false, repairDamage = false } = changes;
    const node = createNode({
      nodeId,
      ...(join ? { join } : { founders: this.#ids.map(member) }),
      clientAddressOf: member,
      files: this.#gated(nodeId, files),
      transport: this.network.endpoint(nodeId),
      clock: changes.clock ?? createSystemClock(),
      random: Math.random,
      randomBytes: (length) => new Uint8Array(randomBytes(length)),
      segmentBytes: 1_048_576,
      repairDamage,
      log: (level, event, fields) => {
        if (level !== "debug") this.log.push(`${nodeId} ${event} ${JSON.stringify(fields)}`);
      },
      onFatal: (error) => this.fatal.push(error),
      onRemoved: () => this.removed.push(nodeId),
      ...this.#options,
      ...(changes.electionMs === undefined ? {} : { electionMs: changes.electionMs }),
    });
    this.nodes.set(nodeId, node);
    const stop = node.stop.bind(node);
    node.stop = async () => {
      await stop();
      await files.close();
    };
    await node.start();
    return node;
  }

  async stop(nodeId: NodeId): Promise<void> {
    const node = this.nodes.get(nodeId);
    this.nodes.delete(nodeId);
    await node?.stop();
  }

  /** From now on the node's flushes do not end, until the function that is returned is called. */
  stallFlushes(nodeId: NodeId): () => void {
    let open: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    this.#gates.set(nodeId, gate);
    return () => {
      this.#gates.delete(nodeId);
      open();
    };
  }

  #gated(nodeId: NodeId, files: FileSystem): FileSystem {
    const open = async (path: string, options: { readonly create: boolean }): Promise<FileHandle> => {
      const handle = await files.open(path, options);
      return {
        size: () => handle.size(),
        read: (position, length) => handle.read(position, length),
        write: (position, pieces) =>
          this.losesNotes && path === "meta" ? Promise.resolve() : handle.write(position, pieces),
        flush: async () => {
          await this.#gates.get(nodeId);
          await handle.flush();
        },
        close: () => handle.close(),
      };
    };
    return {
      open,
      list: (folder) => files.list(folder),
      makeFolder: (folder) => files.makeFolder(folder),
      rename: (from, to) => files.rename(from, to),
      remove: (path) => files.remove(path),
      flushFolder: (folder) => files.flushFolder(folder),
    };
  }

  /** A new disk. */
  async wipe(nodeId: NodeId): Promise<void> {
    await rm(this.folderOf(nodeId), { recursive: true, force: true });
  }

  /** Resolves with a node that leads and has applied an entry of its own term, and that all nodes know of. */
  async leader(): Promise<ClusterNode> {
    return until(() => {
      const outside = ["joining", "removed"];
      const nodes = [...this.nodes.values()].filter((node) => !outside.includes(node.status().role));
      const leader = nodes.find((node) => node.leads);
      return leader !== undefined && nodes.every((node) => node.topology().leaderId === leader.nodeId) ? leader : null;
    });
  }

  async follower(): Promise<ClusterNode> {
    const leader = await this.leader();
    return [...this.nodes.values()].find((node) => node !== leader)!;
  }

  async close(): Promise<void> {
    await Promise.all([...this.nodes.keys()].map((id) => this.stop(id)));
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Resolves with the first value that is not null; looks again after every turn of the event loop. */
export async function until<T>(probe: () => T | null, timeoutMs = 60_000): Promise<T> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const value = probe();
    if (value !== null) return value;
    if (performance.now() > endMs) throw new Error(`nothing came of ${probe} in ${timeoutMs} ms`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const encoder = new TextEncoder();

/** Single-item calls under one rule: so many per hour. */
export function batchOf(keys: readonly string[], limit: number, firstNumber = 0): CallBatch {
  const encoded = keys.map((key) => encoder.encode(key));
  const keyBytes = new Uint8Array(encoded.reduce((sum, key) => sum + key.length, 0));
  const keyStarts = new Uint32Array(keys.length);
  const keyLengths = new Uint32Array(keys.length);
  let at = 0;
  for (const [i, key] of encoded.entries()) {
    keyBytes.set(key, at);
    keyStarts[i] = at;
    keyLengths[i] = key.length;
    at += key.length;
  }
  return {
    firstNumber,
    calls: keys.length,
    items: keys.length,
    rules: [{ algorithm: Algorithm.slidingWindowLog, limit, windowUs: 3_600_000_000, burst: 0, policy: "" }],
    keyBytes,
    keyStarts,
    keyLengths,
    ruleIndexes: null,
    costs: null,
    sizes: null,
    verbs: null,
    ttlsMs: null,
    handles: null,
  };
}

export const anonymous: CallOrigin = { kind: "anonymous", namespace: "default" };
export const firstAttempt: SubmitOptions = { firstAttempt: true, noForward: false, deadlineMs: 0 };
export const retry: SubmitOptions = { firstAttempt: false, noForward: false, deadlineMs: 0 };

/** Submits, and resolves once every call was answered. */
export function submit(
  node: ClusterNode,
  batch: CallBatch,
  options: SubmitOptions = retry,
  origin: CallOrigin = anonymous,
): Promise<{ readonly answers: readonly Answer[]; readonly failures: readonly NodeFailure[] }> {
  return new Promise((resolve, reject) => {
    const answers: Answer[] = [];
    const failures: NodeFailure[] = [];
    const answered = new Uint8Array(batch.calls);
    const count = (fromCall: number, toCall: number): void => {
      for (let call = fromCall; call < toCall; call++) {
        if (answered[call] === 1) reject(new Error(`call ${call} was answered twice`));
        answered[call] = 1;
      }
      if (answered.every((value) => value === 1)) {
        answers.sort((a, b) => a.call - b.call);
        resolve({ answers, failures });
      }
    };
    const sink: CallSink = {
      decided(fromCall: number, toCall: number, results: ResultColumns, fromItem: number, facts: DecisionFacts) {
        for (let call = fromCall; call < toCall; call++) {
          const item = fromItem + call - fromCall;
          answers.push({ call, outcome: results.outcomes[item]!, remaining: results.remaining[item]!, facts });
        }
        count(fromCall, toCall);
      },
      failed(fromCall, toCall, failure) {
        failures.push(failure);
        count(fromCall, toCall);
      },
    };
    node.submit(origin, batch, options, sink);
  });
}

/** Registers a session and resolves with its name. */
export function register(node: ClusterNode, nonce: Uint8Array): Promise<SessionId> {
  return new Promise((resolve, reject) => {
    const operation = { kind: "register" as const, nonce, helloStampUs: node.stampUs(), namespace: "default" };
    node.operate(operation, retry, (outcome: OperationResult | NodeFailure) => {
      if ("kind" in outcome && outcome.kind === "registered") resolve(outcome.session);
      else reject(new Error(JSON.stringify(outcome)));
    });
  });
}
