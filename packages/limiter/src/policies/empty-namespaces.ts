import type { Census } from "./census.ts";
import { namePrefix } from "./move-lineages.ts";
import type { NamespacePolicies } from "./namespace-policies.ts";

/**
 * Of the namespaces in which nothing is set, the one whose last change is the longest ago; null: none gave up its place by
 * `changedUntilUs`. One whose names are still counted by what a change left behind keeps its place: their counters are
 * found by its lineages (SEMANTICS K1).
 */
export function longestEmpty(
  namespaces: Iterable<NamespacePolicies>,
  census: Census,
  changedUntilUs: number,
): NamespacePolicies | null {
  let found: NamespacePolicies | null = null;
  let foundUs = Number.POSITIVE_INFINITY;
  for (const each of namespaces) {
    if (each.records.size > 0) continue;
    // A history that gave way to others says no more than that it is old.
    const changedUs = each.history.last()?.stampUs ?? 0;
    if (changedUs > changedUntilUs || changedUs >= foundUs || hasCounters(each, census)) continue;
    found = each;
    foundUs = changedUs;
  }
  return found;
}

function hasCounters({ name, lineages }: NamespacePolicies, census: Census): boolean {
  for (const lineage of lineages.view.keys()) {
    if (census.shapeCount(namePrefix(name, lineage)) > 0) return true;
  }
  return false;
}
