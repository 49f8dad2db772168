import type { NodeId } from "@quorumguard/raft";
import { createGuard, type Guard, type GuardClock, type NodeGuardOptions } from "@quorumguard/sdk-node";
import type { ClusterNode } from "../node/node.ts";
import { InvalidField, shown } from "../server/invalid-field.ts";
import { advanceTime } from "./advance-time.ts";
import { poll } from "./poll.ts";
import { putPolicies } from "./put-policies.ts";
import {
  fileOf,
  type ResolvedTestClusterOptions,
  readTestPolicies,
  resolveTestClusterOptions,
  spanMs,
  type TestClusterOptions,
  type TestPolicy,
  type TestPolicyDocument,
  type TestSpan,
} from "./test-cluster-options.ts";
import { TestNetwork } from "./test-network.ts";
import { type NodeState, TestNode } from "./test-node.ts";
import { GuardTime, MovedTime } from "./test-time.ts";

/** A node by its id, 1 to the number of nodes, or whichever leads now. */
export type NodeRef = number | "leader";

/** One node, as the test sees it. */
export interface TestMember {
  readonly nodeId: number;
  /** `failed`: it had to stop by itself. */
  readonly state: NodeState;
  readonly isLeader: boolean;
  /** host:port for SDKs. It stays the same over restarts. */
  readonly endpoint: string;
  /** Where it speaks Connect, gRPC-Web and JSON. It stays the same over restarts. */
  readonly httpUrl: string;
}

/** Who is there, and who leads. */
export interface TestTopology {
  /** Null: nobody can be reached who leads a quorum. */
  readonly leaderId: number | null;
  /** The Raft term of the leader; 0 without one. */
  readonly term: number;
  readonly members: readonly TestMember[];
}

/** How long to wait for a leader. */
export interface WaitOptions {
  /** Milliseconds of real time. Default 30,000: a busy machine may need some. */
  readonly timeoutMs?: number;
}

/** A cluster of production nodes in this process, with switches for what goes wrong. All of it ends with `close`. */
export interface TestCluster extends AsyncDisposable {
  /** Addresses of all nodes, for `createGuard`. They stay the same over restarts. */
  readonly endpoints: readonly string[];
  /** The time of its guards, for `createGuard({ endpoints, clock })` in the code that is tested. */
  readonly clock: GuardClock;
  /** The node that leads now; null: none that reaches a quorum does. */
  readonly leader: number | null;
  /** All nodes and their states now. */
  readonly topology: TestTopology;
  /** A guard of this cluster, on its clock; closed with the cluster. */
  createGuard<const P extends string = string>(options?: Omit<NodeGuardOptions<P>, "endpoints" | "clock">): Guard<P>;
  /**
   * Resolves with the node that leads, once every node that it reaches knows it.
   * @throws {Error} when none does in time; it says what each node is doing.
   */
  waitForLeader(options?: WaitOptions): Promise<number>;
  /** Ends a node as SIGKILL and a loss of power would. Resolves with its id. */
  kill(node: NodeRef): Promise<number>;
  /**
   * Starts a node that was killed, on its disk; one that runs is first stopped as an operator does, who hands over. One that stands
   * still, or whose disk does, cannot be stopped so, and is killed first.
   */
  restart(node: NodeRef): Promise<void>;
  /**
   * Has a node stand still, as SIGSTOP would: connections stay, and nothing is answered. Resolves with its id.
   * @throws {InvalidField} when it does not run.
   */
  pause(node: NodeRef): Promise<number>;
  /** Has a node that stands still go on. */
  resume(node: NodeRef): Promise<void>;
  /**
   * Cuts the network between groups of nodes; nodes that are in none are a group too. Clients reach all of them. What was sent
   * arrives after `heal`, or not at all.
   */
  partition(groups: readonly (readonly NodeRef[])[]): Promise<void>;
  /** Ends the partition. */
  heal(): Promise<void>;
  /**
   * Has a node's flushes to disk not end; a leader hands over while calls go on. Resolves with its id.
   * @throws {InvalidField} when it does not run.
   */
  stallDisk(node: NodeRef): Promise<number>;
  /** Has a stalled disk go on. */
  resumeDisk(node: NodeRef): Promise<void>;
  /** Hands leadership to a node, or to the most up-to-date one. Resolves with who leads then. */
  transferLeader(to?: number): Promise<number>;
  /**
   * Sets policies, as `policies` of the start does, in the start's namespace; policies under other names go.
   * @throws {InvalidField} when a window is no span; {PolicyFileError} when the policies are not to be had so; {Error} at once, when
   * no quorum runs.
   */
  setPolicies(policies: Readonly<Record<string, TestPolicy>>): Promise<void>;
  /**
   * Moves the cluster's time forward, and that of guards on its {@link TestCluster.clock}: windows free up, bans and holds
   * end. Exactly so much; real time goes on besides. Deadlines of calls, and sockets, stay in real time. A quorum must run, since its
   * leader carries the time, or no node at all.
   * @throws {InvalidField} when the span is none, or the clock is not `"virtual"`; {Error} when nobody leads: at once, when no quorum
   * runs. No clock is moved then.
   */
  advance(span: TestSpan): Promise<void>;
  /** Closes guards, nodes and ports. Any number of times. */
  close(): Promise<void>;
}

/**
 * Starts production nodes in this process, on ports of 127.0.0.1 that were free and with disks in memory. Resolves once they have
 * a leader and the policies are in force.
 *
 * @throws {InvalidField} when an option is out of bounds; {PolicyFileError} when the policies are.
 */
export async function startTestCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const cluster = new InProcessCluster(resolveTestClusterOptions(options));
  try {
    await cluster.start();
  } catch (error) {
    await cluster.close();
    throw error;
  }
  return cluster;
}

const waitMs = 30_000;
/** 100 days: a guard renews its session, which lives for 400, at least once in three such leaps. */
const longestLeapMs = 8_640_000_000;

class InProcessCluster implements TestCluster {
  readonly #options: ResolvedTestClusterOptions;
  readonly #nodeTime = new MovedTime();
  readonly clock = new GuardTime();
  readonly #network: TestNetwork;
  readonly #nodes: ReadonlyMap<NodeId, TestNode>;
  readonly #guards: Guard[] = [];
  #closing: Promise<void> | null = null;

  constructor(options: ResolvedTestClusterOptions) {
    this.#options = options;
    const nodeIds = Array.from({ length: options.nodes }, (_, at) => at + 1);
    this.#network = new TestNetwork(nodeIds);
    const { bounds, log } = options;
    const parts = {
      ...{ nodeIds, network: this.#network, time: this.#nodeTime },
      options: { bounds, ...(log === undefined ? {} : { log }) },
    };
    this.#nodes = new Map(nodeIds.map((nodeId) => [nodeId, new TestNode(nodeId, parts)]));
  }

  async start(): Promise<void> {
    await this.#network.open();
    await Promise.all([...this.#nodes.values()].map((node) => node.start()));
    await this.waitForLeader();
    if (this.#options.policies !== null) await this.#put(this.#options.policies);
  }

  get endpoints(): readonly string[] {
    return [...this.#nodes.keys()].map((nodeId) => this.#network.grpcEndpoint(nodeId));
  }

  get leader(): number | null {
    return this.#leading()?.nodeId ?? null;
  }

  get topology(): TestTopology {
    const leader = this.#leading();
    const members = [...this.#nodes.values()].map(({ nodeId, state }) => ({
      ...{ nodeId, state, isLeader: nodeId === leader?.nodeId },
      ...{ endpoint: this.#network.grpcEndpoint(nodeId), httpUrl: this.#network.httpUrl(nodeId) },
    }));
    return { leaderId: leader?.nodeId ?? null, term: leader?.topology().term ?? 0, members };
  }

  createGuard<const P extends string = string>(
    options: Omit<NodeGuardOptions<P>, "endpoints" | "clock"> = {},
  ): Guard<P> {
    this.#checkOpen();
    const guard = createGuard<P>({ ...options, endpoints: this.endpoints, clock: this.clock });
    this.#guards.push(guard);
    return guard;
  }

  async waitForLeader({ timeoutMs = waitMs }: WaitOptions = {}): Promise<number> {
    return (await this.#led(timeoutMs)).nodeId;
  }

  async kill(ref: NodeRef): Promise<number> {
    const node = await this.#find(ref);
    await node.kill();
    return node.nodeId;
  }

  async restart(ref: NodeRef): Promise<void> {
    const node = await this.#find(ref);
    await node.stop();
    await node.start();
    await this.#network.openNode(node.nodeId);
  }

  async pause(ref: NodeRef): Promise<number> {
    const node = await this.#findUp(ref);
    node.paused = true;
    return node.nodeId;
  }

  async resume(ref: NodeRef): Promise<void> {
    (await this.#find(ref)).paused = false;
  }

  async partition(groups: readonly (readonly NodeRef[])[]): Promise<void> {
    const sides = new Map<NodeId, number>();
    for (const [at, group] of groups.entries()) {
      for (const ref of group) {
        const { nodeId } = await this.#find(ref);
        if (sides.has(nodeId)) throw new InvalidField(`groups[${at}]`, nodeId, "it is in another group already");
        sides.set(nodeId, at + 1);
      }
    }
    for (const nodeId of this.#nodes.keys()) if (!sides.has(nodeId)) sides.set(nodeId, 0);
    this.#network.partition(sides);
  }

  async heal(): Promise<void> {
    this.#network.partition(new Map());
  }

  async stallDisk(ref: NodeRef): Promise<number> {
    const node = await this.#findUp(ref);
    node.diskStalled = true;
    return node.nodeId;
  }

  async resumeDisk(ref: NodeRef): Promise<void> {
    (await this.#find(ref)).diskStalled = false;
  }

  async transferLeader(to = 0): Promise<number> {
    if (to !== 0) await this.#find(to);
    const leader = await this.#ledSoon();
    if (leader.nodeId !== to) await leader.transferLeadership(to);
    return this.waitForLeader();
  }

  async setPolicies(policies: Readonly<Record<string, TestPolicy>>): Promise<void> {
    await this.#put(readTestPolicies(fileOf(policies), this.#options.namespace));
  }

  async advance(span: TestSpan): Promise<void> {
    const ms = spanMs("span", span);
    if (this.#options.clock !== "virtual") {
      throw new InvalidField(
        "clock",
        this.#options.clock,
        'time moves only with startTestCluster({ clock: "virtual" })',
      );
    }
    this.#checkOpen();
    for (let leftMs = ms; leftMs > 0; leftMs -= longestLeapMs) await this.#leap(Math.min(leftMs, longestLeapMs));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await Promise.all(this.#guards.map((guard) => guard.close()));
    const nodes = [...this.#nodes.values()];
    await Promise.all(nodes.map((node) => node.kill()));
    await Promise.all([...nodes.map((node) => node.settled()), this.#network.close()]);
    this.clock.stop();
  }

  async #put(policies: TestPolicyDocument): Promise<void> {
    const endMs = performance.now() + waitMs;
    for (;;) {
      const failure = await putPolicies(await this.#ledSoon(), policies);
      if (failure === null) return;
      if (performance.now() >= endMs) throw new Error(`the policies could not be set: ${failure.message}`);
    }
  }

  async #leap(ms: number): Promise<void> {
    const isDead = [...this.#nodes.values()].every(({ state }) => state === "killed" || state === "failed");
    // All clocks are moved, or none.
    if (!isDead) await this.#ledSoon();
    this.clock.move(ms, ms);
    // Nobody carries the time: whoever starts next goes by wall clocks.
    if (isDead) this.#nodeTime.move(ms, ms);
    else {
      await advanceTime(
        this.#nodeTime,
        ms,
        () => this.#led(waitMs),
        (leader) => this.#reachedBy(leader),
      );
    }
    this.clock.endPauses();
  }

  #checkOpen(): void {
    if (this.#closing !== null) throw new Error("the test cluster is closed; start another one");
  }

  async #find(ref: NodeRef): Promise<TestNode> {
    this.#checkOpen();
    const nodeId = ref === "leader" ? (await this.#ledSoon()).nodeId : ref;
    const node = this.#nodes.get(nodeId);
    if (node !== undefined) return node;
    throw new InvalidField(
      "node",
      shown(String(ref)),
      `it must be "leader" or one of ${[...this.#nodes.keys()].join(", ")}`,
    );
  }

  async #findUp(ref: NodeRef): Promise<TestNode> {
    const node = await this.#find(ref);
    if (node.state === "running" || node.state === "paused") return node;
    throw new InvalidField("node", node.nodeId, `it is ${node.state}; restart it first`);
  }

  /** A node that leads and that a quorum can hear, whatever an older one on the other side of a partition believes. */
  #leading(): ClusterNode | null {
    for (const { node } of this.#nodes.values()) {
      if (node?.leads !== true) continue;
      const followers = this.#reachedBy(node).filter((one) => one.topology().leaderId === node.nodeId);
      if (this.#isQuorum(followers)) return node;
    }
    return null;
  }

  #isQuorum(nodes: readonly ClusterNode[]): boolean {
    return nodes.length > this.#nodes.size / 2;
  }

  /** Nodes that run and hear this one, itself included. */
  #reachedBy({ nodeId }: ClusterNode): readonly ClusterNode[] {
    const nodes = [...this.#nodes.values()].map(({ node }) => node);
    return nodes.filter((node) => node !== null && this.#network.connects(nodeId, node.nodeId)) as ClusterNode[];
  }

  #led(timeoutMs: number): Promise<ClusterNode> {
    const probe = () => {
      this.#checkOpen();
      const leader = this.#leading();
      const agrees = (node: ClusterNode) => node.topology().leaderId === leader?.nodeId;
      return leader !== null && this.#reachedBy(leader).every(agrees) ? leader : null;
    };
    return poll(probe, timeoutMs, () => `no node leads a quorum after ${timeoutMs} ms; ${this.#remedy()}`);
  }

  /** As {@link #led}, but refuses at once when nobody leads and nobody can: only another call of the test changes that. */
  async #ledSoon(): Promise<ClusterNode> {
    const able = [...this.#nodes.values()].flatMap(({ node, diskStalled }) => (diskStalled || !node ? [] : [node]));
    const canLead = able.some((node) => this.#isQuorum(this.#reachedBy(node).filter((one) => able.includes(one))));
    if (canLead || this.#leading() !== null) return this.#led(waitMs);
    throw new Error(`no node leads a quorum, and none can now; ${this.#remedy()}`);
  }

  #remedy(): string {
    const states = [...this.#nodes.values()].map(({ nodeId, state, failure, node, diskStalled }) => {
      const why = failure === null ? "" : ` (${failure.message})`;
      return `node ${nodeId}: ${node?.status().role ?? state}${why}${diskStalled ? " (disk stalled)" : ""}`;
    });
    return `restart, resume or heal some: ${states.join(", ")}`;
  }
}
