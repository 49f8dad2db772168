import { canonicalJson, type Json } from "./canonical.ts";
import { shown } from "./fields.ts";
import type { PolicyRecord, RecordEdit } from "./records.ts";

/** The edits in words, one sentence each. */
export function describeEdits(edits: readonly RecordEdit[]): readonly string[] {
  return edits.map(describeEdit);
}

function describeEdit({ before, after }: RecordEdit): string {
  if (before === null) return `${nameOf(after!)} is new: ${describeFields({}, fieldsOf(after!))}`;
  if (after === null) return `${nameOf(before)} is gone; it was: ${describeFields({}, fieldsOf(before))}`;
  return `${nameOf(after)}: ${describeFields(fieldsOf(before), fieldsOf(after))}`;
}

function nameOf(record: PolicyRecord): string {
  switch (record.kind) {
    case "policy":
      return `policy ${shown(record.value.name)}`;
    case "override":
      return `override of ${shown(record.value.policy)} for key ${shown(record.value.key)}`;
    case "tier":
      return `tier ${shown(record.value.name)}`;
    case "tierKey":
      return `tier of key ${shown(record.value.key)}`;
    case "listEntry": {
      const { list, match, value, policy } = record.value;
      return `${list}-list: ${match} ${shown(value)}${policy === undefined ? "" : ` under ${shown(policy)}`}`;
    }
    case "keyQuota":
      return "quota of keys";
  }
}

type FieldMap = { readonly [field: string]: Json | undefined };

/** What a record says besides its name. */
function fieldsOf(record: PolicyRecord): FieldMap {
  const names: readonly string[] = {
    policy: ["name"],
    override: ["policy", "key"],
    tier: ["name"],
    tierKey: ["key"],
    listEntry: ["list", "match", "value", "policy"],
    keyQuota: [],
  }[record.kind];
  return Object.fromEntries(
    Object.entries(record.value as unknown as FieldMap).filter(([field]) => !names.includes(field)),
  );
}

function describeFields(before: FieldMap, after: FieldMap): string {
  const fields = [...new Set([...Object.keys(after), ...Object.keys(before)])];
  const parts: string[] = [];
  for (const field of fields) {
    const from = before[field];
    const to = after[field];
    if (from === undefined && to !== undefined) parts.push(`${field} ${text(to)}`);
    else if (from !== undefined && to === undefined) parts.push(`${field} ${text(from)} → none`);
    else if (from !== undefined && to !== undefined && text(from) !== text(to)) {
      parts.push(`${field} ${text(from)} → ${text(to)}`);
    }
  }
  return parts.length === 0 ? "listed" : parts.join(", ");
}

function text(value: Json): string {
  return typeof value === "string" ? value : canonicalJson(value);
}
