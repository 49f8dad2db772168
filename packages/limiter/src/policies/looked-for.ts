import { createVerdict } from "../algorithms/algorithm.ts";
import type { KeyTable } from "../keys/key-table.ts";
import type { QuotaRule } from "../keys/quota-rule.ts";

/** How long something is held is not asked: whoever kept a counter for its sake asks again after a minute. */
const HELD_US = 60_000_000;

const verdict = createVerdict();

/**
 * Whether an old counter is looked for beyond the time for which all of its epoch are: while something is held on it, or
 * while it counts by its own rule, be that slower than all that is known of the epoch: a key's own numbers, or a debt.
 */
export function goesOn(keys: KeyTable, past: QuotaRule, block: number, stampUs: number): boolean {
  return keys.isHeld(block) || keys.usedAt(past, block, stampUs) > 0;
}

/** Until when that is so, as far as is known; 0: it is not. Not its expiry, which the sweep postpones. */
export function goesOnUntilUs(keys: KeyTable, past: QuotaRule, block: number, stampUs: number): number {
  if (!goesOn(keys, past, block, stampUs)) return 0;
  if (keys.isHeld(block)) return stampUs + HELD_US;
  keys.judge(past, block, 1, 0, stampUs, verdict);
  return stampUs + verdict.resetNowUs;
}
