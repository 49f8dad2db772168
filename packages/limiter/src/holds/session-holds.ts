import { type Sessions, WORD_FIRST_HOLD, WORD_HOLDS } from "../exactly-once/sessions.ts";
import type { Heap } from "../memory/heap.ts";
import { CELL_EXPIRES, HoldKind, ORPHAN, WORD_SESSION, WORD_SESSION_AFTER, WORD_SESSION_BEFORE } from "./hold-block.ts";
import type { HoldFields } from "./open-holds.ts";

/** The holds of each session: a list through their blocks, which begins in the session's. */
export class SessionHolds {
  readonly #heap: Heap;
  readonly #sessions: Sessions;
  readonly #fields: HoldFields;

  constructor(heap: Heap, sessions: Sessions, fields: HoldFields) {
    this.#heap = heap;
    this.#sessions = sessions;
    this.#fields = fields;
  }

  /** Whether nobody need be alive for the hold, or its session is. */
  holdsOn(hold: number, stampUs: number): boolean {
    const session = this.#heap.word(hold, WORD_SESSION);
    return this.#fields.kindOf(hold) !== HoldKind.slot || session === 0 || this.#sessions.isAlive(session, stampUs);
  }

  /** When a hold is to be looked at: a slot of a session no later than when the session dies if it is not heard of. */
  dueUs(hold: number): number {
    const expiresUs = this.#heap.number(hold, CELL_EXPIRES);
    const session = this.#heap.word(hold, WORD_SESSION);
    if (this.#fields.kindOf(hold) !== HoldKind.slot || session === 0) return expiresUs;
    return Math.min(expiresUs, this.#sessions.expiryUs(session) + 1);
  }

  /** Puts a hold first in its session's list; session 0: it is none's. */
  add(session: number, hold: number): void {
    const heap = this.#heap;
    heap.setWord(hold, WORD_SESSION, session);
    heap.setWord(hold, WORD_SESSION_BEFORE, 0);
    heap.setWord(hold, WORD_SESSION_AFTER, 0);
    if (session === 0) return;
    const first = heap.word(session, WORD_FIRST_HOLD);
    heap.setWord(hold, WORD_SESSION_AFTER, first);
    if (first !== 0) heap.setWord(first, WORD_SESSION_BEFORE, hold);
    heap.setWord(session, WORD_FIRST_HOLD, hold);
    heap.setWord(session, WORD_HOLDS, heap.word(session, WORD_HOLDS) + 1);
  }

  remove(hold: number): void {
    const heap = this.#heap;
    const session = heap.word(hold, WORD_SESSION);
    if (session === 0 || session === ORPHAN) return;
    const before = heap.word(hold, WORD_SESSION_BEFORE);
    const after = heap.word(hold, WORD_SESSION_AFTER);
    if (before === 0) heap.setWord(session, WORD_FIRST_HOLD, after);
    else heap.setWord(before, WORD_SESSION_AFTER, after);
    if (after !== 0) heap.setWord(after, WORD_SESSION_BEFORE, before);
    heap.setWord(session, WORD_HOLDS, heap.word(session, WORD_HOLDS) - 1);
  }
}
