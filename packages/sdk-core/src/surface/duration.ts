import { describe } from "./describe.ts";
import { GuardError } from "./guard-error.ts";

const UNIT_US: Readonly<Record<string, number>> = {
  ms: 1_000,
  s: 1_000_000,
  m: 60_000_000,
  h: 3_600_000_000,
  d: 86_400_000_000,
};
const MIN_WINDOW_US = 1_000;
const MAX_WINDOW_US = 400 * 86_400_000_000;
/** What others write for the units, by how they begin. */
const SPELLED: readonly (readonly [RegExp, string])[] = [
  [/^(ms|millis|msecs?|milliseconds?)$/, "ms"],
  [/^(s|secs?|seconds?)$/, "s"],
  [/^(m|mins?|minutes?)$/, "m"],
  [/^(h|hrs?|hours?)$/, "h"],
  [/^(d|days?)$/, "d"],
];
const SECONDS_PER_DAY = 86_400;
const UNITS = 'a number with a unit, such as "500ms", "10s", "5m", "1h", "1d"';

/**
 * A time to live in milliseconds.
 * @throws {GuardError} invalid_argument when it is malformed, no whole number of milliseconds, or not within 1 ms to 400 days.
 */
export function ttlMs(ttl: unknown, field: string): number {
  const us = windowUs(ttl, field);
  if (us % 1_000 !== 0) throw invalid(field, ttl, "it must be a whole number of milliseconds");
  return us / 1_000;
}

/**
 * The length of a window in microseconds.
 * @throws {GuardError} invalid_argument when it is malformed, or not within 1 ms to 400 days.
 */
export function windowUs(window: unknown, field: string): number {
  if (typeof window === "number") return bareWindowUs(window, field);
  const match = typeof window === "string" ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(window) : null;
  if (match === null) throw invalid(field, window, hintFor(window));
  const us = Number(match[1]) * UNIT_US[match[2]!]!;
  return checkUs(us, field, window);
}

/**
 * A number without a unit is milliseconds, and whole seconds at that: 60, 90 or 3600 were meant in seconds nearly always, and
 * would limit almost nothing. The same for what is whole days only in seconds, as 2,592,000 is.
 */
function bareWindowUs(window: number, field: string): number {
  const isWholeSeconds = window % 1_000 === 0;
  const isDaysInSeconds = window % SECONDS_PER_DAY === 0 && window % 60_000 !== 0;
  if (window > 0 && Number.isFinite(window) && (!isWholeSeconds || isDaysInSeconds)) {
    const bound = isWholeSeconds
      ? `${window} seconds are ${window / SECONDS_PER_DAY} days`
      : "it must be whole seconds";
    throw invalid(field, window, `a bare number is milliseconds, and ${bound}; ${eitherUnit(window)}`);
  }
  return checkUs(window * 1_000, field, window);
}

function eitherUnit(number: number | string): string {
  return `write "${number}s" for seconds or "${number}ms" for milliseconds`;
}

/** What to write instead of a text that is no span of time. */
function hintFor(window: unknown): string {
  const otherwise = `write milliseconds as a number from 1000 on, in whole seconds, or ${UNITS}`;
  if (typeof window !== "string" || window.length > 40) return otherwise;
  const [, number, word] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(window) ?? [];
  if (number === undefined || word === undefined) return otherwise;
  if (word === "") return eitherUnit(number);
  const unit = SPELLED.find(([spelled]) => spelled.test(word.toLowerCase()))?.[1];
  if (unit !== undefined) return `write "${number}${unit}"`;
  return /^w(eeks?)?$/i.test(word) ? `write "${Number(number) * 7}d"` : otherwise;
}

function checkUs(us: number, field: string, window: unknown): number {
  if (Number.isNaN(us)) throw invalid(field, window, hintFor(window));
  const rounded = Math.round(us);
  if (rounded < MIN_WINDOW_US || rounded > MAX_WINDOW_US) {
    throw invalid(field, window, 'it must be from "1ms" to "400d"; write one such as "1m"');
  }
  // A tenth of a second has no exact float, so compare with a tolerance far below a microsecond.
  if (Math.abs(us - rounded) > 1e-3) throw invalid(field, window, "it must be a whole number of microseconds");
  return rounded;
}

function invalid(field: string, value: unknown, hint: string): GuardError {
  const what = value === undefined ? "it is missing; " : `${describe(value)} is not a span of time: `;
  return new GuardError("invalid_argument", `${field}: ${what}${hint}`, { details: { field, value } });
}
