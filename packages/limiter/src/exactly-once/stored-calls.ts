import { Outcome, type ResultColumns } from "../call-batch.ts";
import { mixWords } from "../hash/sip.ts";
import { HashIndex, WORD_LINK } from "../memory/hash-index.ts";
import type { Heap } from "../memory/heap.ts";
import type { MetaReader, MetaWriter } from "../memory/meta.ts";
import type { Slab } from "../memory/slab.ts";
import type { GrowingResultColumns } from "../result-columns.ts";
import { BlockKind } from "./block-kinds.ts";
import { freeChain, readChain, writeChain } from "./payload.ts";

/** Numbers that share a block: from a multiple of it on. A power of two, at most 32. */
const RUN_CALLS = 16;
const WORD_SESSION = 3;
/** The first number of the run, whether it is stored or not. */
const CELL_FIRST = 2;
const WORD_BEFORE = 6;
const WORD_AFTER = 7;
/** A bit for each number of the run: what is stored, and what of it has its results elsewhere. */
const WORD_STORED = 8;
const WORD_APART = 9;
const CELL_CALLS = 5;

/**
 * Of each call: outcome and shadow, and the rest of a single result. What is a group, or has a number above a word's, lies
 * in a chain elsewhere: then there are the bit, the link to it, and how many items it has.
 */
const WORD_TAG = 0;
const WORD_REMAINING = 1;
const WORD_LIMIT = 2;
const WORD_RESET = 3;
/** Plus 1, since never is -1; of what is allowed, which need not be retried, the handle. */
const WORD_RETRY = 4;
const WORD_FIRM = 5;
const CELL_STAMP = 3;
const CELL_INDEX = 4;
const CALL_CELLS = 5;
const APART = 0x10000;
const WORD_CHAIN = 1;
const WORD_ITEMS = 2;
const MAX_WORD = 4_294_967_295;

/** Words of a session's block that hold how many results it has, and the first and last run of them. */
export const WORD_RESULTS = 14;
export const WORD_FIRST_RUN = 15;
export const WORD_LAST_RUN = 16;

/**
 * What the calls of sessions came to, by session and number, until they are acknowledged (SEMANTICS S3). Numbers may have
 * gaps, since denials from applied state never reach the log, and retries may come in any order; but most follow one
 * another, so a few neighbours share a block, which is looked for once. A stored call is known by the cell it begins at.
 */
export class StoredCalls {
  readonly #heap: Heap;
  readonly #slab: Slab;
  readonly #index: HashIndex;
  #seed = 0x3c6ef372;
  /** The run that was looked for last, and its block, or 0 if there is none; session 0: none was. */
  #lastSession = 0;
  #lastFirst = 0.5;
  #lastRun = 0;

  constructor(heap: Heap, slab: Slab) {
    this.#heap = heap;
    this.#slab = slab;
    this.#index = new HashIndex(heap);
  }

  /** Only while nothing is stored. */
  reseed(seed: number): void {
    this.#seed = seed | 0;
  }

  #hash(session: number, first: number): number {
    return mixWords(this.#seed ^ Math.imul(session, 0x9e3779b1), first | 0, (first / 4294967296) | 0);
  }

  /** The block of the run that begins with `first`, or 0. */
  #runOf(session: number, first: number): number {
    if (session === this.#lastSession && first === this.#lastFirst) return this.#lastRun;
    const heap = this.#heap;
    let run = this.#index.first(this.#hash(session, first));
    while (run !== 0 && (heap.word(run, WORD_SESSION) !== session || heap.number(run, CELL_FIRST) !== first)) {
      run = heap.word(run, WORD_LINK);
    }
    this.#lastSession = session;
    this.#lastFirst = first;
    this.#lastRun = run;
    return run;
  }

  /** A stored call, or 0. */
  find(session: number, number: number): number {
    const place = placeOf(number);
    const run = this.#runOf(session, number - place);
    return run === 0 || (this.#heap.word(run, WORD_STORED) & (1 << place)) === 0 ? 0 : callAt(run, place);
  }

  items(call: number): number {
    return (this.#heap.word(call, WORD_TAG) & APART) === 0 ? 1 : this.#heap.word(call, WORD_ITEMS);
  }

  stampUs(call: number): number {
    return this.#heap.number(call, CELL_STAMP);
  }

  entryIndex(call: number): number {
    return this.#heap.number(call, CELL_INDEX);
  }

  read(call: number, into: GrowingResultColumns, at: number): void {
    const heap = this.#heap;
    const tag = heap.word(call, WORD_TAG);
    if ((tag & APART) !== 0) {
      readChain(heap, heap.word(call, WORD_CHAIN), heap.word(call, WORD_ITEMS), into, at);
      return;
    }
    const outcome = tag & 0xff;
    const allowed = outcome === Outcome.allowed;
    const retryOrHandle = heap.word(call, WORD_RETRY);
    const retryMs = allowed ? 0 : retryOrHandle - 1;
    const firmMs = heap.word(call, WORD_FIRM);
    const limit = heap.word(call, WORD_LIMIT);
    into.set(at, outcome, heap.word(call, WORD_REMAINING), heap.word(call, WORD_RESET), retryMs, firmMs, limit);
    if (allowed) into.handles[at] = retryOrHandle;
    into.shadows[at] = tag >>> 8;
  }

  /** Stores a call whose number is not stored. */
  store(
    session: number,
    number: number,
    results: ResultColumns,
    from: number,
    items: number,
    stampUs: number,
    entryIndex: number,
  ): void {
    const heap = this.#heap;
    const place = placeOf(number);
    const first = number - place;
    const run = this.#runOf(session, first) || this.#begin(session, first);
    heap.setWord(run, WORD_STORED, heap.word(run, WORD_STORED) | (1 << place));
    const call = callAt(run, place);
    heap.setNumber(call, CELL_STAMP, stampUs);
    heap.setNumber(call, CELL_INDEX, entryIndex);
    if (items > 1 || !this.#write(call, results, from)) {
      heap.setWord(run, WORD_APART, heap.word(run, WORD_APART) | (1 << place));
      heap.setWord(call, WORD_TAG, APART);
      heap.setWord(call, WORD_ITEMS, items);
      writeChain(heap, this.#slab, call, WORD_CHAIN, results, from, items);
    }
    heap.setWord(session, WORD_RESULTS, heap.word(session, WORD_RESULTS) + 1);
  }

  /** Writes a single result where the call is; false if it has a number that is too large. */
  #write(call: number, results: ResultColumns, at: number): boolean {
    const heap = this.#heap;
    const outcome = results.outcomes[at]!;
    const resetMs = results.resetAfterMs[at]!;
    const retryOrHandle = outcome === Outcome.allowed ? results.handles[at]! : results.retryAfterMs[at]! + 1;
    const firmMs = results.firmForMs[at]!;
    if (resetMs > MAX_WORD || retryOrHandle > MAX_WORD || firmMs > MAX_WORD) return false;
    heap.setWord(call, WORD_TAG, outcome | (results.shadows[at]! << 8));
    heap.setWord(call, WORD_REMAINING, results.remaining[at]!);
    heap.setWord(call, WORD_LIMIT, results.limits[at]!);
    heap.setWord(call, WORD_RESET, resetMs);
    heap.setWord(call, WORD_RETRY, retryOrHandle);
    heap.setWord(call, WORD_FIRM, firmMs);
    return true;
  }

  #begin(session: number, first: number): number {
    const heap = this.#heap;
    const run = this.#slab.take(CELL_CALLS + RUN_CALLS * CALL_CELLS);
    heap.setWord(run, 0, BlockKind.run);
    heap.setWord(run, WORD_SESSION, session);
    heap.setNumber(run, CELL_FIRST, first);
    heap.setWord(run, WORD_STORED, 0);
    heap.setWord(run, WORD_APART, 0);
    const last = heap.word(session, WORD_LAST_RUN);
    heap.setWord(run, WORD_BEFORE, last);
    heap.setWord(run, WORD_AFTER, 0);
    if (last === 0) heap.setWord(session, WORD_FIRST_RUN, run);
    else heap.setWord(last, WORD_AFTER, run);
    heap.setWord(session, WORD_LAST_RUN, run);
    this.#index.insert(this.#hash(session, first), run);
    this.#lastRun = run;
    return run;
  }

  /** Forgets the calls numbered above `from` up to `through`: by number if that is the shorter way, else by the list. */
  forget(session: number, from: number, through: number): void {
    const heap = this.#heap;
    if (through - from <= heap.word(session, WORD_RESULTS) * 2 + 16) {
      for (let first = from + 1 - placeOf(from + 1); first <= through; first += RUN_CALLS) {
        const run = this.#runOf(session, first);
        if (run !== 0) this.#forgetOf(session, run, first, through);
      }
      return;
    }
    for (let run = heap.word(session, WORD_FIRST_RUN); run !== 0; ) {
      const after = heap.word(run, WORD_AFTER);
      this.#forgetOf(session, run, heap.number(run, CELL_FIRST), through);
      run = after;
    }
  }

  /** Forgets those of a run that are numbered up to `through`. */
  #forgetOf(session: number, run: number, first: number, through: number): void {
    const heap = this.#heap;
    const stored = heap.word(run, WORD_STORED);
    const kept = through - first >= RUN_CALLS - 1 ? 0 : through < first ? stored : stored & (-2 << (through - first));
    if (kept === stored) return;
    const apart = heap.word(run, WORD_APART);
    let forgotten = 0;
    for (let place = 0; place < RUN_CALLS; place++) {
      const bit = 1 << place;
      if ((stored & ~kept & bit) === 0) continue;
      forgotten++;
      if ((apart & bit) === 0) continue;
      freeChain(heap, this.#slab, heap.word(callAt(run, place), WORD_CHAIN));
    }
    heap.setWord(session, WORD_RESULTS, heap.word(session, WORD_RESULTS) - forgotten);
    heap.setWord(run, WORD_STORED, kept);
    heap.setWord(run, WORD_APART, apart & kept);
    if (kept === 0) this.#end(session, run);
  }

  #end(session: number, run: number): void {
    const heap = this.#heap;
    const before = heap.word(run, WORD_BEFORE);
    const after = heap.word(run, WORD_AFTER);
    if (before === 0) heap.setWord(session, WORD_FIRST_RUN, after);
    else heap.setWord(before, WORD_AFTER, after);
    if (after === 0) heap.setWord(session, WORD_LAST_RUN, before);
    else heap.setWord(after, WORD_BEFORE, before);
    this.#index.remove(run);
    this.#slab.give(run);
    this.#lastSession = 0;
  }

  save(meta: MetaWriter): void {
    this.#index.save(meta);
    meta.number(this.#seed);
  }

  load(meta: MetaReader): void {
    this.#index.load(meta);
    this.#seed = meta.number();
    this.#lastSession = 0;
  }
}

/** Which of its run a number is. */
function placeOf(number: number): number {
  return number & (RUN_CALLS - 1);
}

function callAt(run: number, place: number): number {
  return run + CELL_CALLS + place * CALL_CELLS;
}
