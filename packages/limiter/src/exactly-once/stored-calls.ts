import type { ResultColumns } from "../call-batch.ts";
import { mixWords } from "../hash/sip.ts";
import { HashIndex, WORD_LINK } from "../memory/hash-index.ts";
import type { Heap } from "../memory/heap.ts";
import type { MetaReader, MetaWriter } from "../memory/meta.ts";
import type { Slab } from "../memory/slab.ts";
import type { GrowingResultColumns } from "../result-columns.ts";
import { BlockKind } from "./block-kinds.ts";
import { freePayload, PAYLOAD_CELLS, readPayload, WORD_OWN, writePayload } from "./payload.ts";

/** Numbers that share a block: from a multiple of it on. A power of two, at most 32. */
const RUN_CALLS = 8;
const WORD_SESSION = 3;
/** The first number of the run, whether it is stored or not. */
const CELL_FIRST = 2;
const WORD_BEFORE = 6;
const WORD_AFTER = 7;
/** A bit for each number of the run: what is stored, and what of it is a group. */
const WORD_STORED = 8;
const WORD_GROUPS = 9;
const CELL_CALLS = 5;

/** Of each call: its payload, whose own word says how many items it has, the stamp and the index of its entry. */
const WORD_ITEMS = WORD_OWN;
const CELL_STAMP = PAYLOAD_CELLS;
const CELL_INDEX = PAYLOAD_CELLS + 1;
const CALL_CELLS = PAYLOAD_CELLS + 2;

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
    return this.#heap.word(call, WORD_ITEMS);
  }

  stampUs(call: number): number {
    return this.#heap.number(call, CELL_STAMP);
  }

  entryIndex(call: number): number {
    return this.#heap.number(call, CELL_INDEX);
  }

  read(call: number, into: GrowingResultColumns, at: number): void {
    readPayload(this.#heap, call, 0, this.items(call), into, at);
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
    if (items > 1) heap.setWord(run, WORD_GROUPS, heap.word(run, WORD_GROUPS) | (1 << place));
    const call = callAt(run, place);
    heap.setWord(call, WORD_ITEMS, items);
    heap.setNumber(call, CELL_STAMP, stampUs);
    heap.setNumber(call, CELL_INDEX, entryIndex);
    writePayload(heap, this.#slab, call, 0, results, from, items);
    heap.setWord(session, WORD_RESULTS, heap.word(session, WORD_RESULTS) + 1);
  }

  #begin(session: number, first: number): number {
    const heap = this.#heap;
    const run = this.#slab.take(CELL_CALLS + RUN_CALLS * CALL_CELLS);
    heap.setWord(run, 0, BlockKind.run);
    heap.setWord(run, WORD_SESSION, session);
    heap.setNumber(run, CELL_FIRST, first);
    heap.setWord(run, WORD_STORED, 0);
    heap.setWord(run, WORD_GROUPS, 0);
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
    const groups = heap.word(run, WORD_GROUPS);
    let forgotten = 0;
    for (let place = 0; place < RUN_CALLS; place++) {
      const bit = 1 << place;
      if ((stored & ~kept & bit) === 0) continue;
      forgotten++;
      if ((groups & bit) === 0) continue;
      const call = callAt(run, place);
      freePayload(heap, this.#slab, call, 0, this.items(call));
    }
    heap.setWord(session, WORD_RESULTS, heap.word(session, WORD_RESULTS) - forgotten);
    heap.setWord(run, WORD_STORED, kept);
    heap.setWord(run, WORD_GROUPS, groups & kept);
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
