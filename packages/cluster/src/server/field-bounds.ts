import { edgeLimits } from "./edge-limits.ts";

/** "4,294,967,295". Intl would load its tables for this at every start, which takes longer than most modules. */
const grouped = (value: number | bigint) => String(value).replaceAll(/\B(?=(\d{3})+$)/g, ",");

/** "it must be a whole number from 0 to 4,294,967,295" */
export function wholeBound(low: number | bigint, high: number | bigint): string {
  return `it must be a whole number from ${grouped(low)} to ${grouped(high)}`;
}

const { maxLimit, maxCost, minWindowUs, maxWindowUs, maxTtlMs } = edgeLimits;

/** What is said of a field that is out of bounds, whoever notices: the decoder's judge or the call's. */
export const fieldBounds = {
  limit: wholeBound(0, maxLimit),
  burst: wholeBound(0, maxLimit),
  cost: wholeBound(1, maxCost),
  actualCost: wholeBound(0, maxCost),
  ttlMs: `${wholeBound(0, maxTtlMs)} (400 days)`,
  handle: wholeBound(1, Number.MAX_SAFE_INTEGER),
  windowUs: `it must be from ${grouped(minWindowUs)} (1 ms) to ${grouped(maxWindowUs)} (400 days), in microseconds`,
} as const;
