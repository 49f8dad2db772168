import { MAX_KEY_BYTES, utf8Length } from "@quorumguard/proto";
import { describe } from "./describe.ts";
import { windowUs } from "./duration.ts";
import type { AbortSignalLike } from "./guard.ts";
import { GuardError } from "./guard-error.ts";
import { nearestName } from "./known-names.ts";

/** The largest limit, cost and burst: 2,147,483,647. */
export const MAX_COUNT = 0x7fff_ffff;
const MAX_NAME_BYTES = 128;

/** An argument out of bounds: names field, value, bound. */
export function invalidArgument(field: string, value: unknown, bound: string): GuardError {
  const what = value === undefined ? "it is missing; " : `${describe(value)} is out of bounds: `;
  return new GuardError("invalid_argument", `${field}: ${what}${bound}`, { details: { field, value } });
}

/** A number that came as text, as flags, variables and query strings do. Null: it is no such text. */
export function numberAsText(field: string, value: unknown, remark = ""): GuardError | null {
  if (typeof value !== "string") return null;
  const isSpan = field.endsWith("Ms") && /^\d+(\.\d+)?(ms|s|m|h|d)$/.test(value);
  if (!isSpan && !/^\d{1,15}$/.test(value)) return null;
  const number = isSpan ? `${windowUs(value, field) / 1_000} (milliseconds)` : Number(value);
  const message = `${field}: "${value}" is a string; write the number ${number}${remark}`;
  return new GuardError("invalid_argument", message, { details: { field, value } });
}

/**
 * Holds a number to whole values within bounds, both included.
 *
 * @throws {GuardError} invalid_argument unless it is a whole number within the bounds.
 */
export function checkWhole(value: unknown, field: string, min: number, max: number = MAX_COUNT): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
    throw (
      numberAsText(field, value) ?? invalidArgument(field, value, `it must be a whole number from ${min} to ${max}`)
    );
  }
  return value;
}

/**
 * Holds a value to one of a few words. `meant`: what others call them.
 * @throws {GuardError} invalid_argument, naming all of them and the nearest.
 */
export function checkOneOf<const T extends string>(
  value: unknown,
  field: string,
  words: readonly T[],
  meant: Readonly<Record<string, T>> = {},
): T {
  if (words.includes(value as T)) return value as T;
  const all = `it must be one of ${words.join(", ")}`;
  if (typeof value !== "string") throw invalidArgument(field, value, all);
  const nearest = Object.hasOwn(meant, value) ? meant[value]! : nearestName(value, words);
  throw invalidArgument(field, value, nearest === null ? all : `${all}; did you mean "${nearest}"?`);
}

/** Holds a key to 1 to 512 bytes of UTF-8. @throws {GuardError} invalid_argument, naming field, value and bound. */
export function checkKey(key: unknown, field = "key"): string {
  if (key === undefined || key === null || key === "") {
    const what = key === undefined ? "it is missing" : key === "" ? '"" is empty' : "it is null";
    const message = `${field}: ${what}; write what is limited, such as user.id, and for who has none what stands for them: user?.id ?? "anonymous" (1 to ${MAX_KEY_BYTES} bytes of UTF-8)`;
    throw new GuardError("invalid_argument", message, { details: { field, value: key } });
  }
  return checkText(key, field, MAX_KEY_BYTES);
}

/** Holds a name to 1 to 128 bytes of UTF-8. @throws {GuardError} invalid_argument, naming field, value and bound. */
export function checkName(name: unknown, field: string): string {
  return checkText(name, field, MAX_NAME_BYTES);
}

function checkText(text: unknown, field: string, maxBytes: number): string {
  if (typeof text !== "string") {
    const isNumber = typeof text === "number" || typeof text === "bigint";
    throw invalidArgument(field, text, `it must be a string${isNumber ? "; write String(id)" : ""}`);
  }
  if (text.length === 0) throw invalidArgument(field, text, `it must have 1 to ${maxBytes} bytes of UTF-8`);
  // A UTF-16 unit takes at most three bytes, so short texts need no count.
  if (text.length * 3 > maxBytes && utf8Length(text) > maxBytes) {
    throw invalidArgument(field, text, `${utf8Length(text)} bytes of UTF-8; it must have 1 to ${maxBytes}`);
  }
  if (LONE_SURROGATE.test(text)) {
    // Two such texts would become the same bytes, and so share a counter.
    throw invalidArgument(field, text, "it holds half of a surrogate pair, which UTF-8 cannot express");
  }
  return text;
}

/** Holds a signal to what is used of an AbortSignal. @throws {GuardError} invalid_argument, naming what to pass. */
export function checkSignal(signal: unknown): AbortSignalLike | undefined {
  if (signal === undefined) return undefined;
  const { aborted, addEventListener, removeEventListener } = (signal ?? {}) as Partial<AbortSignalLike>;
  const listens = typeof addEventListener === "function" && typeof removeEventListener === "function";
  if (typeof aborted !== "boolean" || !listens) {
    throw invalidArgument("signal", signal, "it must be an AbortSignal, such as `new AbortController().signal`");
  }
  return signal as AbortSignalLike;
}

const LONE_SURROGATE = /\p{Surrogate}/u;
