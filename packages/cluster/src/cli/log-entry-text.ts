import { type Operation, readEntry } from "@quorumguard/limiter";
import { decodeConfChange, type Entry, EntryType } from "@quorumguard/raft";

/** What an operator may want to know of an entry. */
export interface DescribedEntry {
  readonly index: number;
  readonly term: number;
  readonly type: "empty" | "normal" | "configuration";
  readonly bytes: number;
  /** Known to be committed when the log was last written; a later one may be all the same. */
  readonly committed: boolean;
  readonly stampUs?: number;
  /** The first entry of a new leader. */
  readonly takeover?: boolean;
  readonly items?: number;
  /** How many operations of each kind. */
  readonly operations?: Readonly<Record<string, number>>;
  readonly keys?: readonly string[];
  readonly changes?: unknown;
  /** Why it could not be decoded. */
  readonly problem?: string;
}

/** Decodes an entry for people. Keys only if they are asked for: they may be personal data. */
export function describeEntry(
  entry: Entry,
  options: { readonly keys: boolean; readonly commit: number },
): DescribedEntry {
  const { index, term, data } = entry;
  const base = { index, term, bytes: data.length, committed: index <= options.commit };
  if (entry.type !== EntryType.normal) {
    return { ...base, type: "configuration", ...attempt(() => ({ changes: decodeConfChange(data)?.changes ?? [] })) };
  }
  if (data.length === 0) return { ...base, type: "empty" };
  return { ...base, type: "normal", ...attempt(() => describeOperations(data, options.keys)) };
}

/** One line of `quorumguard log dump`. */
export function entryLine(entry: DescribedEntry): string {
  const parts = [`${entry.index}`, `term ${entry.term}`, entry.type, `${entry.bytes} bytes`];
  if (!entry.committed) parts.push("not known to be committed");
  if (entry.stampUs !== undefined) parts.push(`stamp ${new Date(entry.stampUs / 1_000).toISOString()}`);
  if (entry.takeover === true) parts.push("takeover");
  const kinds = Object.entries(entry.operations ?? {}).map(([kind, count]) => `${count} ${kind}`);
  if (kinds.length > 0) parts.push(kinds.join(" + "));
  if (entry.items !== undefined && entry.items > 0) parts.push(`${entry.items} items`);
  if (entry.keys !== undefined) parts.push(`keys ${JSON.stringify(entry.keys)}`);
  if (entry.changes !== undefined) parts.push(JSON.stringify(entry.changes, numberOrText));
  if (entry.problem !== undefined) parts.push(`not decoded: ${entry.problem}`);
  return parts.join("  ");
}

function describeOperations(data: Uint8Array, withKeys: boolean): Partial<DescribedEntry> {
  const { stampUs, takeover, operations } = readEntry(data);
  const counts: Record<string, number> = {};
  const keys: string[] = [];
  let items = 0;
  for (const operation of operations) {
    counts[operation.kind] = (counts[operation.kind] ?? 0) + 1;
    if (operation.kind !== "calls") continue;
    items += operation.batch.items;
    if (withKeys) keys.push(...keysOf(operation));
  }
  return { stampUs, takeover, items, operations: counts, ...(withKeys ? { keys } : {}) };
}

function keysOf({ batch }: Extract<Operation, { kind: "calls" }>): string[] {
  return Array.from({ length: batch.items }, (_, item) => {
    const start = batch.keyStarts[item] ?? 0;
    return Buffer.from(batch.keyBytes.subarray(start, start + (batch.keyLengths[item] ?? 0))).toString("utf8");
  });
}

/** An entry of a later version, or garbage with a valid checksum, is shown as far as it goes. */
function attempt(work: () => Partial<DescribedEntry>): Partial<DescribedEntry> {
  try {
    return work();
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

function numberOrText(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? `${value.length} bytes` : value;
}
