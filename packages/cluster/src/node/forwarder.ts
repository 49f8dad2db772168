import {
  type CallBatch,
  type CallOrigin,
  encodeOperation,
  type Operation,
  type OperationResult,
} from "@quorumguard/limiter";
import type { NodeId } from "@quorumguard/raft";
import { ByteWriter } from "./bytes.ts";
import type { Clock } from "./clock.ts";
import { invalidArgument, outcomeUnknown } from "./failures.ts";
import { type ForwardReply, type ForwardRequest, readReply, writeRequest } from "./forward-codec.ts";
import type { CallSink, NodeFailure, SubmitOptions } from "./node.ts";
import { FrameKind, openFrame, peerVersion } from "./peer-codec.ts";

type Answered = (answer: Uint8Array | NodeFailure) => void;

interface Forwarded {
  readonly to: NodeId;
  readonly calls: number;
  readonly items: number;
  readonly sink: CallSink | null;
  readonly done: ((outcome: OperationResult | NodeFailure) => void) | null;
  readonly answered: Answered | null;
  readonly expiresMs: number;
  /** 1 for each call that was answered; null until a part of the batch is. */
  answeredCalls: Uint8Array | null;
  unanswered: number;
}

/** A request frame is sent when it has grown so large, and at the end of the turn. */
const maxFrameBytes = 1_048_576;

/** The follower's half of forwarding: sends calls to the leader in one hop, and settles each exactly once. */
export class Forwarder {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #send: (to: NodeId, frame: Uint8Array) => void;
  readonly #wake: () => void;
  readonly #pending = new Map<number, Forwarded>();
  readonly #out = new ByteWriter(16_384);
  #outTo: NodeId = 0;
  #outCount = 0;
  // Starts at a random place, so that a late answer to an earlier process of this node meets no request of this one.
  #nextId: number;
  #pendingItems = 0;

  constructor(options: {
    readonly clock: Clock;
    readonly timeoutMs: number;
    readonly firstId: number;
    readonly send: (to: NodeId, frame: Uint8Array) => void;
    readonly wake: () => void;
  }) {
    this.#clock = options.clock;
    this.#timeoutMs = options.timeoutMs;
    this.#nextId = options.firstId;
    this.#send = options.send;
    this.#wake = options.wake;
  }

  get pendingItems(): number {
    return this.#pendingItems;
  }

  calls(
    to: NodeId,
    kind: "calls" | "peek",
    origin: CallOrigin,
    batch: CallBatch,
    options: SubmitOptions,
    sink: CallSink,
  ): void {
    const operation = encodeOperation({ kind: "calls", origin, batch });
    const { calls, items } = batch;
    this.#add(to, kind, operation, options, { calls, items, sink, done: null, answered: null });
  }

  operation(
    to: NodeId,
    operation: Exclude<Operation, { kind: "calls" }>,
    options: SubmitOptions,
    done: (outcome: OperationResult | NodeFailure) => void,
  ): void {
    const who = { calls: 1, items: 1, sink: null, done, answered: null };
    this.#add(to, "operation", encodeOperation(operation), options, who);
  }

  question(to: NodeId, question: Uint8Array, options: SubmitOptions, answered: Answered): void {
    this.#add(to, "question", question, options, { calls: 1, items: 1, sink: null, done: null, answered });
  }

  /** End of turn: what was asked in it leaves in one frame. */
  flush(): void {
    if (this.#outCount === 0) return;
    this.#out.patchU32(2, this.#outCount);
    this.#outCount = 0;
    this.#send(this.#outTo, this.#out.take());
  }

  /** @throws {PeerFormatError} when the frame is not made of replies. */
  replies(from: NodeId, frame: Uint8Array): void {
    const input = openFrame(frame, FrameKind.replies);
    const count = input.count(10);
    for (let i = 0; i < count; i++) this.#reply(from, readReply(input));
    input.end();
  }

  /** The leader's connection or its leadership is gone: what was sent to it may have been charged. */
  lost(to: NodeId, message: string): void {
    for (const [id, entry] of [...this.#pending]) {
      if (entry.to === to) this.#settle(id, entry, outcomeUnknown(message, 0, 0));
    }
  }

  /** Everything that was sent to anybody but `leader` will hardly be answered. */
  leaderIs(leader: NodeId): void {
    for (const [id, entry] of [...this.#pending]) {
      if (entry.to !== leader) {
        this.#settle(id, entry, outcomeUnknown("the leader changed while the call was with the former one", leader, 0));
      }
    }
  }

  /** Settles what has waited too long. */
  expire(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [id, entry] of [...this.#pending]) {
      if (nowMs >= entry.expiresMs) {
        this.#settle(id, entry, outcomeUnknown("the leader did not answer the forwarded call in time", entry.to, 0));
      }
    }
  }

  #add(
    to: NodeId,
    kind: ForwardRequest["kind"],
    operation: Uint8Array,
    options: SubmitOptions,
    who: Pick<Forwarded, "calls" | "items" | "sink" | "done" | "answered">,
  ): void {
    if (this.#outCount > 0 && (this.#outTo !== to || this.#out.length > maxFrameBytes)) this.flush();
    if (this.#outCount === 0) {
      this.#out.reset();
      this.#out.u8(FrameKind.requests);
      this.#out.u8(peerVersion);
      this.#out.u32(0);
      this.#outTo = to;
      this.#wake();
    }
    const id = this.#nextId++;
    const { firstAttempt, deadlineMs } = options;
    writeRequest(this.#out, { id, kind, firstAttempt, deadlineMs, operation });
    this.#outCount++;
    const waitMs = deadlineMs > 0 ? Math.min(deadlineMs, this.#timeoutMs) : this.#timeoutMs;
    const expiresMs = this.#clock.monotonicMs() + waitMs;
    this.#pending.set(id, { to, ...who, expiresMs, answeredCalls: null, unanswered: who.calls });
    this.#pendingItems += who.items;
  }

  #reply(from: NodeId, reply: ForwardReply): void {
    const entry = this.#pending.get(reply.id);
    if (entry === undefined || entry.to !== from) return;
    if (reply.kind === "operated" && entry.done !== null) {
      this.#remove(reply.id, entry);
      entry.done(reply.result);
      return;
    }
    if (reply.kind === "answered" && entry.answered !== null) {
      this.#remove(reply.id, entry);
      entry.answered(reply.answer);
      return;
    }
    if (entry.sink === null) {
      if (reply.kind === "failed") this.#settle(reply.id, entry, reply.failure);
      return;
    }
    if (reply.kind === "operated" || reply.kind === "answered") return;
    if (!this.#claim(entry, reply.fromCall, reply.toCall)) {
      this.#settle(reply.id, entry, outcomeUnknown("the leader answered calls that it was not asked", from, 0));
      return;
    }
    if (entry.unanswered === 0) this.#remove(reply.id, entry);
    if (reply.kind === "decided") entry.sink.decided(reply.fromCall, reply.toCall, reply.results, 0, reply.facts);
    else entry.sink.failed(reply.fromCall, reply.toCall, reply.failure);
  }

  /** Marks calls as answered; false if the range is not one of open calls. */
  #claim(entry: Forwarded, fromCall: number, toCall: number): boolean {
    if (fromCall >= toCall || toCall > entry.calls) return false;
    if (toCall - fromCall === entry.calls && entry.answeredCalls === null) {
      entry.unanswered = 0;
      return true;
    }
    entry.answeredCalls ??= new Uint8Array(entry.calls);
    for (let i = fromCall; i < toCall; i++) {
      if (entry.answeredCalls[i] === 1) return false;
      entry.answeredCalls[i] = 1;
    }
    entry.unanswered -= toCall - fromCall;
    return true;
  }

  #settle(id: number, entry: Forwarded, failure: NodeFailure): void {
    this.#remove(id, entry);
    if (entry.sink === null) {
      entry.done?.(failure);
      entry.answered?.(failure);
      return;
    }
    const { answeredCalls: answered, calls } = entry;
    for (let from = 0; from < calls; ) {
      const isAnswered = answered !== null && answered[from] === 1;
      let to = from + 1;
      while (to < calls && (answered !== null && answered[to] === 1) === isAnswered) to++;
      if (!isAnswered) entry.sink.failed(from, to, failure);
      from = to;
    }
  }

  #remove(id: number, entry: Forwarded): void {
    this.#pending.delete(id);
    this.#pendingItems -= entry.items;
  }
}

/** What a leader says to a forwarded operation that it cannot decode. */
export function malformedOperation(error: unknown): NodeFailure {
  const why = error instanceof Error ? error.message : String(error);
  return invalidArgument(`the forwarded operation is malformed: ${why}`);
}
