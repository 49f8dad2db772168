import type { CallOperation } from "./call-operation.ts";
import type { Evidence, PlacedCall } from "./evidence.ts";
import { counterIdentity } from "./records.ts";

/** Calls on counters that depend on each other, since groups touch several; no call outside has anything to do with them. */
export interface Part {
  readonly placed: PlacedCall[];
  readonly decided: CallOperation[];
  readonly fastDenials: CallOperation[];
  readonly unknown: CallOperation[];
}

/** Splits the evidence into parts that cannot influence each other (P-compositionality, Lowe 2017). */
export function splitParts(evidence: Evidence): Part[] {
  const parents = new Map<string, string>();
  const rootOf = (identity: string): string => {
    let root = identity;
    for (let up = parents.get(root); up !== undefined && up !== root; up = parents.get(root)) root = up;
    for (let at = identity; at !== root; ) {
      const up = parents.get(at)!;
      parents.set(at, root);
      at = up;
    }
    return root;
  };
  const countersOf = ({ items, namespace = "" }: CallOperation) =>
    items.map(({ rule, key }) => counterIdentity(namespace, rule, key));
  const calls = [
    ...evidence.placed.map(({ call }) => call),
    ...evidence.decided,
    ...evidence.fastDenials,
    ...evidence.unknown,
  ];
  for (const call of calls) {
    const [first, ...others] = countersOf(call);
    if (!parents.has(first!)) parents.set(first!, first!);
    for (const other of others) {
      if (!parents.has(other)) parents.set(other, other);
      parents.set(rootOf(other), rootOf(first!));
    }
  }
  const parts = new Map<string, Part>();
  const partOf = (call: CallOperation): Part => {
    const root = rootOf(countersOf(call)[0]!);
    let part = parts.get(root);
    if (part === undefined) {
      part = { placed: [], decided: [], fastDenials: [], unknown: [] };
      parts.set(root, part);
    }
    return part;
  };
  for (const one of evidence.placed) partOf(one.call).placed.push(one);
  for (const call of evidence.decided) partOf(call).decided.push(call);
  for (const call of evidence.fastDenials) partOf(call).fastDenials.push(call);
  for (const call of evidence.unknown) partOf(call).unknown.push(call);
  return [...parts.values()];
}
