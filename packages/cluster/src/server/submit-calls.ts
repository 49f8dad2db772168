import { create } from "@bufbuild/protobuf";
import type { CallOrigin, ResultColumns } from "@quorumguard/limiter";
import { type CallResult, CallResultSchema, type Decision, Outcome } from "@quorumguard/proto";
import type { CallSink, ClusterNode, DecisionFacts, NodeFailure, SubmitOptions } from "../node/node.ts";
import { batchOf, type CheckedItem, type UnaryCall } from "./call-batches.ts";
import { failureError } from "./call-error.ts";
import { decisionAt, overloadedDecision } from "./decision-columns.ts";
import type { DecisionMeter } from "./decision-meter.ts";

/** The node that decides calls, the meter that counts them, and the clock that times them. */
export interface SubmitTools {
  readonly node: ClusterNode;
  readonly meter: DecisionMeter;
  readonly monotonicMs: () => number;
}

/**
 * Submits the calls of one unary request and waits for all of them. Calls with a request id go one by one, since their
 * id is their identity in the log; neighbours without one share a batch.
 *
 * Rejects if a call has no answer that a result can carry; its error then speaks for the whole request.
 */
export function submitCalls(
  tools: SubmitTools,
  caller: { readonly namespace: string; readonly identity: string },
  calls: readonly UnaryCall[],
  options: SubmitOptions,
): Promise<CallResult[]> {
  return new Promise((resolve, reject) => {
    const gather = new Gather(tools, calls, resolve, reject);
    for (let from = 0; from < calls.length; ) {
      const requestId = calls[from]!.requestId;
      let to = from + 1;
      while (requestId === "" && calls[to]?.requestId === "") to++;
      const origin: CallOrigin =
        requestId === ""
          ? { kind: "anonymous", namespace: caller.namespace }
          : { kind: "request", ...caller, requestId };
      const batch = batchOf(calls.slice(from, to));
      tools.node.submit(origin, batch, options, gather.sinkFor(from));
      from = to;
    }
  });
}

/** Asks what a take would come to, and charges nothing. */
export function peekOne(
  tools: SubmitTools,
  namespace: string,
  item: CheckedItem,
  options: SubmitOptions,
): Promise<{ decision: Decision; stampUs: bigint }> {
  return new Promise((resolve, reject) => {
    tools.node.peek(namespace, item.rule, item.key, item.cost, options, {
      decided(_fromCall, _toCall, results, fromItem, facts) {
        const decision = decisionAt(results, fromItem, item.rule.limit, facts);
        resolve({ decision, stampUs: BigInt(facts.stampUs) });
      },
      // Asking charges nothing, so it is always safe to ask again.
      failed: (_fromCall, _toCall, failure) => reject(failureError(failure, tools.node.topology(), true)),
    });
  });
}

/** Collects the answers to one request, whose parts arrive apart and in any order. */
class Gather {
  readonly #tools: SubmitTools;
  readonly #calls: readonly UnaryCall[];
  readonly #results: CallResult[];
  readonly #resolve: (results: CallResult[]) => void;
  readonly #reject: (error: Error) => void;
  readonly #startedMs: number;
  #missing: number;
  #failure: NodeFailure | null = null;
  #decided = 0;

  constructor(
    tools: SubmitTools,
    calls: readonly UnaryCall[],
    resolve: (results: CallResult[]) => void,
    reject: (error: Error) => void,
  ) {
    this.#tools = tools;
    this.#calls = calls;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#results = new Array<CallResult>(calls.length);
    this.#missing = calls.length;
    this.#startedMs = tools.monotonicMs();
  }

  /** The sink of the batch whose first call is `first` of the request. */
  sinkFor(first: number): CallSink {
    return {
      decided: (fromCall, toCall, results, fromItem, facts) =>
        this.#onDecided(first + fromCall, first + toCall, results, fromItem, facts),
      failed: (fromCall, toCall, failure) => this.#onFailed(first + fromCall, first + toCall, failure),
    };
  }

  #onDecided(from: number, to: number, results: ResultColumns, fromItem: number, facts: DecisionFacts): void {
    let at = fromItem;
    for (let call = from; call < to; call++) {
      const decisions = this.#calls[call]!.items.map((item, place) =>
        decisionAt(results, at + place, item.rule.limit, facts),
      );
      at += decisions.length;
      this.#results[call] = create(CallResultSchema, {
        allowed: decisions.every((decision) => decision.outcome === Outcome.ALLOWED),
        decisions,
        index: BigInt(facts.index),
        stampUs: BigInt(facts.stampUs),
      });
    }
    this.#tools.meter.decided({
      outcomes: results.outcomes,
      from: fromItem,
      to: at,
      sizes: this.#calls.slice(from, to).map((call) => call.items.length),
      verbs: this.#calls.slice(from, to).map((call) => call.verb),
      facts,
      durationMs: this.#tools.monotonicMs() - this.#startedMs,
    });
    this.#decided += to - from;
    this.#settle(to - from);
  }

  #onFailed(from: number, to: number, failure: NodeFailure): void {
    this.#tools.meter.failed(failure.reason, to - from);
    // "Overloaded" is an outcome of its own, so neighbours that were decided keep their answers.
    const inResult = failure.reason === "overloaded" && failure.applied === "no" && this.#calls.length > 1;
    if (!inResult) this.#failure = worse(this.#failure, failure);
    for (let call = from; inResult && call < to; call++) {
      const decisions = this.#calls[call]!.items.map((item) =>
        overloadedDecision(item.rule.limit, failure.retryAfterMs),
      );
      this.#results[call] = create(CallResultSchema, { allowed: false, decisions });
    }
    this.#settle(to - from);
  }

  #settle(calls: number): void {
    this.#missing -= calls;
    if (this.#missing > 0) return;
    if (this.#failure === null) {
      this.#resolve(this.#results);
      return;
    }
    // One error speaks for the whole request: if any of it was decided, the caller must not take it for untouched.
    const failure: NodeFailure = this.#decided > 0 ? { ...this.#failure, applied: "unknown" } : this.#failure;
    const retrySafe = this.#calls.every((call) => call.requestId !== "");
    this.#reject(failureError(failure, this.#tools.node.topology(), retrySafe));
  }
}

function worse(known: NodeFailure | null, next: NodeFailure): NodeFailure {
  return known === null || (known.applied === "no" && next.applied === "unknown") ? next : known;
}
