import { encodeUtf8 } from "../entry/utf8.ts";
import type { KeyTable } from "../keys/key-table.ts";
import { QuotaRule } from "../keys/quota-rule.ts";
import { Algorithm } from "../rule.ts";
import { numbersOf } from "./move-lineages.ts";
import type { NamespacePolicies } from "./namespace-policies.ts";
import type { RenumberedKeys } from "./renumbered-keys.ts";

const MOST = 2_147_483_647;

/**
 * Reckons the buckets whose own rate a change made another one: until the stamp of the change they drained at the old
 * rate, from then on at the new one. Without it a bucket would be empty when the old rate says so: 10 used at 10 a
 * second, and slowed down at once to 1 an hour, would be 10 again a second later.
 *
 * Follows the change. Where a policy's own numbers change an epoch ends instead, and numbers that travel inline under a
 * name are known to their callers alone.
 */
export function settleRates(
  keys: KeyTable,
  policies: NamespacePolicies,
  renumbered: RenumberedKeys,
  stampUs: number,
): void {
  const namespace = encodeUtf8(policies.name);
  const rule = new QuotaRule();
  for (const [name, names] of renumbered) {
    const policy = policies.policy(name);
    if (policy?.algorithm !== "token-bucket") continue;
    const { limit, windowUs, burst } = numbersOf(policy);
    const source = encodeUtf8(name);
    rule.set(namespace, Algorithm.tokenBucket, MOST, windowUs, MOST, source, 0, source.length);
    rule.setEpoch(policies.lineages.get(name)?.epoch ?? 0);
    keys.prepare(rule);
    for (const key of names) {
      const bytes = encodeUtf8(key);
      const block = keys.find(rule, keys.hashOf(rule, bytes, 0, bytes.length), bytes, 0, bytes.length);
      if (block === 0 || keys.expiryOf(block) <= stampUs) continue;
      const own = policies.numbersFor(name, key);
      const newLimit = own?.limit ?? limit;
      // A limit of 0 admits nothing, so it sets no rate: the last one goes on.
      if (newLimit === 0) continue;
      // Of the rate asked for and the one it last knew the slower counts: so far the one it knew, from now on the new one.
      keys.charge(rule, block, 0, stampUs);
      rule.limit = newLimit;
      rule.burst = own?.burst ?? burst;
      keys.charge(rule, block, 0, stampUs);
      rule.limit = MOST;
      rule.burst = MOST;
    }
  }
}
