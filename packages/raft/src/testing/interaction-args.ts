import type { NodeId } from "../types.ts";
import type { Directive } from "./script-reader.ts";

/** A command that cannot be carried out as written: the script sees the message as its output. */
export class ScriptError extends Error {}

/** Arguments without a value, in order. */
export function plainArgs(directive: Directive): readonly string[] {
  return directive.args.filter((arg) => arg.values.length === 0).map((arg) => arg.key);
}

/** The values of `key=value` or `key=(value, value)`. */
export function listOf(directive: Directive, key: string): readonly string[] {
  return directive.args.find((arg) => arg.key === key)?.values ?? [];
}

/** The value of `key=value`, or null. */
export function argOf(directive: Directive, key: string): string | null {
  return listOf(directive, key)[0] ?? null;
}

/** A whole number. */
export function parseNumber(text: string | undefined, what: string): number {
  const value = Number(text);
  if (text === undefined || text === "" || !Number.isSafeInteger(value)) {
    throw new ScriptError(`${what}: ${text ?? "nothing"} is not a whole number`);
  }
  return value;
}

/** The nodes of `key=(1,2)`. */
export function idListOf(directive: Directive, key: string): readonly NodeId[] {
  return listOf(directive, key).map((text) => parseNumber(text, key));
}

/** The number of `key=number`, or `otherwise`. */
export function numberOf(directive: Directive, key: string, otherwise: number): number {
  const text = argOf(directive, key);
  return text === null ? otherwise : parseNumber(text, key);
}

/** The truth of `key=true`; false without it. */
export function flagOf(directive: Directive, key: string): boolean {
  const text = argOf(directive, key);
  if (text === null) return false;
  if (/^(1|t|T|true|TRUE|True)$/.test(text)) return true;
  if (/^(0|f|F|false|FALSE|False)$/.test(text)) return false;
  throw new ScriptError(`${key}: ${text} is neither true nor false`);
}

/** The nodes named by the plain arguments. */
export function idsOf(directive: Directive): readonly NodeId[] {
  return plainArgs(directive).map((text) => parseNumber(text, "node"));
}

/** The node that the first argument names. */
export function firstId(directive: Directive): NodeId {
  return parseNumber(plainArgs(directive)[0], "node");
}
