import { textOf } from "../entry/utf8.ts";
import type { KeyTable } from "../keys/key-table.ts";
import type { PastEpoch } from "./lineage.ts";
import { readIdentity } from "./own-keeper.ts";
import type { PolicyBook } from "./policy-book.ts";

/** Since when a counter stands still, another rule having taken over from its own; infinity: it counts. */
export function stillSinceUs(keys: KeyTable, policies: PolicyBook, block: number): number {
  // As of the last change: until then it went on by its own rule, whatever others came before.
  return lastOf(keys, policies, block)?.endUs ?? Number.POSITIVE_INFINITY;
}

/** Until when what it counted then may be asked for; 0: it is asked for no more. */
export function stillKeptUntilUs(keys: KeyTable, policies: PolicyBook, block: number): number {
  return lastOf(keys, policies, block)?.retainUs ?? 0;
}

/** The last epoch of a counter's name that ended, if the counter stands still since. */
function lastOf(keys: KeyTable, policies: PolicyBook, block: number): PastEpoch | undefined {
  if (!keys.census.hasFrozen) return;
  const { bytes, prefixLength } = keys.identityOf(block);
  const { namespace, nameStart, nameLength, epoch } = readIdentity(bytes, prefixLength);
  const name = textOf(bytes, nameStart, nameLength);
  const lineage = name === null ? undefined : policies.namespaceOf(namespace)?.lineages.get(name);
  return lineage === undefined || lineage.epoch === epoch ? undefined : lineage.past.at(-1);
}
