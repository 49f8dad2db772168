import { canonicalJson, type Json } from "./canonical.ts";
import type {
  ListEntryDocument,
  NamespaceDocument,
  OverrideDocument,
  PolicyDocument,
  TierDocument,
  TierKeyDocument,
} from "./documents.ts";
import { PolicyError } from "./policy-error.ts";

/** The smallest thing that a change adds, replaces or removes: a document with its kind. */
export type PolicyRecord =
  | { readonly kind: "policy"; readonly value: PolicyDocument }
  | { readonly kind: "override"; readonly value: OverrideDocument }
  | { readonly kind: "tier"; readonly value: TierDocument }
  | { readonly kind: "tierKey"; readonly value: TierKeyDocument }
  | { readonly kind: "listEntry"; readonly value: ListEntryDocument }
  | { readonly kind: "keyQuota"; readonly value: { readonly maxKeys: number } };

/** One record before and after a change; null: it was, or is, not there. Never both. */
export interface RecordEdit {
  readonly before: PolicyRecord | null;
  readonly after: PolicyRecord | null;
}

/** How many records of each kind a namespace may have, and what to do when they are not enough. */
export const recordBounds: { readonly [Kind in PolicyRecord["kind"]]: number } = {
  policy: 1_000,
  override: 10_000,
  tier: 100,
  tierKey: 10_000,
  listEntry: 10_000,
  keyQuota: 1,
};

/** The name that a record is kept under: equal for two versions of one record. Keys come last, since they may hold anything. */
export function recordId(record: PolicyRecord): string {
  switch (record.kind) {
    case "policy":
      return policyId(record.value.name);
    case "override":
      return overrideId(record.value.policy, record.value.key);
    case "tier":
      return tierId(record.value.name);
    case "tierKey":
      return tierKeyId(record.value.key);
    case "listEntry":
      return listEntryId(record.value);
    case "keyQuota":
      return KEY_QUOTA_ID;
  }
}

/** The id of the one record that holds the quota of keys. */
export const KEY_QUOTA_ID = "keyQuota";

/** The id of a policy. */
export function policyId(name: string): string {
  return `policy\0${name}`;
}

/** The id of an override. */
export function overrideId(policy: string, key: string): string {
  return `override\0${policy}\0${key}`;
}

/** The id of a tier. */
export function tierId(name: string): string {
  return `tier\0${name}`;
}

/** The id of a key's membership in a tier. */
export function tierKeyId(key: string): string {
  return `tierKey\0${key}`;
}

/** The id of a row of a list. */
export function listEntryId(entry: Pick<ListEntryDocument, "list" | "match" | "value" | "policy">): string {
  return `listEntry\0${entry.list}\0${entry.policy ?? ""}\0${entry.match}\0${entry.value}`;
}

/** Everything that a namespace has, by id. */
export type RecordView = ReadonlyMap<string, PolicyRecord>;

/** Turns a list of wanted records (null: gone) into the edits that change something, in the order of ids. */
export function editsTo(view: RecordView, wanted: ReadonlyMap<string, PolicyRecord | null>): readonly RecordEdit[] {
  const edits: RecordEdit[] = [];
  for (const id of [...wanted.keys()].sort()) {
    const before = view.get(id) ?? null;
    const after = wanted.get(id) ?? null;
    if (!isSameRecord(before, after)) edits.push({ after, before });
  }
  return edits;
}

/** Whether two records say the same. */
export function isSameRecord(a: PolicyRecord | null, b: PolicyRecord | null): boolean {
  if (a === b) return true;
  return a !== null && b !== null && recordJson(a) === recordJson(b);
}

/** A record in canonical JSON; `null` for none. */
export function recordJson(record: PolicyRecord | null): string {
  return canonicalJson(record as unknown as Json);
}

/** The id of the record that an edit is about. */
export function idOfEdit(edit: RecordEdit): string {
  return recordId((edit.after ?? edit.before)!);
}

/** The same change the other way round. */
export function inverse(edit: RecordEdit): RecordEdit {
  return { after: edit.before, before: edit.after };
}

/** All of a namespace's records as one document, every list in the order of ids. */
export function documentOf(view: RecordView): NamespaceDocument {
  const sorted = [...view.keys()].sort().map((id) => view.get(id)!);
  const quota = view.get(KEY_QUOTA_ID);
  return {
    policies: sorted.flatMap((record) => (record.kind === "policy" ? [record.value] : [])),
    overrides: sorted.flatMap((record) => (record.kind === "override" ? [record.value] : [])),
    tiers: sorted.flatMap((record) => (record.kind === "tier" ? [record.value] : [])),
    tierKeys: sorted.flatMap((record) => (record.kind === "tierKey" ? [record.value] : [])),
    lists: sorted.flatMap((record) => (record.kind === "listEntry" ? [record.value] : [])),
    maxKeys: quota?.kind === "keyQuota" ? quota.value.maxKeys : null,
  };
}

/** Refuses what the whole would not bear: counts beyond their bounds, keys in a tier that is not there. */
export function checkWhole(view: RecordView, edits: readonly RecordEdit[]): void {
  const counts = new Map<string, number>();
  const after = new Map<string, PolicyRecord | null>(edits.map((edit) => [idOfEdit(edit), edit.after]));
  const existsAfter = (id: string): boolean => (after.has(id) ? after.get(id) !== null : view.has(id));
  for (const record of view.values()) counts.set(record.kind, (counts.get(record.kind) ?? 0) + 1);
  for (const { before, after: added } of edits) {
    if (before !== null) counts.set(before.kind, counts.get(before.kind)! - 1);
    if (added !== null) counts.set(added.kind, (counts.get(added.kind) ?? 0) + 1);
  }
  for (const kind of Object.keys(recordBounds) as PolicyRecord["kind"][]) {
    const count = counts.get(kind) ?? 0;
    if (count <= recordBounds[kind]) continue;
    throw new PolicyError(
      "too-many",
      "change",
      `would leave ${count} records of kind ${kind} in the namespace; it may have ${recordBounds[kind]}: delete some first`,
    );
  }
  for (const { after: added } of edits) {
    if (added?.kind !== "tierKey" || existsAfter(tierId(added.value.tier))) continue;
    throw new PolicyError("not-found", "change", `puts a key into the tier "${added.value.tier}", which is not there`);
  }
  const tiersGone = new Set(
    edits.flatMap((edit) => (edit.after === null && edit.before?.kind === "tier" ? [edit.before.value.name] : [])),
  );
  if (tiersGone.size === 0) return;
  for (const [id, record] of view) {
    if (record.kind !== "tierKey" || after.has(id) || !tiersGone.has(record.value.tier)) continue;
    throw new PolicyError(
      "in-use",
      "change",
      `removes the tier "${record.value.tier}", which keys are still in: move or delete its keys first`,
    );
  }
}
