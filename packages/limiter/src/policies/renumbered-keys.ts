import { Algorithm } from "../rule.ts";
import type { PolicyDocument, TierLimit } from "./documents.ts";
import { MAX_PAST_EPOCHS } from "./keep-bounded.ts";
import type { Lineage } from "./lineage.ts";
import { numbersOf } from "./move-lineages.ts";
import type { OwnNumbers } from "./own-numbers.ts";
import { PolicyError } from "./policy-error.ts";
import {
  idOfEdit,
  overrideId,
  type PolicyRecord,
  policyId,
  type RecordEdit,
  type RecordView,
  tierId,
  tierKeyId,
} from "./records.ts";

/** Keys that one change may have to be reckoned, lest its entry keep heartbeats waiting. */
export const MAX_RECKONED = 20_000;
/**
 * The same for each key times one more than the earlier rules that it may still be counted by: about a microsecond and a
 * half each. A row of a tier with all the keys that there may be is never too many, nor with it 2,000 rows of other kinds.
 */
export const MAX_STEPS = 12_000 * (MAX_PAST_EPOCHS + 1);

/** Keys whose numbers before and after one change may be compared, those included that turn out to be the same. */
const MAX_COMPARED = 200_000;

/** A key, and the policy under which it is looked at. */
type PolicyKey = readonly [policy: string, key: string];

/** Keys by the policy under which a change gives them other numbers of their own. */
export type RenumberedKeys = ReadonlyMap<string, readonly string[]>;

/**
 * Which keys a change gives another rate by overrides and tiers: those under buckets, and under policies that followed
 * one, since what waits may have been counted by it. Some may come twice, which does not matter. No policy's own numbers
 * are looked at: their change is one for all keys.
 *
 * @param view The records before the change.
 * @throws {PolicyError} too-many when there are more than {@link MAX_RECKONED}, or with their earlier rules {@link MAX_STEPS};
 * or so many to compare that this is too much work.
 */
export function renumberedKeys(
  view: RecordView,
  edits: readonly RecordEdit[],
  lineageOf: (policy: string) => Lineage | undefined,
): RenumberedKeys {
  const changed = new Map(edits.map((edit) => [idOfEdit(edit), edit.after]));
  const recordAfter = (id: string): PolicyRecord | null =>
    changed.get(id) ?? (changed.has(id) ? null : (view.get(id) ?? null));
  const found = new Map<string, string[]>();
  const known = new Map<string, number>();
  const stepsOf = (policy: string): number => {
    const steps = known.get(policy) ?? stepsUnder(view, recordAfter, lineageOf, policy);
    known.set(policy, steps);
    return steps;
  };
  const hasRate = (policy: string) => stepsOf(policy) > 0;
  const refuse = (what: string): never => {
    const message = `${what} (rows of tiers times their keys): make it in parts, a row of one tier at a time is never too much`;
    throw new PolicyError("too-many", "change", message);
  };
  let compared = 0;
  let count = 0;
  let steps = 0;
  const add = (policy: string, key: string): void => {
    if (!hasRate(policy)) return;
    if (++compared > MAX_COMPARED) refuse(`may give other rates to more than ${MAX_COMPARED} buckets`);
    // An override before its tier, and a tier of another name: the key may have the same numbers as ever.
    const own = ownIn((id) => view.get(id), policy, key);
    if (own === ownIn(recordAfter, policy, key)) return;
    steps += stepsOf(policy);
    if (++count > MAX_RECKONED) refuse(`gives other rates to more than ${MAX_RECKONED} buckets`);
    if (steps > MAX_STEPS) refuse(`gives other rates to more than ${MAX_STEPS} buckets and earlier rules of them`);
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
    if (tier?.kind !== "tier") continue;
    const policies = changedRows(limitsOf(before), limitsOf(after)).filter(hasRate);
    if (policies.length > 0) rows.set(tier.value.name, policies);
  }
  for (const [policy, key] of keysOfRows(view.values(), rows)) add(policy, key);
  return found;
}

/** The numbers of its own that a key has by the records, as a text. */
function ownIn(get: (id: string) => PolicyRecord | null | undefined, policy: string, key: string): string {
  const override = get(overrideId(policy, key));
  if (override?.kind === "override") return numbersText(override.value);
  const member = get(tierKeyId(key));
  const tier = member?.kind === "tierKey" ? get(tierId(member.value.tier)) : undefined;
  const row = tier?.kind === "tier" ? tier.value.limits.find((each) => each.policy === policy) : undefined;
  return row === undefined ? "" : numbersText(row);
}

const numbersText = ({ limit, burst }: OwnNumbers) => `${limit}/${burst}`;

/**
 * How many rules one key under a policy may have to be reckoned by; 0: none of them is a bucket, before the change or
 * after it, nor among those that what waits may be counted by.
 */
function stepsUnder(
  view: RecordView,
  recordAfter: (id: string) => PolicyRecord | null,
  lineageOf: (policy: string) => Lineage | undefined,
  policy: string,
): number {
  const id = policyId(policy);
  const records = [view.get(id), recordAfter(id)];
  const standing = records.flatMap((record): PolicyDocument[] => (record?.kind === "policy" ? [record.value] : []));
  if (standing.length === 0) return 0;
  const past = lineageOf(policy)?.past ?? [];
  const rules = [...standing.map(numbersOf), ...past.flatMap(({ numbers }) => (numbers === null ? [] : [numbers]))];
  return rules.some(({ algorithm }) => algorithm === Algorithm.tokenBucket) ? 1 + past.length : 0;
}

/** The keys of tiers, each with the policies of those rows of its tier that are asked about. */
function* keysOfRows(
  records: Iterable<PolicyRecord>,
  rows: ReadonlyMap<string, readonly string[]>,
): IterableIterator<PolicyKey> {
  if (rows.size === 0) return;
  for (const record of records) {
    if (record.kind !== "tierKey") continue;
    for (const policy of rows.get(record.value.tier) ?? []) yield [policy, record.value.key];
  }
}

function changedRows(before: readonly TierLimit[], after: readonly TierLimit[]): readonly string[] {
  const old = new Map(before.map((row) => [row.policy, numbersText(row)]));
  const changed = after.filter((row) => old.get(row.policy) !== numbersText(row)).map(({ policy }) => policy);
  for (const { policy } of after) old.delete(policy);
  return [...changed, ...old.keys()];
}
