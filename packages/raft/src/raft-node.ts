import { assert } from "./assert.ts";
import { encodeConfChange } from "./confchange/codec.ts";
import { abstain, endAbstention, isAbstaining, voteFloorOf } from "./core/abstention.ts";
import { applyConfChange } from "./core/membership.ts";
import { resolveRaftOptions } from "./core/options.ts";
import { RaftCore } from "./core/raft-core.ts";
import { ReadyTaker } from "./core/ready.ts";
import { step } from "./core/step.ts";
import { tick } from "./core/tick.ts";
import { createMessage, isLocalMessage, isResponseMessage, isStorageThread } from "./message.ts";
import { confStateOf } from "./tracker/membership.ts";
import {
  type ConfChange,
  type ConfState,
  EntryType,
  type Message,
  MessageType,
  type NodeId,
  noNode,
  type ProgressStatus,
  type Raft,
  type RaftOptions,
  type Ready,
  type Refusal,
  type SoftState,
  type Status,
  type VoteFloor,
} from "./types.ts";

/** The public face of the core: checks what comes from outside, and hands the rest to the protocol. */
export class RaftNode implements Raft {
  readonly core: RaftCore;
  readonly #taker: ReadyTaker;
  #softState: SoftState;

  constructor(options: RaftOptions) {
    this.core = new RaftCore(resolveRaftOptions(options));
    this.#taker = new ReadyTaker(this.core);
    this.#softState = { leader: this.core.leader, state: this.core.state };
  }

  tick(): void {
    tick(this.core);
  }

  step(message: Message): Refusal | null {
    const { type, from, term } = message;
    if (!isStorageThread(from)) {
      if (isLocalMessage(type)) return "local-message";
      if (isResponseMessage(type) && this.core.tracker.get(from) === undefined) return "peer-not-found";
      // Only what is forwarded to a leader carries no term: anything else without one would pass for a local message.
      if (term <= 0 && !isForwarded(type)) return "local-message";
    }
    return step(this.core, message);
  }

  propose(data: readonly Uint8Array[]): Refusal | null {
    if (data.length === 0) return null;
    const { maxUncommittedBytes } = this.core.options;
    if (data.some((bytes) => bytes.length > maxUncommittedBytes)) return "too-large";
    const proposal = createMessage(MessageType.prop, noNode);
    proposal.entries = data.map((bytes) => ({ term: 0, index: 0, type: EntryType.normal, data: bytes }));
    return step(this.core, proposal);
  }

  proposeConfChange(change: ConfChange): Refusal | null {
    const proposal = createMessage(MessageType.prop, noNode);
    proposal.entries = [{ term: 0, index: 0, type: EntryType.confChangeV2, data: encodeConfChange(change) }];
    return step(this.core, proposal);
  }

  applyConfChange(change: ConfChange | null): ConfState {
    return applyConfChange(this.core, change);
  }

  campaign(): void {
    step(this.core, createMessage(MessageType.hup, noNode));
  }

  readIndex(context: Uint8Array): Refusal | null {
    const request = createMessage(MessageType.readIndex, noNode);
    request.context = context;
    return step(this.core, request);
  }

  transferLeader(to: NodeId): void {
    this.#local(MessageType.transferLeader, to);
  }

  forgetLeader(): void {
    this.#local(MessageType.forgetLeader, noNode);
  }

  abstain(): void {
    abstain(this.core);
  }

  endAbstention(floor: VoteFloor): void {
    endAbstention(this.core, floor);
  }

  reportUnreachable(id: NodeId): void {
    this.#local(MessageType.unreachable, id);
  }

  reportSnapshot(id: NodeId, ok: boolean): void {
    const report = createMessage(MessageType.snapStatus, noNode);
    report.from = id;
    report.reject = !ok;
    step(this.core, report);
  }

  hasReady(): boolean {
    return this.#taker.hasReady();
  }

  ready(): Ready {
    return this.#taker.take();
  }

  advance(): void {
    assert(!this.core.options.asyncStorageWrites, "advance belongs to synchronous storage writes");
    for (const message of this.#taker.takeSteps()) step(this.core, message);
  }

  status(): Status {
    const { core } = this;
    const progress = new Map<NodeId, ProgressStatus>();
    if (core.state === "leader") for (const member of core.tracker.members) progress.set(member.id, member.status());
    return {
      id: core.id,
      term: core.term,
      vote: core.vote,
      leader: core.leader,
      state: core.state,
      commitIndex: core.log.committed,
      appliedIndex: core.log.applied,
      lastIndex: core.log.lastIndex(),
      leadTransferee: core.leadTransferee,
      abstaining: isAbstaining(core),
      voteFloor: voteFloorOf(core),
      confState: confStateOf(core.tracker.membership),
      progress,
    };
  }

  get softState(): SoftState {
    const { leader, state } = this.core;
    if (this.#softState.leader !== leader || this.#softState.state !== state) this.#softState = { leader, state };
    return this.#softState;
  }

  get term(): number {
    return this.core.term;
  }

  get lastIndex(): number {
    return this.core.log.lastIndex();
  }

  get commitIndex(): number {
    return this.core.log.committed;
  }

  #local(type: MessageType, about: NodeId): void {
    const message = createMessage(type, noNode);
    message.from = about;
    step(this.core, message);
  }
}

function isForwarded(type: MessageType): boolean {
  return type === MessageType.prop || type === MessageType.readIndex || type === MessageType.transferLeader;
}

/**
 * A node's consensus core over `options.storage`, whose membership and hard state it starts from.
 * @throws {RangeError} when an option is out of bounds, naming it.
 */
export function createRaft(options: RaftOptions): Raft {
  return new RaftNode(options);
}
