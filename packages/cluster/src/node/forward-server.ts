import { decodeOperation, type Operation, type OperationResult, type ResultColumns } from "@quorumguard/limiter";
import type { NodeId } from "@quorumguard/raft";
import { ByteWriter } from "./bytes.ts";
import {
  type ForwardRequest,
  readRequest,
  writeAnswered,
  writeDecided,
  writeFailed,
  writeOperated,
} from "./forward-codec.ts";
import { malformedOperation } from "./forwarder.ts";
import type { CallSink, DecisionFacts, NodeFailure, SubmitOptions } from "./node.ts";
import { FrameKind, openFrame, peerVersion } from "./peer-codec.ts";

/** What the leader's half of forwarding needs of its node: the same doors as local callers, which never forward again. */
export interface ForwardTarget {
  calls(operation: Extract<Operation, { kind: "calls" }>, options: SubmitOptions, sink: CallSink): void;
  peek(operation: Extract<Operation, { kind: "calls" }>, options: SubmitOptions, sink: CallSink): void;
  operation(
    operation: Exclude<Operation, { kind: "calls" }>,
    options: SubmitOptions,
    done: (outcome: OperationResult | NodeFailure) => void,
  ): void;
  question(question: Uint8Array, options: SubmitOptions, answered: (answer: Uint8Array | NodeFailure) => void): void;
}

interface Replies {
  readonly out: ByteWriter;
  count: number;
}

/** A reply frame is sent when it has grown so large, and at the end of the turn. */
const maxFrameBytes = 1_048_576;
const maxOperationBytes = 4_194_304;

/** The leader's half of forwarding: takes followers' calls in, and sends their answers back, one frame per turn and peer. */
export class ForwardServer {
  readonly #target: ForwardTarget;
  readonly #send: (to: NodeId, frame: Uint8Array) => void;
  readonly #wake: () => void;
  readonly #replies = new Map<NodeId, Replies>();

  constructor(options: {
    readonly target: ForwardTarget;
    readonly send: (to: NodeId, frame: Uint8Array) => void;
    readonly wake: () => void;
  }) {
    this.#target = options.target;
    this.#send = options.send;
    this.#wake = options.wake;
  }

  /** @throws {PeerFormatError} when the frame is not made of requests. */
  requests(from: NodeId, frame: Uint8Array): void {
    const input = openFrame(frame, FrameKind.requests);
    const count = input.count(22);
    for (let i = 0; i < count; i++) this.#request(from, readRequest(input, maxOperationBytes));
    input.end();
  }

  /** End of turn. */
  flush(): void {
    for (const [to, replies] of this.#replies) this.#flushTo(to, replies);
  }

  #request(from: NodeId, request: ForwardRequest): void {
    const { id, kind, firstAttempt, deadlineMs } = request;
    const options: SubmitOptions = { firstAttempt, deadlineMs, noForward: true };
    if (kind === "question") {
      // The frame's memory is the transport's once this returns, and an answer may take a turn.
      this.#target.question(request.operation.slice(), options, (answer) => {
        const { out } = this.#begin(from);
        if (answer instanceof Uint8Array) writeAnswered(out, id, answer);
        else writeFailed(out, id, 0, 1, answer);
      });
      return;
    }
    let operation: Operation;
    try {
      operation = decodeOperation(request.operation);
    } catch (error) {
      const replies = this.#begin(from);
      writeFailed(replies.out, id, 0, 1, malformedOperation(error));
      return;
    }
    if (operation.kind !== "calls") {
      this.#target.operation(operation, options, (outcome) => {
        const { out } = this.#begin(from);
        if ("kind" in outcome) writeOperated(out, id, outcome);
        else writeFailed(out, id, 0, 1, outcome);
      });
      return;
    }
    const sink = this.#sink(from, id, operation.batch.sizes?.slice(0, operation.batch.calls) ?? null);
    if (kind === "peek") this.#target.peek(operation, options, sink);
    else this.#target.calls(operation, options, sink);
  }

  #sink(from: NodeId, id: number, sizes: Uint32Array | null): CallSink {
    return {
      decided: (fromCall: number, toCall: number, results: ResultColumns, fromItem: number, facts: DecisionFacts) => {
        let items = toCall - fromCall;
        if (sizes !== null) {
          items = 0;
          for (let call = fromCall; call < toCall; call++) items += sizes[call]!;
        }
        writeDecided(this.#begin(from).out, id, fromCall, toCall, facts, results, fromItem, items);
      },
      failed: (fromCall: number, toCall: number, failure: NodeFailure) => {
        writeFailed(this.#begin(from).out, id, fromCall, toCall, failure);
      },
    };
  }

  #begin(to: NodeId): Replies {
    let replies = this.#replies.get(to);
    if (replies === undefined) {
      replies = { out: new ByteWriter(16_384), count: 0 };
      this.#replies.set(to, replies);
    }
    if (replies.out.length > maxFrameBytes) this.#flushTo(to, replies);
    if (replies.count === 0) {
      replies.out.reset();
      replies.out.u8(FrameKind.replies);
      replies.out.u8(peerVersion);
      replies.out.u32(0);
      this.#wake();
    }
    replies.count++;
    return replies;
  }

  #flushTo(to: NodeId, replies: Replies): void {
    if (replies.count === 0) return;
    replies.out.patchU32(2, replies.count);
    replies.count = 0;
    this.#send(to, replies.out.take());
  }
}
