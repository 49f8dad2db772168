import { type Message, MessageType, type NodeId } from "@quorumguard/raft";
import type { Clock } from "./clock.ts";
import type { Hello } from "./hello-codec.ts";
import type { Electorate } from "./members.ts";
import type { Envelope } from "./peer-codec.ts";
import { type OwnProgress, Proven } from "./proven.ts";
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
  /** What it must have on its disk, by its own word. */
  readonly proven: Proven;
}

/** All peers of a node, by id: the other members, and whoever else it talks to because its log is behind theirs. */
export class PeerBoard {
  readonly #byId = new Map<NodeId, PeerFacts>();
  readonly #clock: Clock;
  readonly #nodeId: NodeId;
  readonly #electorate: Electorate;

  constructor(clock: Clock, nodeId: NodeId, electorate: Electorate) {
    this.#clock = clock;
    this.#nodeId = nodeId;
    this.#electorate = electorate;
  }

  get peers(): readonly PeerFacts[] {
    return [...this.#byId.values()];
  }

  /** From now on this node listens to `nodeId`. */
  admit(nodeId: NodeId): void {
    if (this.#byId.has(nodeId) || nodeId === this.#nodeId) return;
    this.#byId.set(nodeId, {
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
      proven: new Proven(),
    });
  }

  /** Nothing that `nodeId` said or says counts any more. */
  dismiss(nodeId: NodeId): void {
    this.#byId.delete(nodeId);
  }

  get(nodeId: NodeId): PeerFacts | undefined {
    return this.#byId.get(nodeId);
  }

  /** `own`: what this node knew before it takes what is in the envelope. */
  heard(from: NodeId, envelope: Envelope, own: OwnProgress): void {
    const peer = this.#byId.get(from);
    if (peer === undefined) return;
    for (const message of envelope.messages) peer.proven.heard(message, own);
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
    return this.#electorate.hasQuorum((nodeId) => {
      const peer = this.#byId.get(nodeId);
      if (peer === undefined) return nodeId === this.#nodeId;
      if (peer.answeredTerm !== term) return false;
      const wallAgeMs = wallMs - peer.answeredWallMs;
      return nowMs - peer.answeredMs < withinMs && wallAgeMs >= 0 && wallAgeMs < withinMs;
    });
  }

  /** Whether `nodeId` is this node, or was heard of within `withinMs`. */
  isAlive(nodeId: NodeId, withinMs: number): boolean {
    if (nodeId === this.#nodeId) return true;
    const heardMs = this.heardMs(nodeId);
    return heardMs !== null && this.#clock.monotonicMs() - heardMs <= withinMs;
  }

  /** When this process last heard of `nodeId`, by its monotonic clock; null: never. */
  heardMs(nodeId: NodeId): number | null {
    return this.#byId.get(nodeId)?.estimate?.heardMs ?? null;
  }

  /** Voters' estimates heard within `withinMs`: those of the voters that just made this node leader are among them. */
  estimates(withinMs: number): readonly StampEstimate[] {
    const sinceMs = this.#clock.monotonicMs() - withinMs;
    const list: StampEstimate[] = [];
    for (const { nodeId, estimate } of this.#byId.values()) {
      if (estimate === null || estimate.heardMs < sinceMs || !this.#electorate.isVoter(nodeId)) continue;
      list.push(estimate);
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
