import type { NodeId } from "@quorumguard/raft";
import { host, Link } from "./link.ts";

/** The ports that a node's listeners are bound to in this run of it. */
export interface NodePorts {
  readonly grpc: number;
  readonly http: number;
  readonly peer: number;
}

interface NodeLinks {
  readonly grpc: Link;
  readonly http: Link;
  /** From each other node to this one. */
  readonly peers: ReadonlyMap<NodeId, Link>;
}

/** Every connection to a node, from clients and from the other nodes, in the test's hands. All ports are this machine's. */
export class TestNetwork {
  readonly #links: ReadonlyMap<NodeId, NodeLinks>;
  readonly #paused = new Set<NodeId>();
  /** Which side of the partition a node is on. */
  #sides: ReadonlyMap<NodeId, number> = new Map();

  constructor(nodeIds: readonly NodeId[]) {
    this.#links = new Map(
      nodeIds.map((to) => {
        const peers = new Map(nodeIds.filter((from) => from !== to).map((from) => [from, new Link()]));
        return [to, { grpc: new Link(), http: new Link(), peers }];
      }),
    );
  }

  /** Gives every link its port. */
  async open(): Promise<void> {
    await Promise.all([...this.#links.keys()].map((nodeId) => this.openNode(nodeId)));
  }

  /** Where SDKs reach the node. */
  grpcEndpoint(nodeId: NodeId): string {
    return `${host}:${this.#of(nodeId).grpc.port}`;
  }

  /** Where browsers and tools reach it. */
  httpUrl(nodeId: NodeId): string {
    return `http://${host}:${this.#of(nodeId).http.port}`;
  }

  /** Where `from` reaches `to`. */
  peerPort(from: NodeId, to: NodeId): number {
    return this.#of(to).peers.get(from)?.port ?? 0;
  }

  /** The node listens on these ports. */
  leadTo(nodeId: NodeId, ports: NodePorts): void {
    const { grpc, http, peers } = this.#of(nodeId);
    grpc.leadTo(ports.grpc);
    http.leadTo(ports.http);
    for (const link of peers.values()) link.leadTo(ports.peer);
  }

  /** The node can be dialled. */
  async openNode(nodeId: NodeId): Promise<void> {
    await Promise.all(linksTo(this.#of(nodeId)).map((link) => link.open()));
  }

  /** The node's process is gone: whatever was connected is reset, and nobody can dial it. */
  async closeNode(nodeId: NodeId): Promise<void> {
    for (const links of this.#links.values()) links.peers.get(nodeId)?.reset();
    await Promise.all(linksTo(this.#of(nodeId)).map((link) => link.close()));
  }

  /** Nothing passes to or from the node, until it does again. */
  setPaused(nodeId: NodeId, paused: boolean): void {
    if (paused) this.#paused.add(nodeId);
    else this.#paused.delete(nodeId);
    this.#shape();
  }

  /** Nodes hear only those of their own side. Clients reach all. */
  partition(sides: ReadonlyMap<NodeId, number>): void {
    this.#sides = sides;
    this.#shape();
  }

  /** Whether what one node sends reaches the other. */
  connects(one: NodeId, other: NodeId): boolean {
    if (one === other) return true;
    return !this.#paused.has(one) && !this.#paused.has(other) && this.#sides.get(one) === this.#sides.get(other);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#links.values()].flatMap(linksTo).map((link) => link.close()));
  }

  #shape(): void {
    for (const [to, { grpc, http, peers }] of this.#links) {
      grpc.held = this.#paused.has(to);
      http.held = this.#paused.has(to);
      for (const [from, link] of peers) link.held = !this.connects(from, to);
    }
  }

  #of(nodeId: NodeId): NodeLinks {
    const links = this.#links.get(nodeId);
    if (links === undefined) throw new RangeError(`there is no node ${nodeId}`);
    return links;
  }
}

function linksTo({ grpc, http, peers }: NodeLinks): readonly Link[] {
  return [grpc, http, ...peers.values()];
}
