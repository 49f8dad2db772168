import { median } from "../../../../bench/src/median.ts";
import { grouped } from "../markdown.ts";

/** A number as people read it: whole from 100 on, else with at most two decimals. */
export function readable(value: number): string {
  if (!Number.isFinite(value)) return "unknown";
  if (Number.isInteger(value) || Math.abs(value) >= 100) return grouped(Math.round(value));
  return String(Math.round(value * 100) / 100);
}

/** `median (least to most)`; a value that is always the same stands alone. */
export function spread(values: readonly number[]): string {
  if (new Set(values).size < 2) return readable(values[0] ?? Number.NaN);
  return `${readable(median(values))} (${readable(Math.min(...values))} to ${readable(Math.max(...values))})`;
}

const units: Readonly<Record<string, string>> = { Ms: "ms", Us: "µs", Bytes: "bytes", GiB: "GiB" };

/** A field's name in words: `backgroundCallsPerSecond` is "background calls per second", `gapMs` is "gap, ms". */
export function fieldWords(name: string): string {
  const unit = Object.keys(units).find((suffix) => name.endsWith(suffix) && name.length > suffix.length);
  const stem = unit === undefined ? name : name.slice(0, -unit.length);
  const words = stem.replace(/([a-z0-9])([A-Z])/g, "$1 $2").toLowerCase();
  return unit === undefined ? words : `${words}, ${units[unit]}`;
}
