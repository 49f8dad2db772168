import { Buffer } from "node:buffer";
import { edgeLimits } from "./edge-limits.ts";
import { fieldBounds } from "./field-bounds.ts";
import { InvalidField } from "./invalid-field.ts";

/** Half a surrogate pair: legal in a string, impossible in UTF-8. */
export const halfPair = /\p{Surrogate}/u;

/**
 * Holds a piece of text to its length in bytes. A string with half a surrogate pair is refused: two different ones
 * would otherwise become the same bytes, and so share a count.
 *
 * @throws {InvalidField} when it is too short, too long or not Unicode.
 */
export function checkText(text: string, field: string, minBytes: number, maxBytes: number): void {
  const bytes = Buffer.byteLength(text);
  if (bytes < minBytes || bytes > maxBytes) {
    throw new InvalidField(
      field,
      text,
      `it has ${bytes} bytes and must have ${minBytes} to ${maxBytes} bytes of UTF-8`,
    );
  }
  if (halfPair.test(text)) throw new InvalidField(field, text, "it must be well-formed Unicode");
}

/** Holds a key to 1 to 512 bytes of UTF-8. @throws {InvalidField} naming `field`, value and bound. */
export function checkKey(key: string, field: string): void {
  checkText(key, field, 1, edgeLimits.maxKeyBytes);
}

/**
 * Holds a namespace to its bytes of UTF-8; empty is the default namespace.
 *
 * @throws {InvalidField} when it is too long.
 */
export function checkNamespace(namespace: string): void {
  checkText(namespace, "namespace", 0, edgeLimits.maxNamespaceBytes);
}

/**
 * Reads a cost; on the unary methods 0 means 1, so that the simplest body works.
 *
 * @throws {InvalidField} when it is out of bounds.
 */
export function checkCost(cost: number, field: string): number {
  if (cost === 0) return 1;
  if (Number.isInteger(cost) && cost >= 1 && cost <= edgeLimits.maxCost) return cost;
  throw new InvalidField(field, cost, fieldBounds.cost);
}
