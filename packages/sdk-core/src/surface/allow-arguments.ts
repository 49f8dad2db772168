import { numberAsText } from "./check-fields.ts";
import { describe } from "./duration.ts";
import { GuardError } from "./guard-error.ts";
import { nearestName } from "./known-names.ts";

const INLINE = 'allow(key, 5, "1m")';

/** The second argument of `allow` is a string that names no policy of the guard: null unless it was hardly meant to name one. */
export function notPolicyArgument(name: string, next: unknown): GuardError | null {
  const window = next === undefined ? `, and a window after it: ${INLINE}` : "";
  const asText = numberAsText("limit", name, ` (a string here names a policy)${window}`);
  if (asText !== null) return asText;
  if (typeof next !== "number" || !/^\d+(\.\d+)?(ms|s|m|h|d)$/.test(name)) return null;
  const message = `policy: ${describe(name)} is not a policy of this guard; the limit comes before the window: ${INLINE}`;
  return new GuardError("invalid_argument", message, { details: { field: "policy", value: name } });
}

/** A check's policy is undefined. */
export function missingPolicy(field: string): GuardError {
  const message = `${field}: it is missing; write a policy's name, or leave the field out and give limit and window`;
  return new GuardError("invalid_argument", message, { details: { field, value: undefined } });
}

/** Why the cluster has no policy of a name that it was asked for: most often it is misspelt. */
export function unknownPolicyMessage(names: readonly string[], known: readonly string[]): string {
  const nearest = names.length === 1 ? nearestName(names[0]!, known) : null;
  const parts = [
    `policy: ${names.map(describe).join(" or ")} is not a policy of the cluster, nor of this guard`,
    nearest === null ? "" : `did you mean ${nearest}?`,
    known.length === 0 ? "" : `this guard has ${known.join(", ")}`,
    "define it with `quorumguard policy put`, or give its limit in createGuard({ policies })",
  ];
  return parts.filter((part) => part !== "").join("; ");
}

/** Slots are asked for in the way of a take, which holds nothing. */
export function takesNoSlot(): GuardError {
  const message =
    'algorithm: under "concurrency" a slot is held while work goes on, and allow holds nothing; write `await using slot = ' +
    "await guard.reserve({ key, … })`, and go on if slot.allowed";
  return new GuardError("needs_reservation", message);
}

/** The second argument of `allow` is missing. */
export function missingLimit(): GuardError {
  const message = `limit: it is missing; give a limit and a window, such as ${INLINE}, or a policy's name`;
  return new GuardError("invalid_argument", message, { details: { field: "limit", value: undefined } });
}

/** A wait that nothing would end. */
export function missingWaitTerms(value: unknown): GuardError {
  const message =
    "options: a wait needs an end; write wait(check, { timeoutMs: 5_000 }), or give the signal that ends it, or both";
  return new GuardError("invalid_argument", message, { details: { field: "options", value } });
}

/** The last argument of `allow` is no object; `policy` is the policy before it, if there is one. */
export function notOptions(value: unknown, policy: string | null): GuardError {
  const hint =
    policy === null
      ? "write options such as { cost: 2 }"
      : `the policy "${policy}" brings its own limit and window, and only options may follow it, such as { cost: 2 }`;
  const message = `options: ${describe(value)} is not an object; ${hint}`;
  return new GuardError("invalid_argument", message, { details: { field: "options", value } });
}
