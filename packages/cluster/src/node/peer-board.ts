import { type Message, MessageType, type NodeId } from "@quorumguard/raft";
import type { Clock } from "./clock.ts";
import type { Hello } from "./hello-codec.ts";
import type { Envelope } from "./peer-codec.ts";
import type { StampEstimate } from "./stamp-clock.ts";

/** What this node knows about one peer from its connections alone; nothing of it is replicated. */
export interface PeerFacts {
  readonly nodeId: NodeId;
  hello: Hello | null;
  /** Null until its first envelope. */
  estimate: StampEstimate | null;
  /** Its clocks in its newest envelope, to be sent back. */
  probeMs: number;
  probeWallMs: number;
  /** Our clocks when we sent what it answered last, in the term of {@link answeredTerm}. */
  answeredMs: number;
  answeredWallMs: number;
  answeredTerm: number;
  hashIndex: number;
  hash: string;
  /** Said hello, and the connection has not been reported down since. */
  up: boolean;
}

/** All peers of a node, by id. */
export class PeerBoard {
  readonly peers: readonly PeerFacts[];
  readonly #byId = new Map<NodeId, PeerFacts>();
  readonly #clock: Clock;
  readonly #quorum: number;

  constructor(clock: Clock, peerIds: readonly NodeId[]) {
    this.#clock = clock;
    this.#quorum = Math.floor((peerIds.length + 1) / 2) + 1;
    this.peers = peerIds.map((nodeId) => ({
      nodeId,
      hello: null,
      estimate: null,
      probeMs: 0,
      probeWallMs: 0,
      answeredMs: Number.NEGATIVE_INFINITY,
      answeredWallMs: Number.NEGATIVE_INFINITY,
      answeredTerm: 0,
      hashIndex: 0,
      hash: "",
      up: false,
    }));
    for (const peer of this.peers) this.#byId.set(peer.nodeId, peer);
  }

  get(nodeId: NodeId): PeerFacts | undefined {
    return this.#byId.get(nodeId);
  }

  heard(from: NodeId, envelope: Envelope): void {
    const peer = this.#byId.get(from);
    if (peer === undefined) return;
    const heardMs = this.#clock.monotonicMs();
    const { stampUs, stampLive: live, stampTerm: lineTerm, wallUs } = envelope;
    peer.estimate = { stampUs, live, lineTerm, wallUs, heardMs };
    peer.probeMs = envelope.probeMs;
    peer.probeWallMs = envelope.probeWallMs;
    peer.hashIndex = envelope.hashIndex;
    peer.hash = envelope.hash;
    const answeredTerm = termOfAnswer(envelope.messages);
    // Echoes of an earlier process of ours are from another clock; they can only be larger than now, or long ago.
    if (answeredTerm > 0 && envelope.echoMs <= heardMs) {
      peer.answeredMs = envelope.echoMs;
      peer.answeredWallMs = envelope.echoWallMs;
      peer.answeredTerm = answeredTerm;
    }
  }

  /**
   * Whether a quorum, this node included, answered in `term` something sent less than `withinMs` ago by both clocks
   * (SEMANTICS D1). The monotonic clock alone would miss the suspension of a virtual machine.
   */
  quorumAnswered(term: number, withinMs: number): boolean {
    const nowMs = this.#clock.monotonicMs();
    const wallMs = this.#clock.wallMs();
    let count = 1;
    for (const peer of this.peers) {
      if (peer.answeredTerm !== term) continue;
      const wallAgeMs = wallMs - peer.answeredWallMs;
      if (nowMs - peer.answeredMs < withinMs && wallAgeMs >= 0 && wallAgeMs < withinMs) count++;
    }
    return count >= this.#quorum;
  }

  /** Estimates heard within `withinMs`: those of the voters that just made this node leader are among them. */
  estimates(withinMs: number): readonly StampEstimate[] {
    const sinceMs = this.#clock.monotonicMs() - withinMs;
    const list: StampEstimate[] = [];
    for (const peer of this.peers) {
      if (peer.estimate !== null && peer.estimate.heardMs >= sinceMs) list.push(peer.estimate);
    }
    return list;
  }
}

/** The term in which a peer acknowledged us as leader, or 0 if the envelope holds no such answer. */
function termOfAnswer(messages: readonly Message[]): number {
  for (const { type, term } of messages) {
    if (type === MessageType.appResp || type === MessageType.heartbeatResp) return term;
  }
  return 0;
}
