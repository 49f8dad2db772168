import { GuardError } from "@quorumguard/sdk-core";

const ruleNames = ["limit", "window", "algorithm", "burst"];

/** A page was to choose a limit, or part of one. */
export function inventedLimit(field: string, value: unknown): GuardError {
  const message =
    `${field}: a page never chooses a limit, since whoever opens it could choose another; define a policy of the cluster's ` +
    '(`quorumguard policy put`) and write its name: allow(key, "login")';
  return new GuardError("invalid_argument", message, { details: { field, value } });
}

/** Holds the second argument of `allow` to what can be a policy's name. @throws {GuardError} invalid_argument */
export function checkPolicyArgument(policy: unknown): void {
  if (typeof policy === "number" || (typeof policy === "string" && /^\d+$/.test(policy))) {
    throw inventedLimit("policy", policy);
  }
  if (policy === undefined) {
    const message = 'policy: it is missing; write the name of one of the cluster\'s: allow(key, "login")';
    throw new GuardError("invalid_argument", message, { details: { field: "policy", value: policy } });
  }
}

/** Holds a check, or a call's options, to what says nothing of a limit. @throws {GuardError} invalid_argument */
export function checkNoRule(object: unknown, path: string): void {
  if (typeof object !== "object" || object === null) return;
  for (const name of ruleNames) {
    if (Object.hasOwn(object, name)) throw inventedLimit(`${path}.${name}`, (object as Record<string, unknown>)[name]);
  }
}
