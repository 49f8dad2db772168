import type { OnUnavailable } from "../surface/guard.ts";

/** What decides in the cluster's place. */
export type Decider = Exclude<OnUnavailable, "throw">;

const deciders: Readonly<Record<Decider, string>> = {
  local: "this process's own count decides",
  allow: "every call is allowed, uncounted",
  deny: "every call is denied",
};

/** What a platform may tell whoever runs the program when decisions stop being the cluster's and nobody listens for that. */
export function degradedWarning(endpoints: readonly string[], reason: string, decider: Decider): string {
  return `the cluster at ${endpoints.join(", ")} does not decide: ${reason}. Until it does, ${deciders[decider]} (onUnavailable: "${decider}"). Listen with guard.on("degraded", …) to be told in the program instead.`;
}

/** What a platform may tell whoever runs the program when the cluster, which is well, has no room for a key. */
export function refusedKeyWarning(reason: string, decider: Decider): string {
  return `the cluster decides, but has no room for a key: ${reason}. Of keys without room, ${deciders[decider]} (onUnavailable: "${decider}").`;
}
