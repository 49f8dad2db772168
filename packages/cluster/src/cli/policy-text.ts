import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { stringify } from "yaml";

const unitsMs = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/**
 * Text of several lines stays on one, in quotes: `yaml` loses spaces of it in blocks and where it folds lines, and a key
 * with spaces at its end is another key.
 */
const textOptions = {
  lineWidth: 0,
  blockQuote: false,
  doubleQuotedMinMultiLineLength: Number.POSITIVE_INFINITY,
} as const;

/** Milliseconds as people write them: `90000` is `90s`, `60000` is `1m`. */
export function durationText(ms: number): string {
  const [unit, size] = unitsMs.find(([, unitMs]) => ms > 0 && ms % unitMs === 0) ?? ["ms", 1];
  return `${ms / size}${unit}`;
}

/** A document as a file in YAML that means the same: durations with units, sections that say nothing left out, but one. */
export function documentYaml(namespace: string, document: JsonObject): string {
  const sections = Object.entries(document).filter(
    ([, value]) => value !== null && !(Array.isArray(value) && value.length === 0),
  );
  // A file that sets nothing is taken for a mistake, so where nothing is set one section says so.
  if (sections.length === 0) sections.push(["policies", []]);
  const file = { ...(namespace === "" ? {} : { namespace }), ...Object.fromEntries(sections.map(readable)) };
  return stringify(file, textOptions);
}

/** Any object as YAML, its durations with units. */
export function objectYaml(object: JsonObject): string {
  return stringify(plain(object), textOptions);
}

function readable([name, value]: readonly [string, JsonValue]): [string, JsonValue] {
  const stem = /^(.*)Ms$/.exec(name)?.[1];
  if (stem !== undefined && typeof value === "number") return [stem, durationText(value)];
  if (stem !== undefined && Array.isArray(value)) return [stem, value.map((each) => durationText(Number(each)))];
  return [name, plain(value)];
}

function plain(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(readable));
}
