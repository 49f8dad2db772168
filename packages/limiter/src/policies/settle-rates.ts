import { encodeUtf8 } from "../entry/utf8.ts";
import type { KeyTable } from "../keys/key-table.ts";
import { QuotaRule } from "../keys/quota-rule.ts";
import { Algorithm } from "../rule.ts";
import type { TierLimit } from "./documents.ts";
import { numbersOf } from "./move-lineages.ts";
import type { NamespacePolicies } from "./namespace-policies.ts";
import { type RecordEdit, tierId } from "./records.ts";

const MOST = 2_147_483_647;

/** A key whose own numbers under a policy may have become others. */
interface Renumbered {
  readonly policy: string;
  readonly key: string;
}

/**
 * Reckons the buckets of all keys whose own rate (an override, a tier) a change made another one: until the stamp of the
 * change they drained at the old rate, from then on at the new one. Without it a bucket would be empty when the old rate
 * says so: 10 used at 10 a second, and slowed down at once to 1 an hour, would be 10 again a second later.
 *
 * Follows the change. Where a policy's own numbers change an epoch ends instead, and numbers that travel inline under a
 * name are known to their callers alone. Work: the rows of the change, and for a tier its keys.
 */
export function settleRates(
  keys: KeyTable,
  policies: NamespacePolicies,
  edits: readonly RecordEdit[],
  stampUs: number,
): void {
  const namespace = encodeUtf8(policies.name);
  const rule = new QuotaRule();
  for (const { policy: name, key } of renumbered(policies, edits)) {
    const policy = policies.policy(name);
    if (policy?.algorithm !== "token-bucket") continue;
    const { limit, windowUs, burst } = numbersOf(policy);
    const own = policies.numbersFor(name, key);
    const newLimit = own?.limit ?? limit;
    // A limit of 0 admits nothing, so it sets no rate: the last one goes on.
    if (newLimit === 0) continue;
    const [nameBytes, keyBytes] = [encodeUtf8(name), encodeUtf8(key)];
    rule.set(namespace, Algorithm.tokenBucket, MOST, windowUs, MOST, nameBytes, 0, nameBytes.length);
    rule.setEpoch(policies.lineages.get(name)?.epoch ?? 0);
    keys.prepare(rule);
    const block = keys.find(rule, keys.hashOf(rule, keyBytes, 0, keyBytes.length), keyBytes, 0, keyBytes.length);
    if (block === 0 || keys.expiryOf(block) <= stampUs) continue;
    // Of the rate asked for and the one it last knew the slower counts: so far the one it knew, from now on the new one.
    keys.charge(rule, block, 0, stampUs);
    rule.limit = newLimit;
    rule.burst = own?.burst ?? burst;
    keys.charge(rule, block, 0, stampUs);
  }
}

/** Some may come twice, which does not matter: the second time no time has passed. */
function* renumbered(policies: NamespacePolicies, edits: readonly RecordEdit[]): IterableIterator<Renumbered> {
  const tiersBefore = new Map<string, readonly TierLimit[]>();
  for (const { before } of edits) if (before?.kind === "tier") tiersBefore.set(before.value.name, before.value.limits);
  /** What a tier says or said. */
  const namesIn = (tier: string): readonly string[] => {
    const record = policies.records.get(tierId(tier));
    const limits = record?.kind === "tier" ? record.value.limits : [];
    return [...limits, ...(tiersBefore.get(tier) ?? [])].map(({ policy }) => policy);
  };
  const changed = new Map<string, ReadonlySet<string>>();
  for (const { before, after } of edits) {
    for (const record of [before, after]) {
      if (record?.kind === "override") yield record.value;
      if (record?.kind === "tierKey") {
        for (const policy of namesIn(record.value.tier)) yield { policy, key: record.value.key };
      }
      if (record?.kind === "tier") changed.set(record.value.name, new Set(namesIn(record.value.name)));
    }
  }
  if (changed.size === 0) return;
  for (const record of policies.records.view.values()) {
    if (record.kind !== "tierKey") continue;
    for (const policy of changed.get(record.value.tier) ?? []) yield { policy, key: record.value.key };
  }
}
