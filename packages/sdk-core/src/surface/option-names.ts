import { type KnownNames, knownNames } from "./known-names.ts";

/** The options that every guard has; a platform's package adds its own, or takes some away. */
export const guardOptionNames = [
  "endpoints",
  "policies",
  "namespace",
  "token",
  "routing",
  "timeoutMs",
  "onUnavailable",
  "maxPendingCalls",
  "reconcile",
  "maxUnreportedCalls",
  "lease",
  "maxRememberedKeys",
] as const;

const ruleNames = ["limit", "window", "algorithm", "burst"] as const;
const callNames = ["cost", "timeoutMs", "signal", "onUnavailable", "requestId"] as const;
/** What other limiters, and people in a hurry, call what a guard does without its cluster. */
const withoutCluster = {
  failOpen: 'write onUnavailable: "allow"',
  failClosed: 'write onUnavailable: "deny"',
  fallback: 'write onUnavailable: "local"',
};
const addresses = 'write endpoints: ["host:7400"]';
const asGuardOption = {
  ...withoutCluster,
  ...{ url: addresses, urls: addresses, host: addresses, hosts: addresses, server: addresses, servers: addresses },
  ...{ address: addresses, addresses, nodes: addresses },
};
const limit = "write limit";
const window = 'write window: "1m"';
const asRule = { max: limit, points: limit, requests: limit, duration: window, interval: window, period: window };
const onePolicy = "a policy brings its own; define another policy, or give limit and window instead of a name";

/** Options of a guard, by the names that its package takes. */
export function guardNames(names: readonly string[]): KnownNames {
  return knownNames("an option of a guard", names, asGuardOption);
}

/** Fields of a policy in a guard's options. */
export const policyNames = knownNames("a field of a policy", [...ruleNames, "onUnavailable", "lease"], {
  ...withoutCluster,
  ...asRule,
});
/** Options of `allow(key, policy, options)`. */
export const policyCallNames = knownNames("an option of a call under a policy", callNames, {
  ...withoutCluster,
  algorithm: onePolicy,
  burst: onePolicy,
});
/** Options of `allow(key, limit, window, options)`. */
export const inlineCallNames = knownNames("an option of a call", [...callNames, "algorithm", "burst"], {
  ...withoutCluster,
  limit: "limit and window come before the options",
  window: "limit and window come before the options",
});
/** Options of `allowAll(checks, options)`. */
export const groupCallNames = knownNames(
  "an option of a group",
  callNames.filter((name) => name !== "cost"),
  { cost: "a cost belongs to each check of the group" },
);
/** Options of `reserve(check, options)`. */
export const reserveNames = knownNames("an option of a reservation", [...callNames, "ttl"]);
/** Options of `wait(check, options)`. */
export const waitNames = knownNames(
  "an option of wait",
  callNames.filter((name) => name !== "requestId"),
  { requestId: "wait asks as often as it takes, and one request id has one answer; use allow" },
);
/** Options of `ready(options)`. */
export const readyNames = knownNames("an option of ready", ["timeoutMs"]);
/** Fields of a check under a policy. */
export const policyCheckNames = knownNames("a field of a check under a policy", ["key", "cost", "policy"], {
  limit: onePolicy,
  window: onePolicy,
  algorithm: onePolicy,
  burst: onePolicy,
});
/** Fields of a check with a limit of its own. */
export const inlineCheckNames = knownNames("a field of a check", ["key", "cost", "policy", ...ruleNames], asRule);
