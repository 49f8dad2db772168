import { checkKey, numberAsText } from "./check-fields.ts";
import { describe } from "./describe.ts";
import { GuardError } from "./guard-error.ts";
import { nearestName } from "./known-names.ts";

const INLINE = 'allow(key, 5, "1m")';
const CHECK = '{ key: "k", limit: 5, window: "1m" }';

/**
 * Holds the first argument of `allow` to a key, and what follows to no object where a limit or its window stands; a `next` that is the
 * key belongs in its place. @throws {GuardError}
 */
export function allowKey(key: unknown, next: unknown, after?: unknown): string {
  if (typeof key === "string") {
    const checked = checkKey(key);
    if (typeof next === "object") throw notNumbers("limit", key, next, next);
    if (typeof after === "object" && typeof next === "number")
      throw notNumbers("window", key, { limit: next, ...after }, after);
    return checked;
  }
  const swapped = typeof key === "number" && typeof next === "string";
  if (!swapped && (typeof key !== "object" || key === null)) return checkKey(key);
  if (typeof (key as { then?: unknown }).then === "function") throw promisedKey(key);
  const what = swapped ? "a number, and the key comes first" : "not a string";
  const others = swapped
    ? `; a key that is a number is written String(${key})`
    : " (reserve, wait, peek and reset take an object)";
  const message = `key: ${describe(key)} is ${what}; write allow("k", 5, "1m"), or allow("k", "login") under a policy${others}`;
  throw new GuardError("invalid_argument", message, { details: { field: "key", value: key } });
}

function promisedKey(key: unknown): GuardError {
  const message = "key: a promise is not a string; await it before, such as allow(await keyOf(request), …)";
  return new GuardError("invalid_argument", message, { details: { field: "key", value: key } });
}

/** A rule, or options, stand where `allow` takes a limit and a window one by one. */
function notNumbers(field: string, key: string, rule: object | null, value: unknown): GuardError {
  const { limit, window } = (rule ?? {}) as { limit?: unknown; window?: unknown };
  const [count, span] = [typeof limit === "number" ? limit : 5, typeof window === "string" ? describe(window) : '"1m"'];
  const message = `${field}: ${describe(value)} is not a ${field}; write allow(${describe(key)}, ${count}, ${span}), options come after these`;
  return new GuardError("invalid_argument", message, { details: { field, value } });
}

/** What is no object stands where a check does, often since `allow` takes its parts one by one. */
export function notCheck(field: string, value: unknown, method: string): GuardError {
  const key = typeof value === "string" ? JSON.stringify(value.slice(0, 40)) : '"k"';
  const end = method === "wait" ? ", { timeoutMs: 5_000 }" : "";
  const check = CHECK.replace('"k"', () => key);
  const what = value === undefined ? "it is missing" : `${describe(value)} is not a check`;
  const message = `${field}: ${what}; write ${method === "allowAll" ? `allowAll([${check}, …])` : `${method}(${check}${end})`}`;
  return new GuardError("invalid_argument", `${message}, or a policy's name: { key: ${key}, policy: "login" }`, {
    details: { field, value },
  });
}

/** The checks of a group are no array, or none. */
export function notChecks(value: unknown): GuardError {
  const what = Array.isArray(value)
    ? "it is an empty list, and nothing would be asked"
    : `${describe(value)} is not an array`;
  const message = `checks: ${what}; write an array of checks: allowAll([${CHECK}, …])`;
  return new GuardError("invalid_argument", message, { details: { field: "checks", value } });
}

/**
 * Refuses what is no object where a guard's options stand; often it is an address, or some, of which no password is to be shown.
 * @throws {GuardError} invalid_argument, saying what to write.
 */
export function expectGuardOptions(value: unknown): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw notGuardOptions(value);
}

function notGuardOptions(value: unknown): GuardError {
  const isAddress = typeof value === "string" && !value.includes("@");
  const shown = typeof value === "string" && !isAddress ? "a string" : describe(value);
  const list = Array.isArray(value) ? '["a:7400", "b:7400"]' : '"host:7400"';
  const address = isAddress ? JSON.stringify(value.slice(0, 80)) : list;
  const message = `options: ${shown} is not an object; write createGuard({ endpoints: ${address} })`;
  return new GuardError("invalid_argument", message, { details: { field: "options" } });
}

/** The second argument of `allow` is a string that names no policy of the guard: null unless it was hardly meant to name one. */
export function notPolicyArgument(name: string, next: unknown): GuardError | null {
  const window = next === undefined ? `, and a window after it: ${INLINE}` : "";
  const asText = numberAsText("limit", name, ` (a string here names a policy)${window}`);
  if (asText !== null) return asText;
  if (typeof next !== "number" || !/^\d+(\.\d+)?(ms|s|m|h|d)$/.test(name)) return null;
  const message = `policy: ${describe(name)} is not a policy of this guard; the limit comes before the window: ${INLINE}`;
  return new GuardError("invalid_argument", message, { details: { field: "policy", value: name } });
}

/** A check has neither limit nor policy. */
export function missingRule(path: string, key: string): GuardError {
  const [name, field] = [describe(key), `${path}.limit`];
  const message = `${field}: it is missing; write { key: ${name}, limit: 5, window: "1m" }, or a policy's name: { key: ${name}, policy: "login" }`;
  return new GuardError("invalid_argument", message, { details: { field, value: undefined } });
}

/** A check's policy is undefined. */
export function missingPolicy(field: string): GuardError {
  const message = `${field}: it is missing; write a policy's name, or leave the field out and give limit and window`;
  return new GuardError("invalid_argument", message, { details: { field, value: undefined } });
}

/** Why the cluster has no policy of a name that it was asked for: most often it is misspelt. */
export function unknownPolicy(
  names: readonly string[],
  known: readonly string[],
  mayDefine = true,
): { readonly message: string; readonly details: Readonly<Record<string, unknown>> } {
  const nearest = names.length === 1 ? nearestName(names[0]!, known) : null;
  const parts = [
    `policy: ${names.map(describe).join(" or ")} is not a policy of the cluster, nor of this guard`,
    nearest === null ? "" : `did you mean ${nearest}?`,
    known.length === 0 ? "" : `this guard has ${known.join(", ")}`,
    `define it with \`quorumguard policy put\`${mayDefine ? ", or give its limit in createGuard({ policies })" : ""}`,
  ];
  const message = parts.filter((part) => part !== "").join("; ");
  return { message, details: { field: "policy", value: names.join(", "), nearest, known } };
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

/** The last argument of `allowAll` is no object. */
export function notGroupOptions(value: unknown): GuardError {
  const message = `options: ${describe(value)} is not an object; each check has its own limit and window, and only options may follow them, such as { timeoutMs: 500 }`;
  return new GuardError("invalid_argument", message, { details: { field: "options", value } });
}
