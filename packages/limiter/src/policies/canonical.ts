import { encodeUtf8 } from "../entry/utf8.ts";

/** What JSON can say, as {@link canonicalJson} takes it. Fields that are undefined count as absent. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [field: string]: Json | undefined };

/**
 * JSON in its one form: fields in the order of their code units, none that is undefined, no blanks. Two documents are
 * equal exactly if their canonical forms are, and every node and engine writes the same bytes.
 */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (isList(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const fields = Object.keys(value)
    .filter((field) => value[field] !== undefined)
    .sort();
  return `{${fields.map((field) => `${JSON.stringify(field)}:${canonicalJson(value[field]!)}`).join(",")}}`;
}

function isList(value: object): value is readonly Json[] {
  return Array.isArray(value);
}

/** How many bytes `text` takes as UTF-8. */
export function utf8Bytes(text: string): number {
  return encodeUtf8(text).length;
}
