import { type CallBatch, Verb } from "@quorumguard/limiter";
import type { AskedItem } from "./records.ts";

/** Items of every call of a batch, in order; decoded without any of the limiter's own code. */
export function itemsOfCalls(batch: CallBatch): AskedItem[][] {
  const calls: AskedItem[][] = [];
  for (let call = 0, at = 0; call < batch.calls; call++) {
    const size = batch.sizes?.[call] ?? 1;
    const verb = (batch.verbs?.[call] ?? Verb.take) as Verb;
    calls.push(Array.from({ length: size }, (_, place) => itemOf(batch, at + place, verb)));
    at += size;
  }
  return calls;
}

function itemOf(batch: CallBatch, at: number, verb: Verb): AskedItem {
  const start = batch.keyStarts[at]!;
  const key = new TextDecoder().decode(batch.keyBytes.subarray(start, start + batch.keyLengths[at]!));
  const rule = batch.rules[batch.ruleIndexes?.[at] ?? 0]!;
  const cost = batch.costs?.[at] ?? 1;
  if (verb === Verb.take) return { key, rule, cost };
  return { key, rule, cost, verb, ttlMs: batch.ttlsMs?.[at] ?? 0, handle: batch.handles?.[at] ?? 0 };
}
