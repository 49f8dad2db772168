import type { OnUnavailable } from "../surface/guard.ts";
import type { CallItem } from "./call.ts";

/** From the one that lets the most pass: a count here stops some, an error admits nobody, and a denial is an answer that says so. */
const byStrictness: readonly OnUnavailable[] = ["allow", "local", "throw", "deny"];

/** What a call gets by its rules when the cluster cannot decide: of a group, the strictest, so that no rule fails open behind another. */
export function strictest(items: readonly CallItem[], guardsOwn: OnUnavailable): OnUnavailable {
  let most = 0;
  for (const { rule } of items) most = Math.max(most, byStrictness.indexOf(rule.onUnavailable ?? guardsOwn));
  return byStrictness[most]!;
}
