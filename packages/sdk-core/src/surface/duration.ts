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
/** A window below a second, given without a unit, was nearly always meant in seconds. */
const SMALLEST_BARE_MS = 1_000;

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
  if (match === null) {
    throw invalid(
      field,
      window,
      'write milliseconds as a number, or a number with a unit, such as "500ms", "10s", "5m", "1h", "1d"',
    );
  }
  const us = Number(match[1]) * UNIT_US[match[2]!]!;
  return checkUs(us, field, window);
}

function bareWindowUs(window: number, field: string): number {
  if (window > 0 && window < SMALLEST_BARE_MS) {
    throw invalid(
      field,
      window,
      `a bare number is milliseconds, and ${window} ms is seldom meant; write "${window}s" for seconds or "${window}ms" for milliseconds`,
    );
  }
  return checkUs(window * 1_000, field, window);
}

function checkUs(us: number, field: string, window: unknown): number {
  const rounded = Math.round(us);
  // A tenth of a second has no exact float, so compare with a tolerance far below a microsecond.
  if (!Number.isFinite(us) || Math.abs(us - rounded) > 1e-3) {
    throw invalid(field, window, "it must be a whole number of microseconds");
  }
  if (rounded < MIN_WINDOW_US || rounded > MAX_WINDOW_US) {
    throw invalid(field, window, 'it must be from "1ms" to "400d"');
  }
  return rounded;
}

function invalid(field: string, value: unknown, hint: string): GuardError {
  const what = value === undefined ? "it is missing; " : `${describe(value)} is not a span of time: `;
  return new GuardError("invalid_argument", `${field}: ${what}${hint}`, { details: { field, value } });
}

/** A value as an error message shows it: short, whatever it is. */
export function describe(value: unknown): string {
  if (typeof value === "string") return value.length > 40 ? `"${value.slice(0, 40)}…"` : `"${value}"`;
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "an array" : "an object";
  if (typeof value === "function") return "a function";
  return typeof value === "bigint" ? `${value}n` : String(value);
}
