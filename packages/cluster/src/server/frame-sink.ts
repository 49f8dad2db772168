import { isDecided, type ResultColumns, type Rule } from "@quorumguard/limiter";
import { encodeFrameReply, encodeSessionResponse, type ReceivedFrame } from "@quorumguard/proto";
import type { CallSink, ClusterNode, DecisionFacts, NodeFailure } from "../node/node.ts";
import { failureDetail } from "./call-error.ts";
import { checkRule } from "./check-rule.ts";
import { checkVerbs } from "./check-verb.ts";
import { wireSource } from "./decision-columns.ts";
import type { DecisionMeter } from "./decision-meter.ts";
import { InvalidField } from "./invalid-field.ts";

/**
 * The rules of a frame, held to their bounds. Keys, costs, sizes and indexes were held to theirs while the frame was
 * read; what is left are the rules, the verbs and the numbers.
 *
 * @throws {InvalidField} when a field is out of bounds.
 */
export function checkFrame(frame: ReceivedFrame): Rule[] {
  if (frame.firstNumber < 1 || frame.firstNumber > Number.MAX_SAFE_INTEGER - frame.calls) {
    throw new InvalidField("frame.first_number", frame.firstNumber, "numbers run from 1 to 2^53-1");
  }
  checkVerbs(frame);
  return frame.rules.map((rule, at) => checkRule(rule, `frame.rules[${at}]`));
}

/** What a frame's answers need of the stream they go out on. */
export interface ReplyRoute {
  readonly node: ClusterNode;
  readonly meter: DecisionMeter;
  readonly monotonicMs: () => number;
  /** The version of the namespace's policies that this node has applied, so that clients forget what an earlier one denied. */
  policyVersion(): number;
  /** Whether a reply may settle calls that are not in a row. */
  readsRuns(): boolean;
  /** Drops the message if the stream has ended. */
  send(message: Uint8Array): void;
  /** All calls of one frame have been answered. */
  frameDone(): void;
  /** An answer that the wire has no words for: the stream ends, and the node goes on. */
  broken(error: Error): void;
}

/**
 * Turns the answers to one frame into replies. Each part goes out as it comes: a denial never waits for its neighbours' commit.
 * What is decided at once goes in one reply, if the client reads it.
 */
export class FrameSink implements CallSink {
  readonly #route: ReplyRoute;
  readonly #firstNumber: number;
  readonly #frame: ReceivedFrame;
  readonly #startedMs: number;
  #unanswered: number;
  /** Of the reply that is being gathered: how many calls it settles (0: there is none), and where it begins. */
  #calls = 0;
  #fromCall = 0;
  #fromItem = 0;
  /** Behind its last call. */
  #toCall = 0;
  #tellLimits = false;
  /** As {@link FrameReplyColumns.runs}. */
  #runs: number[] | null = null;

  constructor(route: ReplyRoute, frame: ReceivedFrame) {
    this.#route = route;
    this.#firstNumber = frame.firstNumber;
    this.#frame = frame;
    this.#unanswered = frame.calls;
    this.#startedMs = route.monotonicMs();
  }

  decided(
    fromCall: number,
    toCall: number,
    results: ResultColumns,
    fromItem: number,
    facts: DecisionFacts,
    more = false,
  ): void {
    const toItem = fromItem + this.#itemsOf(fromCall, toCall);
    const differ = this.#differ(results, fromItem, toItem, this.#itemsOf(0, fromCall));
    if (this.#calls === 0) {
      this.#fromCall = fromCall;
      this.#fromItem = fromItem;
      this.#tellLimits = differ;
    } else {
      this.#runs ??= [this.#calls];
      this.#runs.push(fromCall - this.#toCall, toCall - fromCall);
      this.#tellLimits ||= differ;
    }
    this.#calls += toCall - fromCall;
    this.#toCall = toCall;
    if (!more || !this.#mayGather) this.#reply(results, toItem, facts);
  }

  /** Of calls whose verbs or sizes are told apart, each part is counted by itself. */
  get #mayGather(): boolean {
    const { sizes, verbs } = this.#frame;
    return sizes === null && verbs === null && this.#route.readsRuns();
  }

  #reply(results: ResultColumns, toItem: number, facts: DecisionFacts): void {
    const calls = this.#calls;
    const fromItem = this.#fromItem;
    const { sizes, verbs } = this.#frame;
    const reply = this.#encode({
      firstNumber: this.#firstNumber + this.#fromCall,
      calls,
      index: facts.index,
      asOfIndex: facts.asOfIndex,
      stampUs: facts.stampUs,
      policyVersion: this.#route.policyVersion(),
      source: wireSource(facts),
      results,
      tellLimits: this.#tellLimits,
      fromItem,
      toItem,
      runs: this.#runs,
    });
    this.#calls = 0;
    this.#runs = null;
    this.#route.meter.decided({
      outcomes: results.outcomes,
      from: fromItem,
      to: toItem,
      sizes: sizes?.subarray(this.#fromCall, this.#toCall) ?? null,
      verbs: verbs?.subarray(this.#fromCall, this.#toCall) ?? null,
      facts,
      durationMs: this.#route.monotonicMs() - this.#startedMs,
    });
    if (reply !== null) this.#route.send(reply);
    this.#answered(calls);
  }

  #encode(reply: Parameters<typeof encodeFrameReply>[0]): Uint8Array | null {
    try {
      return encodeFrameReply(reply);
    } catch (error) {
      this.#route.broken(error as Error);
      return null;
    }
  }

  failed(fromCall: number, toCall: number, failure: NodeFailure): void {
    this.#route.meter.failed(failure.reason, toCall - fromCall);
    const detail = failureDetail(failure, this.#route.node.topology());
    const value = { firstNumber: BigInt(this.#firstNumber + fromCall), calls: toCall - fromCall, detail };
    this.#route.send(encodeSessionResponse({ case: "error", value }));
    this.#answered(toCall - fromCall);
  }

  #itemsOf(fromCall: number, toCall: number): number {
    const { sizes } = this.#frame;
    if (sizes === null) return toCall - fromCall;
    let items = 0;
    for (let call = fromCall; call < toCall; call++) items += sizes[call]!;
    return items;
  }

  /** Whether a limit in force is another than the rule of its item has; `firstItem` is the frame's item at `fromItem`. */
  #differ({ limits, outcomes }: ResultColumns, fromItem: number, toItem: number, firstItem: number): boolean {
    const { rules, ruleIndexes } = this.#frame;
    for (let at = fromItem; at < toItem; at++) {
      const rule = ruleIndexes === null ? 0 : ruleIndexes[firstItem + at - fromItem]!;
      // Of what was not decided, no limit is in force; one that is may be 0.
      if (isDecided(outcomes[at]!) && limits[at] !== rules[rule]!.limit) return true;
    }
    return false;
  }

  #answered(calls: number): void {
    this.#unanswered -= calls;
    if (this.#unanswered === 0) this.#route.frameDone();
  }
}
