import { WORD_FIRST_HOLD, WORD_HOLDS } from "../exactly-once/sessions.ts";
import type { Heap } from "../memory/heap.ts";
import { ORPHAN, WORD_SESSION, WORD_SESSION_AFTER, WORD_SESSION_BEFORE } from "./hold-block.ts";

/** The holds of each session: a list through their blocks, which begins in the session's. */
export class SessionHolds {
  readonly #heap: Heap;

  constructor(heap: Heap) {
    this.#heap = heap;
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
