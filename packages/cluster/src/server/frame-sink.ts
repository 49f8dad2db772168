import type { ResultColumns, Rule } from "@quorumguard/limiter";
import { encodeFrameReply, encodeSessionResponse, type ReceivedFrame } from "@quorumguard/proto";
import type { CallSink, ClusterNode, DecisionFacts, NodeFailure } from "../node/node.ts";
import { failureDetail } from "./call-error.ts";
import { checkRule } from "./check-rule.ts";
import { wireSource } from "./decision-columns.ts";
import type { DecisionMeter } from "./decision-meter.ts";
import { InvalidField } from "./invalid-field.ts";

/**
 * The rules of a frame, held to their bounds. Keys, costs, sizes and indexes were held to theirs while the frame was
 * read; what is left are the rules and the numbers.
 *
 * @throws {InvalidField} when a field is out of bounds.
 */
export function checkFrame(frame: ReceivedFrame): Rule[] {
  if (frame.firstNumber < 1 || frame.firstNumber > Number.MAX_SAFE_INTEGER - frame.calls) {
    throw new InvalidField("frame.first_number", frame.firstNumber, "numbers run from 1 to 2^53-1");
  }
  return frame.rules.map((rule, at) => checkRule(rule, `frame.rules[${at}]`));
}

/** What a frame's answers need of the stream they go out on. */
export interface ReplyRoute {
  readonly node: ClusterNode;
  readonly meter: DecisionMeter;
  readonly monotonicMs: () => number;
  /** Drops the message if the stream has ended. */
  send(message: Uint8Array): void;
  /** All calls of one frame have been answered. */
  frameDone(): void;
}

/** Turns the answers to one frame into replies. Each part goes out as it comes: a denial never waits for its neighbours' commit. */
export class FrameSink implements CallSink {
  readonly #route: ReplyRoute;
  readonly #firstNumber: number;
  readonly #sizes: Uint32Array | null;
  readonly #startedMs: number;
  #unanswered: number;

  constructor(route: ReplyRoute, frame: ReceivedFrame) {
    this.#route = route;
    this.#firstNumber = frame.firstNumber;
    this.#sizes = frame.sizes;
    this.#unanswered = frame.calls;
    this.#startedMs = route.monotonicMs();
  }

  decided(fromCall: number, toCall: number, results: ResultColumns, fromItem: number, facts: DecisionFacts): void {
    const toItem = fromItem + this.#itemsOf(fromCall, toCall);
    const reply = encodeFrameReply({
      firstNumber: this.#firstNumber + fromCall,
      calls: toCall - fromCall,
      index: facts.index,
      stampUs: facts.stampUs,
      policyVersion: 0,
      source: wireSource(facts),
      results,
      fromItem,
      toItem,
    });
    this.#route.meter.decided({
      outcomes: results.outcomes,
      from: fromItem,
      to: toItem,
      sizes: this.#sizes?.subarray(fromCall, toCall) ?? null,
      facts,
      durationMs: this.#route.monotonicMs() - this.#startedMs,
    });
    this.#route.send(reply);
    this.#answered(toCall - fromCall);
  }

  failed(fromCall: number, toCall: number, failure: NodeFailure): void {
    this.#route.meter.failed(failure.reason, toCall - fromCall);
    const detail = failureDetail(failure, this.#route.node.topology());
    const value = { firstNumber: BigInt(this.#firstNumber + fromCall), calls: toCall - fromCall, detail };
    this.#route.send(encodeSessionResponse({ case: "error", value }));
    this.#answered(toCall - fromCall);
  }

  #itemsOf(fromCall: number, toCall: number): number {
    if (this.#sizes === null) return toCall - fromCall;
    let items = 0;
    for (let call = fromCall; call < toCall; call++) items += this.#sizes[call]!;
    return items;
  }

  #answered(calls: number): void {
    this.#unanswered -= calls;
    if (this.#unanswered === 0) this.#route.frameDone();
  }
}
