import { GuardError } from "@quorumguard/sdk-core";

/** An option that cannot be meant so: names field and value, and what to write. */
export function invalidOption(field: string, value: unknown, hint: string): GuardError {
  const what = value === undefined ? "it is missing" : `${describeValue(value)} cannot be used`;
  return new GuardError("invalid_argument", `${field}: ${what}; ${hint}`, { details: { field, value } });
}

/** A value as a message shows it: short, whatever it is. */
function describeValue(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "an array" : "an object";
  return typeof value === "function" ? "a function" : String(value);
}

/** Holds an optional callback to being one. @throws {GuardError} `invalid_argument`. */
export function checkFunction(value: unknown, field: string): void {
  if (value !== undefined && typeof value !== "function") throw invalidOption(field, value, "it must be a function");
}
