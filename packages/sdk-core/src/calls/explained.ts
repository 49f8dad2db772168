import { unknownPolicy } from "../surface/allow-arguments.ts";
import type { ResolvedGuardOptions } from "../surface/guard-options.ts";
import type { CallItem } from "./call.ts";
import type { AttemptFailure } from "./wire-errors.ts";

/** The failure of a call with these items, in which a policy that nobody knows is named, and what was most likely meant. */
export function explained(
  failure: AttemptFailure,
  items: readonly CallItem[],
  { rules, mayDefine }: Pick<ResolvedGuardOptions, "rules" | "mayDefine">,
): AttemptFailure {
  if (failure.code !== "unknown_policy") return failure;
  const names = new Set(items.filter(({ rule }) => rule.algorithm === 0).map(({ rule }) => rule.policy));
  return { ...failure, ...unknownPolicy([...names], rules.names, mayDefine) };
}
