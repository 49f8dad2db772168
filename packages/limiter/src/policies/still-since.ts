import { textOf } from "../entry/utf8.ts";
import type { KeyTable } from "../keys/key-table.ts";
import { readIdentity } from "./own-keeper.ts";
import type { PolicyBook } from "./policy-book.ts";

/** Since when a counter stands still, another rule having taken over from its own; infinity: it counts. */
export function stillSinceUs(keys: KeyTable, policies: PolicyBook, block: number): number {
  if (!keys.census.hasFrozen) return Number.POSITIVE_INFINITY;
  const { bytes, prefixLength } = keys.identityOf(block);
  const { namespace, nameStart, nameLength, epoch } = readIdentity(bytes, prefixLength);
  const name = textOf(bytes, nameStart, nameLength);
  const lineage = name === null ? undefined : policies.namespaceOf(namespace)?.lineages.get(name);
  // As of the last change: until then it went on by its own rule, whatever others came before.
  const last = lineage === undefined || lineage.epoch === epoch ? undefined : lineage.past.at(-1);
  return last?.endUs ?? Number.POSITIVE_INFINITY;
}
