import { utf8Bytes } from "./canonical.ts";
import { PolicyError } from "./policy-error.ts";

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** The longest window, ban and memory. */
export const MAX_DURATION_MS = 34_560_000_000;

/**
 * Reads the fields of one JSON object strictly: each has its type and bounds, and none is left over. `path` is where the
 * object stands, for messages.
 */
export class Fields {
  readonly path: string;
  readonly #values: { readonly [field: string]: unknown };

  /** @throws {PolicyError} when `value` is not an object or has a field that `known` does not list. */
  constructor(value: unknown, path: string, known: readonly string[]) {
    this.path = path;
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new PolicyError("invalid", path, `is ${shown(value)}; it must be an object with ${known.join(", ")}`);
    }
    this.#values = value as { readonly [field: string]: unknown };
    for (const field of Object.keys(value)) {
      if (known.includes(field)) continue;
      throw new PolicyError("invalid", this.at(field), `is unknown; ${path} may have ${known.join(", ")}`);
    }
  }

  at(field: string): string {
    return this.path === "" ? field : `${this.path}.${field}`;
  }

  has(field: string): boolean {
    return Object.hasOwn(this.#values, field) && this.#values[field] !== undefined;
  }

  raw(field: string): unknown {
    return this.has(field) ? this.#values[field] : undefined;
  }

  refuse(field: string, message: string): never {
    throw new PolicyError("invalid", this.at(field), message);
  }

  integer(field: string, least: number, most: number): number {
    const value = this.raw(field);
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < least || value > most) {
      this.refuse(field, `is ${shown(value)}; it must be a whole number from ${least} to ${most}`);
    }
    return value;
  }

  boolean(field: string): boolean {
    const value = this.raw(field);
    if (typeof value !== "boolean") this.refuse(field, `is ${shown(value)}; it must be true or false`);
    return value;
  }

  /** Text of bounded length as UTF-8; without lone surrogates, which no encoding keeps. */
  text(field: string, leastBytes: number, mostBytes: number): string {
    const value = this.raw(field);
    if (typeof value !== "string") this.refuse(field, `is ${shown(value)}; it must be text`);
    // A text longer than its bound in characters is longer in bytes, too: no need to encode it first.
    const bytes = value.length > mostBytes ? value.length : utf8Bytes(value);
    if (bytes < leastBytes || bytes > mostBytes) {
      this.refuse(field, `has ${bytes} bytes; it must have ${leastBytes} to ${mostBytes}`);
    }
    if (/\p{Surrogate}/u.test(value)) this.refuse(field, "has half a surrogate pair; it must be well-formed text");
    return value;
  }

  /** A name: text without control characters. */
  name(field: string, mostBytes: number): string {
    const value = this.text(field, 1, mostBytes);
    if (/\p{Cc}/u.test(value)) this.refuse(field, `is ${shown(value)}; a name has no control characters`);
    return value;
  }

  choice<const C extends string>(field: string, choices: readonly C[]): C {
    const value = this.raw(field);
    const chosen = choices.find((each) => each === value);
    if (chosen === undefined) this.refuse(field, `is ${shown(value)}; it must be one of ${choices.join(", ")}`);
    return chosen;
  }

  list(field: string, most: number): readonly unknown[] {
    const value = this.raw(field);
    if (!Array.isArray(value)) this.refuse(field, `is ${shown(value)}; it must be a list`);
    if (value.length > most) this.refuse(field, `has ${value.length} members; it may have ${most}: split the change`);
    return value;
  }

  /** A duration: `<stem>Ms` as whole milliseconds, or `<stem>` as text such as `"90s"`; exactly one of them. */
  durationMs(stem: string): number {
    const inMs = `${stem}Ms`;
    if (this.has(inMs) && this.has(stem)) this.refuse(stem, `and ${inMs} are both given; leave one of them out`);
    if (!this.has(stem)) return this.integer(inMs, 1, MAX_DURATION_MS);
    return durationMs(this.raw(stem), this.at(stem));
  }

  hasDuration(stem: string): boolean {
    return this.has(stem) || this.has(`${stem}Ms`);
  }
}

/** A duration as text: a whole number and one of ms, s, m, h, d. @throws {PolicyError} naming field, value and bound. */
export function durationMs(value: unknown, path: string): number {
  const match = typeof value === "string" ? /^([1-9][0-9]{0,14})(ms|s|m|h|d)$/.exec(value) : null;
  const ms = match === null ? 0 : Number(match[1]) * UNITS_MS[match[2]!]!;
  if (ms < 1 || ms > MAX_DURATION_MS) {
    throw new PolicyError(
      "invalid",
      path,
      `is ${shown(value)}; write a whole number with ms, s, m, h or d, from 1ms to 400d`,
    );
  }
  return ms;
}

/** A value for a message, cut where it grows long. */
export function shown(value: unknown): string {
  if (value === undefined) return "missing";
  const text = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? typeof value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
