import { type CallBatch, type CallOrigin, type Limiter, type ResultColumns, Verb } from "@quorumguard/limiter";
import type { CallSink, DecisionFacts, NodeFailure } from "../../node/node.ts";
import type { NodeOptions } from "../../node/node-options.ts";
import type { Sampler } from "./sampler.ts";
import { nameOf, type TopKeys } from "./top-keys.ts";

/** Outcomes below this one are decisions; those between "allowed" and this one deny. */
const firstUndecided = 16;
const allowed = 1;

const decoder = new TextDecoder();

/** Feeds what a leader decides to `topKeys`: what is taken or reserved, as much of it as `sampler` lets through. */
export function watchDecisions(topKeys: TopKeys, sampler: Sampler): NonNullable<NodeOptions["watch"]> {
  return (limiter, origin, batch, sink) => {
    if (!sampler.takes(batch.items)) return sink;
    const namespace = namespaceOf(limiter, origin);
    return namespace === null ? sink : new WatchingSink(sink, topKeys, sampler.weight, namespace, batch);
  };
}

/** Null: the session is gone, and its calls will not be decided. */
export function namespaceOf(limiter: Limiter, origin: CallOrigin): string | null {
  return origin.kind === "session" ? limiter.sessionNamespace(origin.session, origin.nonce) : origin.namespace;
}

class WatchingSink implements CallSink {
  readonly #sink: CallSink;
  readonly #topKeys: TopKeys;
  readonly #weight: number;
  /** One for each item; empty for one that neither takes nor reserves. */
  readonly #names: readonly string[];
  /** Where the items of each call start; null: each call has one item. */
  readonly #starts: Uint32Array | null;

  constructor(sink: CallSink, topKeys: TopKeys, weight: number, namespace: string, batch: CallBatch) {
    this.#sink = sink;
    this.#topKeys = topKeys;
    this.#weight = weight;
    const starts = startsOf(batch);
    this.#names = namesOf(batch, starts, namespace);
    this.#starts = starts;
  }

  decided(fromCall: number, toCall: number, results: ResultColumns, fromItem: number, facts: DecisionFacts): void {
    // What was decided before was counted then.
    if (!facts.repeated) {
      const from = this.#starts === null ? fromCall : this.#starts[fromCall]!;
      const to = this.#starts === null ? toCall : this.#starts[toCall]!;
      for (let item = from; item < to; item++) {
        const outcome = results.outcomes[fromItem + item - from]!;
        const name = this.#names[item]!;
        if (name !== "" && outcome < firstUndecided) this.#topKeys.decided(name, outcome > allowed, this.#weight);
      }
    }
    this.#sink.decided(fromCall, toCall, results, fromItem, facts);
  }

  failed(fromCall: number, toCall: number, failure: NodeFailure): void {
    this.#sink.failed(fromCall, toCall, failure);
  }
}

function startsOf({ sizes, calls }: CallBatch): Uint32Array | null {
  if (sizes === null) return null;
  const starts = new Uint32Array(calls + 1);
  for (let call = 0; call < calls; call++) starts[call + 1] = starts[call]! + sizes[call]!;
  return starts;
}

function namesOf(batch: CallBatch, starts: Uint32Array | null, namespace: string): string[] {
  const { calls, verbs, rules, ruleIndexes, keyBytes, keyStarts, keyLengths } = batch;
  const names: string[] = [];
  for (let call = 0; call < calls; call++) {
    const verb = verbs?.[call] ?? Verb.take;
    const counts = verb === Verb.take || verb === Verb.reserve;
    const end = starts === null ? call + 1 : starts[call + 1]!;
    for (let item = starts === null ? call : starts[call]!; item < end; item++) {
      const policy = rules[ruleIndexes?.[item] ?? 0]?.policy ?? "";
      const start = keyStarts[item]!;
      const key = counts ? decoder.decode(keyBytes.subarray(start, start + keyLengths[item]!)) : "";
      names.push(counts ? nameOf({ namespace, policy, key }) : "");
    }
  }
  return names;
}
