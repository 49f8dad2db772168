import type { AdminChange } from "./admin-change.ts";
import type { NamespaceDocument } from "./documents.ts";
import { PolicyError } from "./policy-error.ts";
import {
  checkWhole,
  editsTo,
  KEY_QUOTA_ID,
  listEntryId,
  overrideId,
  type PolicyRecord,
  policyId,
  type RecordEdit,
  type RecordView,
  recordId,
  tierId,
  tierKeyId,
} from "./records.ts";

type DocumentChange = Exclude<AdminChange, { readonly kind: "liftBan" | "rollback" }>;

/**
 * What a change comes to in a namespace as it is now: the records that become others, in the order of ids; none if
 * everything is so already.
 * @throws {PolicyError} when the change does not fit what is there.
 */
export function planChange(view: RecordView, change: DocumentChange): readonly RecordEdit[] {
  const wanted = new Map<string, PolicyRecord | null>();
  const put = (record: PolicyRecord): void => void wanted.set(recordId(record), record);
  const remove = (id: string, what: string): void => {
    if (!view.has(id)) throw new PolicyError("not-found", "change", `deletes ${what}, which is not there`);
    wanted.set(id, null);
  };
  switch (change.kind) {
    case "putPolicies":
      for (const value of change.policies) put({ kind: "policy", value });
      break;
    case "deletePolicies":
      for (const name of change.names) remove(policyId(name), `the policy "${name}"`);
      break;
    case "putOverrides":
      for (const value of change.overrides) put({ kind: "override", value });
      break;
    case "deleteOverrides":
      for (const { policy, key } of change.overrides) {
        remove(overrideId(policy, key), `the override of "${policy}" for the key "${key}"`);
      }
      break;
    case "putTiers":
      for (const value of change.tiers) put({ kind: "tier", value });
      break;
    case "deleteTiers":
      for (const name of change.names) remove(tierId(name), `the tier "${name}"`);
      break;
    case "putTierKeys":
      for (const value of change.tierKeys) put({ kind: "tierKey", value });
      break;
    case "deleteTierKeys":
      for (const key of change.keys) remove(tierKeyId(key), `the tier of the key "${key}"`);
      break;
    case "putListEntries":
      for (const value of change.entries) put({ kind: "listEntry", value });
      break;
    case "deleteListEntries":
      for (const entry of change.entries) {
        remove(listEntryId(entry), `the ${entry.match} "${entry.value}" from the ${entry.list}-list`);
      }
      break;
    case "setKeyQuota":
      wanted.set(KEY_QUOTA_ID, quotaRecord(change.maxKeys));
      break;
    case "putDocument":
      planDocument(view, change.document, wanted);
      break;
  }
  const edits = editsTo(view, wanted);
  checkWhole(view, edits);
  return edits;
}

function quotaRecord(maxKeys: number | null): PolicyRecord | null {
  return maxKeys === null ? null : { kind: "keyQuota", value: { maxKeys } };
}

function planDocument(
  view: RecordView,
  document: Partial<NamespaceDocument>,
  wanted: Map<string, PolicyRecord | null>,
): void {
  const replace = (kind: PolicyRecord["kind"], records: readonly PolicyRecord[] | undefined): void => {
    if (records === undefined) return;
    for (const [id, record] of view) if (record.kind === kind) wanted.set(id, null);
    for (const record of records) wanted.set(recordId(record), record);
  };
  replace(
    "policy",
    document.policies?.map((value) => ({ kind: "policy", value })),
  );
  replace(
    "override",
    document.overrides?.map((value) => ({ kind: "override", value })),
  );
  replace(
    "tier",
    document.tiers?.map((value) => ({ kind: "tier", value })),
  );
  replace(
    "tierKey",
    document.tierKeys?.map((value) => ({ kind: "tierKey", value })),
  );
  replace(
    "listEntry",
    document.lists?.map((value) => ({ kind: "listEntry", value })),
  );
  if (document.maxKeys !== undefined) wanted.set(KEY_QUOTA_ID, quotaRecord(document.maxKeys));
}
