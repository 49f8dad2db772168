import type { Heap } from "../memory/heap.ts";

/**
 * A hold's block. Cells of 8 bytes, words of 4:
 *
 * ```
 * word 0 tag · kind in bits 8 to 15 · CARRIED, OVER word 1, 2 hash and link of the index by number
 * word 3 the record of its key               cell 2 number
 * cell 3 due: when it is to be looked at     cell 4 expiry · cell 5 from · cell 6 dated
 * cell 7 time to live · cell 8 window        word 18 cost · 19 limit · 20 burst · 21 session
 * of a lease, dated at its expiry, cell 6 is the date and cell 7 the "from" as of which older counters have it, if CARRIED
 * words 22, 23 links of the tree by due      words 24, 25 of its key's list · 26, 27 of its session's list
 * ```
 */
export const HOLD_CELLS = 14;
export const WORD_KEY_RECORD = 3;
export const CELL_NUMBER = 2;
export const CELL_DUE = 3;
export const CELL_EXPIRES = 4;
export const CELL_FROM = 5;
export const CELL_DATED = 6;
export const CELL_TTL = 7;
export const CELL_LEASE_LEFT_FROM = 7;
export const CELL_WINDOW = 8;
export const WORD_COST = 18;
export const WORD_LIMIT = 19;
export const WORD_BURST = 20;
export const WORD_SESSION = 21;
export const WORD_LEFT = 22;
export const WORD_RIGHT = 23;
export const WORD_KEY_BEFORE = 24;
export const WORD_KEY_AFTER = 25;
export const WORD_SESSION_BEFORE = 26;
export const WORD_SESSION_AFTER = 27;

/** Bit of word 0: another rule took the hold's key over, and the older counters have the hold as used since. */
export const CARRIED = 0x10000;

/** Bit of word 0: its time is over, and it is nobody's; whoever carries its key over must still know as of when it counts. */
export const OVER = 0x20000;

/** In place of a session: the hold was opened by one that has ended since, so nobody can settle it any more. */
export const ORPHAN = 0xffffffff;

/** What a hold is. */
export const HoldKind = { reservation: 1, slot: 2, lease: 3 } as const;
/** One of {@link HoldKind}'s numbers. */
export type HoldKind = (typeof HoldKind)[keyof typeof HoldKind];

/** What the hold at an address is. */
export function kindOf(heap: Heap, hold: number): HoldKind {
  return ((heap.word(hold, 0) >>> 8) & 0xff) as HoldKind;
}
