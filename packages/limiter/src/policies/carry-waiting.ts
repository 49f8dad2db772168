import { encodeUtf8 } from "../entry/utf8.ts";
import type { KeyTable } from "../keys/key-table.ts";
import { QuotaRule } from "../keys/quota-rule.ts";
import { Algorithm } from "../rule.ts";
import type { CarryOver } from "./carry-over.ts";
import { type AskedRule, GovernedRule } from "./governed-rule.ts";
import type { NamespacePolicies } from "./namespace-policies.ts";
import type { RenumberedKeys } from "./renumbered-keys.ts";

/**
 * Before a change that gives keys other numbers of their own: carries over what waits for them, as a touch does, by the
 * numbers that they have until then. For what waits is charged by the numbers of whoever carries it, as of the end of the
 * epoch that counted it, so the new numbers would count from then on. Where it goes by no rate they count for nothing, and
 * it is left alone.
 *
 * Refuses nothing, like the change; there may be more keys than the bound, at most one for each that is carried over. Of
 * a name without old counters no key is looked at.
 */
export function carryWaiting(
  keys: KeyTable,
  carryOver: CarryOver,
  policies: NamespacePolicies,
  renumbered: RenumberedKeys,
  stampUs: number,
): void {
  if (!keys.census.hasFrozen) return;
  const namespace = encodeUtf8(policies.name);
  const rule = new GovernedRule(new QuotaRule());
  for (const [name, names] of renumbered) {
    const source = encodeUtf8(name);
    const byName: AskedRule = { ...nameAlone, source, nameStart: 0, nameLength: source.length };
    rule.resolve(policies, namespace, byName, name, stampUs);
    const { quota } = rule;
    if (rule.policy === null || rule.epochs.length === 0) continue;
    const old = oldRules(keys, rule);
    if (old.length === 0) continue;
    keys.prepare(quota);
    for (const key of names) {
      const bytes = encodeUtf8(key);
      const { length } = bytes;
      const isThere = (one: QuotaRule) => keys.find(one, keys.hashOf(one, bytes, 0, length), bytes, 0, length) !== 0;
      if (!old.some(isThere)) continue;
      rule.useNumbers(policies.numbersFor(name, key));
      carryOver.renumber(rule, bytes, 0, length);
    }
  }
}

const nameAlone = { algorithm: Algorithm.slidingWindowLog, limit: 0, windowUs: 0, burst: 0 };

/** What the name's old counters are found by; only of epochs and shapes of which there are any. */
function oldRules(keys: KeyTable, { epochs }: GovernedRule): readonly QuotaRule[] {
  const past = epochs.flatMap(({ rules }) => rules);
  const found = past.filter(({ prefix, prefixLength }) => keys.census.hasShape(prefix, prefixLength));
  for (const old of found) keys.prepare(old);
  return found;
}
