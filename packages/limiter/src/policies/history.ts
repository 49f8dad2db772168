import type { AdminChange } from "./admin-change.ts";
import { canonicalJson, type Json } from "./canonical.ts";
import { PolicyError } from "./policy-error.ts";
import {
  editsTo,
  idOfEdit,
  inverse,
  type PolicyRecord,
  type RecordEdit,
  type RecordView,
  recordJson,
} from "./records.ts";

/** One change as the history tells it: who, when, what. */
export interface HistoryEntry {
  /** Counts the changes of a namespace, from 1. */
  readonly sequence: number;
  /** The version that the change led to; a lifted ban has one, too, though it edits nothing. */
  readonly version: number;
  /** The stamp and the index of the entry. */
  readonly stampUs: number;
  readonly index: number;
  readonly author: string;
  readonly changeId: string | null;
  readonly kind: AdminChange["kind"];
  /** The key of a lifted ban and the version of a rollback, for those who read. */
  readonly about: string;
  readonly edits: readonly RecordEdit[];
}

/** An entry in canonical JSON; `texts` are those of records that are written already. */
export function historyJson(entry: HistoryEntry, texts: ReadonlyMap<PolicyRecord, string>): string {
  const text = (record: PolicyRecord | null) => (record === null ? "null" : (texts.get(record) ?? recordJson(record)));
  let edits = "";
  for (const { before, after } of entry.edits) {
    edits += `${edits === "" ? "" : ","}{"after":${text(after)},"before":${text(before)}}`;
  }
  // Quotes within texts are escaped, so this is the field.
  const parts = canonicalJson({ ...entry, edits: [] } as unknown as Json).split('"edits":[]');
  return `${parts[0]}"edits":[${edits}]${parts[1]}`;
}

/**
 * The records as they were at `version`, told from what they are now by undoing what came since.
 * @throws {PolicyError} `history-gone` when the history does not reach back so far.
 */
export function rewind(
  view: RecordView,
  current: number,
  history: readonly HistoryEntry[],
  version: number,
): RecordView {
  if (version > current) {
    throw new PolicyError("not-found", "version", `is ${version}; the namespace is at version ${current}`);
  }
  const past = new Map(view);
  let reached = current;
  for (let i = history.length - 1; i >= 0 && reached > version; i--) {
    const entry = history[i]!;
    if (entry.version !== reached) break;
    for (const edit of entry.edits) undo(past, edit);
    reached = entry.version - 1;
  }
  if (reached !== version) {
    const message = `is ${version}; the history reaches back to version ${reached}: put what you want by itself`;
    throw new PolicyError("history-gone", "version", message);
  }
  return past;
}

function undo(records: Map<string, PolicyRecord>, edit: RecordEdit): void {
  const { after } = inverse(edit);
  if (after === null) records.delete(idOfEdit(edit));
  else records.set(idOfEdit(edit), after);
}

/** What leads from one set of records to another, in the order of ids. */
export function editsBetween(from: RecordView, to: RecordView): readonly RecordEdit[] {
  const wanted = new Map<string, PolicyRecord | null>(to);
  for (const id of from.keys()) if (!to.has(id)) wanted.set(id, null);
  return editsTo(from, wanted);
}
