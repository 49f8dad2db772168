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
    sampler.begin(batch.items);
    const chosen = chosenOf(batch.items, sampler);
    if (chosen.length === 0) return sink;
    const namespace = namespaceOf(limiter, origin);
    return namespace === null ? sink : new WatchingSink(sink, topKeys, sampler.weight, namespace, batch, chosen);
  };
}

/** The items that are looked at, in their order. */
function chosenOf(items: number, sampler: Sampler): readonly number[] {
  const chosen: number[] = [];
  for (let item = sampler.skip(); item < items; item += 1 + sampler.skip()) chosen.push(item);
  return chosen;
}

/** Null: the session is gone, and its calls will not be decided. */
export function namespaceOf(limiter: Limiter, origin: CallOrigin): string | null {
  return origin.kind === "session" ? limiter.sessionNamespace(origin.session, origin.nonce) : origin.namespace;
}

class WatchingSink implements CallSink {
  readonly #sink: CallSink;
  readonly #topKeys: TopKeys;
  readonly #weight: number;
  /** The items that are looked at, in their order, and the name of each; empty for one that neither takes nor reserves. */
  readonly #chosen: readonly number[];
  readonly #names: readonly string[];
  /** Where the items of each call start; null: each call has one item. */
  readonly #starts: Uint32Array | null;

  constructor(
    sink: CallSink,
    topKeys: TopKeys,
    weight: number,
    namespace: string,
    batch: CallBatch,
    chosen: readonly number[],
  ) {
    this.#sink = sink;
    this.#topKeys = topKeys;
    this.#weight = weight;
    this.#starts = startsOf(batch);
    this.#chosen = chosen;
    this.#names = namesOf(batch, this.#starts, namespace, chosen);
  }

  decided(
    fromCall: number,
    toCall: number,
    results: ResultColumns,
    fromItem: number,
    facts: DecisionFacts,
    more?: boolean,
  ): void {
    // What was decided before was counted then.
    if (!facts.repeated) {
      const from = this.#starts === null ? fromCall : this.#starts[fromCall]!;
      const to = this.#starts === null ? toCall : this.#starts[toCall]!;
      for (let at = firstNotBelow(this.#chosen, from); at < this.#chosen.length && this.#chosen[at]! < to; at++) {
        const outcome = results.outcomes[fromItem + this.#chosen[at]! - from]!;
        const name = this.#names[at]!;
        if (name !== "" && outcome < firstUndecided) this.#topKeys.decided(name, outcome > allowed, this.#weight);
      }
    }
    this.#sink.decided(fromCall, toCall, results, fromItem, facts, more);
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

/** Where in ascending numbers the first one is that is not below `bound`: calls of one batch may be answered one by one. */
function firstNotBelow(numbers: readonly number[], bound: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle]! < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

function namesOf(
  batch: CallBatch,
  starts: Uint32Array | null,
  namespace: string,
  chosen: readonly number[],
): readonly string[] {
  const { verbs, rules, ruleIndexes, keyBytes, keyStarts, keyLengths } = batch;
  let call = 0;
  return chosen.map((item) => {
    if (starts === null) call = item;
    else while (starts[call + 1]! <= item) call++;
    const verb = verbs?.[call] ?? Verb.take;
    if (verb !== Verb.take && verb !== Verb.reserve) return "";
    const policy = rules[ruleIndexes?.[item] ?? 0]?.policy ?? "";
    const start = keyStarts[item]!;
    const key = decoder.decode(keyBytes.subarray(start, start + keyLengths[item]!));
    return nameOf({ namespace, policy, key });
  });
}
