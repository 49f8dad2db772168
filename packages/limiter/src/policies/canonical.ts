import { encodeUtf8 } from "../entry/utf8.ts";

/** What JSON can say, as {@link canonicalJson} takes it. Fields that are undefined count as absent. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [field: string]: Json | undefined };

/**
 * JSON in its one form: fields in the order of their code units, none that is undefined, no blanks. Two documents are
 * equal exactly if their canonical forms are, and every node and engine writes the same bytes.
 */
export function canonicalJson(value: Json): string {
  // A change of thousands of records is written many times over while the node does nothing else: no lists in between.
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (isList(value)) {
    let text = "[";
    for (let i = 0; i < value.length; i++) text += (i === 0 ? "" : ",") + canonicalJson(value[i]!);
    return `${text}]`;
  }
  const fields = Object.keys(value);
  if (!isSorted(fields)) fields.sort();
  let text = "{";
  for (const field of fields) {
    const member = value[field];
    if (member === undefined) continue;
    text += `${text === "{" ? "" : ","}${JSON.stringify(field)}:${canonicalJson(member)}`;
  }
  return `${text}}`;
}

function isSorted(fields: readonly string[]): boolean {
  for (let i = 1; i < fields.length; i++) if (fields[i - 1]! > fields[i]!) return false;
  return true;
}

function isList(value: object): value is readonly Json[] {
  return Array.isArray(value);
}

/** How many bytes `text` takes as UTF-8. */
export function utf8Bytes(text: string): number {
  // ASCII needs no bytes written to be counted.
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return encodeUtf8(text).length;
  return text.length;
}
