import type { QuotaRule } from "./quota-rule.ts";

/** Whether both rules count the same key in the same counter (SEMANTICS K1). */
export function isSameIdentity(a: QuotaRule, b: QuotaRule): boolean {
  if (a === b) return true;
  if (a.prefixLength !== b.prefixLength) return false;
  for (let i = 0; i < a.prefixLength; i++) if (a.prefix[i] !== b.prefix[i]) return false;
  return true;
}

/** Whether the `length` bytes from `a` on are those from `b` on. */
export function equalSpans(bytes: Uint8Array, a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[a + i] !== bytes[b + i]) return false;
  return true;
}
