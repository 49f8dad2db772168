import { type CallBatch, type Rule, Verb } from "@quorumguard/limiter";
import type { Check } from "@quorumguard/proto";
import { checkRule } from "./check-rule.ts";
import { checkCost, checkKey } from "./check-text.ts";
import type { CallVerb } from "./check-verb.ts";
import { InvalidField, shown } from "./invalid-field.ts";

/** One check of a unary request, held to its bounds. */
export interface CheckedItem {
  readonly rule: Rule;
  readonly key: Uint8Array;
  readonly cost: number;
}

const encoder = new TextEncoder();

/**
 * Holds a check of a unary request to its bounds. `path` is its name in messages.
 *
 * @throws {InvalidField} when a field is missing or out of bounds.
 */
export function checkItem(check: Check | undefined, path: string): CheckedItem {
  if (check === undefined) throw new InvalidField(path, shown("missing"), "give a key and a rule");
  if (check.rule === undefined)
    throw new InvalidField(`${path}.rule`, shown("missing"), "give a limit and a window_us");
  checkKey(check.key, `${path}.key`);
  // 64-bit on the wire; whatever does not fit a safe integer is far above the longest window anyway.
  const rule = checkRule({ ...check.rule, windowUs: Number(check.rule.windowUs) }, `${path}.rule`);
  return { rule, key: encoder.encode(check.key), cost: checkCost(check.cost, `${path}.cost`) };
}

/** One call of a unary request: its items are admitted together or not at all. */
export interface UnaryCall extends CallVerb {
  readonly items: readonly CheckedItem[];
  /** Empty: a retry may charge twice. */
  readonly requestId: string;
}

/** Puts unary calls into columns. A call of several items is all-or-nothing. Outside a session calls have no numbers. */
export function batchOf(calls: readonly UnaryCall[]): CallBatch {
  const items = calls.flatMap((call) => call.items);
  const keyBytes = new Uint8Array(items.reduce((sum, item) => sum + item.key.length, 0));
  const keyStarts = new Uint32Array(items.length);
  const keyLengths = new Uint32Array(items.length);
  const costs = new Uint32Array(items.length);
  const ruleIndexes = new Uint32Array(items.length);
  const rules = new RuleTable();
  let end = 0;
  for (const [at, item] of items.entries()) {
    keyBytes.set(item.key, end);
    keyStarts[at] = end;
    keyLengths[at] = item.key.length;
    end += item.key.length;
    costs[at] = item.cost;
    ruleIndexes[at] = rules.indexOf(item.rule);
  }
  const sizes = Uint32Array.from(calls, (call) => call.items.length);
  const allTakes = calls.every((call) => call.verb === Verb.take);
  // All but takes have one item, so a value per call that is repeated for each of its items is one per item.
  const perItem = (of: (call: UnaryCall) => number) =>
    allTakes ? null : Float64Array.from(calls.flatMap((call) => call.items.map(() => of(call))));
  return {
    firstNumber: 0,
    calls: calls.length,
    items: items.length,
    rules: rules.rules,
    keyBytes,
    keyStarts,
    keyLengths,
    ruleIndexes,
    costs,
    sizes: sizes.every((size) => size === 1) ? null : sizes,
    verbs: allTakes ? null : Uint8Array.from(calls, (call) => call.verb),
    ttlsMs: perItem((call) => call.ttlMs),
    handles: perItem((call) => call.handle),
  };
}

/** Equal rules share a place in the batch's table, as they do in a frame. */
class RuleTable {
  readonly rules: Rule[] = [];
  readonly #places = new Map<string, number>();

  indexOf(rule: Rule): number {
    const name = JSON.stringify([rule.algorithm, rule.limit, rule.windowUs, rule.burst, rule.policy]);
    const known = this.#places.get(name);
    if (known !== undefined) return known;
    this.#places.set(name, this.rules.length);
    this.rules.push(rule);
    return this.rules.length - 1;
  }
}
