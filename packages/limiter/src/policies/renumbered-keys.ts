import type { PolicyDocument, TierLimit } from "./documents.ts";
import { countsAlike, spanUs } from "./lineage.ts";
import { numbersOf } from "./move-lineages.ts";
import { PolicyError } from "./policy-error.ts";
import { idOfEdit, type PolicyRecord, policyId, type RecordEdit, type RecordView, tierId } from "./records.ts";

/** Buckets that one change may have to be reckoned, lest its entry keep heartbeats waiting: about a microsecond each. */
export const MAX_RECKONED = 20_000;
/**
 * Keys that a policy's change carries over because they stay slower than it: a change that nobody can make in parts must
 * not stall every node. Those beyond are kept by the policy's time.
 */
const MAX_CARRIED_ALONG = 5_000;

/** A key, and the policy under which it is looked at. */
type PolicyKey = readonly [policy: string, key: string];

/** Keys by the policy under which a change gives them other numbers of their own. */
export type RenumberedKeys = ReadonlyMap<string, readonly string[]>;

/**
 * Which buckets a change gives another rate by overrides and tiers, and which stay slower than a policy that it changes.
 * Some may come twice, which does not matter.
 *
 * @param view The records before the change.
 * @throws {PolicyError} too-many when there are more than {@link MAX_RECKONED}.
 */
export function renumberedKeys(view: RecordView, edits: readonly RecordEdit[]): RenumberedKeys {
  const changed = new Map(edits.map((edit) => [idOfEdit(edit), edit.after]));
  const recordAfter = (id: string): PolicyRecord | null =>
    changed.get(id) ?? (changed.has(id) ? null : (view.get(id) ?? null));
  const found = new Map<string, string[]>();
  const isBucket = new Map<string, boolean>();
  let count = 0;
  const add = (policy: string, key: string): void => {
    let is = isBucket.get(policy);
    if (is === undefined) {
      const record = recordAfter(policyId(policy));
      is = record?.kind === "policy" && record.value.algorithm === "token-bucket";
      isBucket.set(policy, is);
    }
    if (!is) return;
    if (++count > MAX_RECKONED) {
      const message = `gives other rates to more than ${MAX_RECKONED} buckets (rows of tiers times their keys): make it in parts`;
      throw new PolicyError("too-many", "change", message);
    }
    const keys = found.get(policy);
    if (keys === undefined) found.set(policy, [key]);
    else keys.push(key);
  };
  const limitsOf = (record: PolicyRecord | null | undefined) => (record?.kind === "tier" ? record.value.limits : []);
  const rows = new Map<string, readonly string[]>();
  for (const { before, after } of edits) {
    for (const record of [before, after]) {
      if (record?.kind === "override") add(record.value.policy, record.value.key);
      if (record?.kind !== "tierKey") continue;
      const id = tierId(record.value.tier);
      for (const { policy } of limitsOf(record === before ? view.get(id) : recordAfter(id)))
        add(policy, record.value.key);
    }
    const tier = before ?? after;
    if (tier?.kind === "tier") rows.set(tier.value.name, changedRows(limitsOf(before), limitsOf(after)));
  }
  for (const [policy, key] of keysOfRows(view.values(), rows)) add(policy, key);
  // Not refused for being too many: a policy's change never waits for what was counted before.
  let along = 0;
  for (const [policy, key] of slowedByPolicies(view, edits, recordAfter)) {
    if (count >= MAX_CARRIED_ALONG || along++ >= MAX_CARRIED_ALONG) break;
    add(policy, key);
  }
  return found;
}

/**
 * Keys whose own numbers stay, and make them slower than a policy that changes: what waits for them would be forgotten by
 * the policy's time.
 */
function* slowedByPolicies(
  view: RecordView,
  edits: readonly RecordEdit[],
  recordAfter: (id: string) => PolicyRecord | null,
): IterableIterator<PolicyKey> {
  const begun = new Map<string, PolicyDocument>();
  for (const { before, after } of edits) {
    if (after?.kind !== "policy" || after.value.algorithm !== "token-bucket") continue;
    if (before?.kind !== "policy" || !countsAlike(before.value, after.value)) begun.set(after.value.name, after.value);
  }
  if (begun.size === 0) return;
  const isSlower = (own: { readonly policy: string; readonly limit: number; readonly burst?: number }): boolean => {
    const policy = begun.get(own.policy);
    if (policy === undefined || own.limit === 0) return false;
    const { algorithm, limit, windowUs, burst } = numbersOf(policy);
    const ownUs = spanUs(algorithm, own.limit, windowUs, own.burst ?? burst);
    return ownUs > spanUs(algorithm, limit, windowUs, burst);
  };
  const rows = new Map<string, readonly string[]>();
  for (const id of view.keys()) {
    const record = recordAfter(id);
    if (record?.kind === "override" && isSlower(record.value)) yield [record.value.policy, record.value.key];
    if (record?.kind !== "tier") continue;
    const slower = record.value.limits.filter(isSlower).map(({ policy }) => policy);
    if (slower.length > 0) rows.set(record.value.name, slower);
  }
  if (rows.size > 0) yield* keysOfRows([...view.keys()].map(recordAfter), rows);
}

/** The keys of tiers, each with the policies of those rows of its tier that are asked about. */
function* keysOfRows(
  records: Iterable<PolicyRecord | null>,
  rows: ReadonlyMap<string, readonly string[]>,
): IterableIterator<PolicyKey> {
  if (rows.size === 0) return;
  for (const record of records) {
    if (record?.kind !== "tierKey") continue;
    for (const policy of rows.get(record.value.tier) ?? []) yield [policy, record.value.key];
  }
}

function changedRows(before: readonly TierLimit[], after: readonly TierLimit[]): readonly string[] {
  const asText = ({ limit, burst }: TierLimit) => `${limit}/${burst}`;
  const old = new Map(before.map((row) => [row.policy, asText(row)]));
  const changed = after.filter((row) => old.get(row.policy) !== asText(row)).map(({ policy }) => policy);
  for (const { policy } of after) old.delete(policy);
  return [...changed, ...old.keys()];
}
