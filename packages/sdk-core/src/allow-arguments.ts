import { numberAsText } from "./check-fields.ts";
import { describe } from "./duration.ts";
import { GuardError } from "./guard-error.ts";

const INLINE = 'allow(key, 5, "1m")';

/** The second argument of `allow` is a string that names no policy: most often it was not meant to name one. */
export function notPolicyArgument(name: string, next: unknown, known: readonly string[]): GuardError {
  const window = next === undefined ? `, and a window after it: ${INLINE}` : "";
  const asText = numberAsText("limit", name, ` (a string here names a policy)${window}`);
  if (asText !== null) return asText;
  const swapped = typeof next === "number" && /^\d+(\.\d+)?(ms|s|m|h|d)$/.test(name);
  return unknownPolicy("policy", name, known, swapped ? `the limit comes before the window: ${INLINE}` : "");
}

/** A policy's name that the guard was not given. */
export function unknownPolicy(field: string, name: unknown, known: readonly string[], hint = ""): GuardError {
  const details = { field, value: name };
  if (name === undefined) {
    const message = `${field}: it is missing; write a policy's name, or leave the field out and give limit and window`;
    return new GuardError("invalid_argument", message, { details });
  }
  const all = known.length === 0 ? "this guard has no policies" : `known are ${known.join(", ")}`;
  const parts = [`${field}: ${describe(name)} is not a policy of this guard`, all, hint].filter((part) => part !== "");
  return new GuardError("invalid_argument", parts.join("; "), { details });
}

/** The second argument of `allow` is missing. */
export function missingLimit(): GuardError {
  const message = `limit: it is missing; give a limit and a window, such as ${INLINE}, or a policy's name`;
  return new GuardError("invalid_argument", message, { details: { field: "limit", value: undefined } });
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
