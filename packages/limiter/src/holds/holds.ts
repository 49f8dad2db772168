import type { Quota } from "../algorithms/algorithm.ts";
import { BlockKind } from "../exactly-once/block-kinds.ts";
import { type SessionFollower, type Sessions, WORD_FIRST_HOLD, WORD_HOLDS } from "../exactly-once/sessions.ts";
import type { RollingHash } from "../hash/rolling-hash.ts";
import type { KeyTable } from "../keys/key-table.ts";
import type { Bounds } from "../limiter.ts";
import { HashIndex, WORD_LINK } from "../memory/hash-index.ts";
import type { Heap } from "../memory/heap.ts";
import type { MetaReader, MetaWriter } from "../memory/meta.ts";
import type { Slab } from "../memory/slab.ts";
import { DueTree } from "./due-tree.ts";
import { HeldKeys } from "./held-keys.ts";
import {
  CARRIED,
  CELL_DATED,
  CELL_DUE,
  CELL_EXPIRES,
  CELL_FROM,
  CELL_NUMBER,
  CELL_TTL,
  CELL_WINDOW,
  HOLD_CELLS,
  HoldKind,
  ORPHAN,
  OVER,
  WORD_BURST,
  WORD_COST,
  WORD_KEY_RECORD,
  WORD_LEFT,
  WORD_LIMIT,
  WORD_RIGHT,
  WORD_SESSION,
  WORD_SESSION_AFTER,
} from "./hold-block.ts";
import { HoldsAhead, hashOfNumber } from "./holds-ahead.ts";
import { KeyHolds } from "./key-holds.ts";
import { type DuePlace, HoldFields } from "./open-holds.ts";
import { SessionHolds } from "./session-holds.ts";

/** Holds looked at before an entry's operations. Of more that are due, those of the keys that it touches follow. */
const SWEEP_HOLDS = 1_024;

/**
 * What is withheld and not settled yet: reservations, slots and leases, each with a number (SEMANTICS L, R).
 *
 * How much of a key is held, and until when, its algorithm counts by comparison: what is over by its own time needs no
 * call, and this table only forgets it. A slot that is held by a session also ends with the session. Sessions live on
 * whenever they are heard of, so such a slot is *due* for a look at the stamp after its session's last known one, and
 * then either ends or becomes due later. All that is due is looked at before an entry's operations are executed.
 */
export class Holds implements SessionFollower {
  readonly #heap: Heap;
  readonly #slab: Slab;
  readonly #keys: KeyTable;
  readonly #hash: RollingHash;
  readonly #byNumber: HashIndex;
  readonly #heldKeys: HeldKeys;
  readonly #ofSessions: SessionHolds;
  readonly #due: DueTree;
  readonly #ahead: HoldsAhead;
  #lastNumber = 0;
  /** Open, and ended by time or with their session, by kind. */
  readonly #open = new Float64Array(4);
  readonly #ended = new Float64Array(4);
  #refused = 0;
  #lagging = false;
  /** The keys that this entry has looked through, by their records. */
  readonly #lookedThrough = new Set<number>();
  readonly #fields: HoldFields;
  /** What is asked of the holds of one key. */
  readonly ofKey: KeyHolds;
  /**
   * Since when a key's counter stands still, another rule having taken over from its own; infinity: it counts. What ends
   * or moves on it does so as of then: whoever carries it over must find the rest as it was.
   */
  stillSinceUs: (key: number) => number = () => Number.POSITIVE_INFINITY;
  /** Until when what counted on a key's counter that stands still, at the stamp since when it does, may be asked for. */
  stillKeptUntilUs: (key: number) => number = () => 0;
  /** Grows when {@link forgetOver} changed the order in which holds are due; not part of the state. */
  forgotten = 0;

  constructor(heap: Heap, slab: Slab, keys: KeyTable, sessions: Sessions, hash: RollingHash) {
    this.#heap = heap;
    this.#slab = slab;
    this.#keys = keys;
    this.#hash = hash;
    this.#fields = new HoldFields(heap);
    this.#byNumber = new HashIndex(heap);
    this.#heldKeys = new HeldKeys(heap, slab, keys);
    this.#ahead = new HoldsAhead(heap, this.#byNumber, this.#heldKeys);
    this.ofKey = new KeyHolds(heap, keys, this.#heldKeys, this.#fields);
    this.#ofSessions = new SessionHolds(heap, sessions, this.#fields);
    this.#due = new DueTree(heap, {
      wordLeft: WORD_LEFT,
      wordRight: WORD_RIGHT,
      cellDue: CELL_DUE,
      cellNumber: CELL_NUMBER,
    });
    sessions.follower = this;
  }

  /** Open holds; for a moment, some whose time is over among them. */
  get count(): number {
    return this.#byNumber.count;
  }

  /** Open holds of a kind. */
  openOf(kind: HoldKind): number {
    return this.#open[kind]!;
  }

  /** Holds of a kind that ended by time or with their session, since the first entry of the log. */
  endedOf(kind: HoldKind): number {
    return this.#ended[kind]!;
  }

  /** Holds that were refused because too many were open, since the first entry of the log. */
  get refused(): number {
    return this.#refused;
  }

  /** Brings close what calls that end these holds, or open one where the number is 0, are going to read. */
  prefetch(items: number, numberOf: (item: number) => number): void {
    this.#ahead.prefetch(items, numberOf, this.#lastNumber + 1);
  }

  /** Whether one more may be opened, by this session among others. */
  hasRoom(session: number, stampUs: number, bounds: Bounds): boolean {
    if (this.count >= bounds.maxHolds) this.#sweepSome(stampUs);
    const ofSession = session === 0 ? 0 : this.#heap.word(session, WORD_HOLDS);
    if (this.count < bounds.maxHolds && ofSession < bounds.maxHoldsPerSession) return true;
    this.#refused++;
    return false;
  }

  /** Opens a hold of what was judged allowed, on a key that has a block, until `expiryUs`; returns its number. */
  open(
    kind: HoldKind,
    quota: Quota,
    key: number,
    cost: number,
    session: number,
    stampUs: number,
    expiryUs: number,
  ): number {
    const heap = this.#heap;
    if (this.count === 0 && this.#due.first() === 0) this.#due.reseed(this.#hash.low);
    const hold = this.#slab.take(HOLD_CELLS);
    const number = ++this.#lastNumber;
    heap.setWord(hold, 0, BlockKind.hold | (kind << 8));
    heap.setNumber(hold, CELL_NUMBER, number);
    heap.setNumber(hold, CELL_EXPIRES, expiryUs);
    heap.setNumber(hold, CELL_FROM, stampUs);
    heap.setNumber(hold, CELL_DATED, stampUs);
    heap.setNumber(hold, CELL_TTL, expiryUs - stampUs);
    heap.setNumber(hold, CELL_WINDOW, quota.windowUs);
    heap.setWord(hold, WORD_COST, cost);
    heap.setWord(hold, WORD_LIMIT, quota.limit);
    heap.setWord(hold, WORD_BURST, quota.burst);
    this.#ofSessions.add(session, hold);
    heap.setNumber(hold, CELL_DUE, this.#ofSessions.dueUs(hold));
    this.#byNumber.insert(hashOfNumber(number), hold);
    this.#due.insert(hold);
    this.#heldKeys.add(this.#keys.hold(quota, key, this.#fields.read(hold), stampUs), hold);
    this.#open[kind]!++;
    return number;
  }

  /** The open hold of this number on this key that the caller may settle, or 0. */
  find(number: number, key: number, session: number, stampUs: number): number {
    const heap = this.#heap;
    for (let hold = this.#byNumber.first(hashOfNumber(number)); hold !== 0; hold = heap.word(hold, WORD_LINK)) {
      if (heap.number(hold, CELL_NUMBER) !== number) continue;
      const owner = heap.word(hold, WORD_SESSION);
      const open = heap.number(hold, CELL_EXPIRES) > stampUs;
      return open && (owner === 0 || owner === session) && this.#heldKeys.keyOf(hold) === key ? hold : 0;
    }
    return 0;
  }

  /** The key that the open hold of this number is on, whoever may settle it; 0: there is none. */
  keyOf(number: number): number {
    let hold = this.#byNumber.first(hashOfNumber(number));
    while (hold !== 0 && this.#heap.number(hold, CELL_NUMBER) !== number) hold = this.#byNumber.next(hold);
    return hold === 0 ? 0 : this.#heldKeys.keyOf(hold);
  }

  kindOf(hold: number): HoldKind {
    return this.#fields.kindOf(hold);
  }

  costOf(hold: number): number {
    return this.#heap.word(hold, WORD_COST);
  }

  /** Ends an open hold, which came to `actual`; returns its key's block, which may have moved. */
  settle(hold: number, quota: Quota, actual: number, stampUs: number): number {
    const home = this.#keys.settle(quota, this.#heldKeys.keyOf(hold), this.#fields.read(hold), actual, stampUs);
    this.#free(hold);
    return home;
  }

  /**
   * Empties a held key but for what its open holds keep (SEMANTICS L3); returns its block, which may have moved. There is
   * nothing to do when it was reset in this entry already: its holds are the same, and no more is used.
   */
  reset(key: number, quota: Quota, stampUs: number): number {
    const markOf = (block: number) => ({
      used: this.#keys.usedAt(quota, block, stampUs),
      word: this.#keys.fingerprint(block),
    });
    if (this.#heldKeys.isReset(key, markOf(key))) return key;
    this.#keys.clear(key);
    const home = this.lay(key, null, stampUs);
    this.#heldKeys.noteReset(home, markOf(home));
    return home;
  }

  /**
   * Lays the open holds of a key on its counter, where none of them is. Under `quota` from now on, unless it is null: then
   * another rule took over at the stamp, and they count as of then, like all that is carried over (SEMANTICS K1).
   */
  lay(key: number, quota: Quota | null, stampUs: number): number {
    let home = key;
    for (let hold = this.#heldKeys.first(key); hold !== 0; hold = this.#heldKeys.after(hold)) {
      if (quota !== null) {
        this.#fields.layUnder(hold, quota, stampUs);
        this.#heap.setWord(hold, 0, this.#heap.word(hold, 0) | CARRIED);
      }
      if (this.#heap.number(hold, CELL_EXPIRES) <= stampUs) continue;
      const under = quota === null ? this.#movingQuotaOf(hold) : this.#fields.quotaOf(hold);
      home = this.#keys.hold(under, home, this.#fields.read(hold), stampUs);
    }
    return home;
  }

  /** Keys of the holds behind a place in the order in which these are due, while `visit` returns true; whether to the end. */
  forEachBehind({ dueUs, number }: DuePlace, visit: (block: number, place: DuePlace) => boolean): boolean {
    return this.#due.forEachBehind(dueUs, number, (hold) => {
      const place = { dueUs: this.#heap.number(hold, CELL_DUE), number: this.#heap.number(hold, CELL_NUMBER) };
      return visit(this.#heldKeys.keyOf(hold), place);
    });
  }

  /** Gives the holds of a key, which {@link KeyHolds.lift} took off its counter, to another one; {@link lay} puts them on. */
  rehome(from: number, to: number): void {
    for (let hold = this.#heldKeys.first(from); hold !== 0; ) {
      const after = this.#heldKeys.after(hold);
      this.#heldKeys.remove(hold);
      this.#heldKeys.add(to, hold);
      // Its record may be where that of a key was which has none any more.
      this.#lookedThrough.delete(this.#heap.word(hold, WORD_KEY_RECORD));
      hold = after;
    }
  }

  /**
   * Gives the open holds of a key to another one, whose counter they are on from now on. Unlike those that a rule took over
   * with their key, they are left on none of its older counters, and what was is not told: there, they count besides.
   */
  moveTo(from: number, to: number, quota: Quota, stampUs: number): number {
    const heap = this.#heap;
    let home = to;
    for (let hold = this.#heldKeys.first(this.ofKey.lift(from, stampUs)); hold !== 0; ) {
      const after = this.#heldKeys.after(hold);
      this.#heldKeys.remove(hold);
      this.#heldKeys.add(home, hold);
      const isOver = this.#fields.isOver(hold);
      const { cost } = this.#fields.read(hold);
      this.#fields.layUnder(hold, quota, stampUs);
      heap.setWord(hold, 0, heap.word(hold, 0) & ~CARRIED);
      // What is over was spent by now, at the latest.
      if (isOver)
        home = this.#keys.hold(
          quota,
          home,
          { cost, fromUs: stampUs, datedUs: stampUs, expiryUs: stampUs + 1 },
          stampUs,
        );
      else if (heap.number(hold, CELL_EXPIRES) > stampUs)
        home = this.#keys.hold(quota, home, this.#fields.read(hold), stampUs);
      hold = after;
    }
    return home;
  }

  /**
   * A new leader. What was over at the preceding stamp stays over (SEMANTICS S5). A reservation or slot that was open
   * then stays open for its whole time to live, since nobody could settle it meanwhile. A lease is spent without asking,
   * by clocks that know nothing of a jump: its end moves with the jump, and its charge with its end (L2).
   *
   * Nothing ends earlier than before, so when each is to be looked at stays as it is: the look finds it open, and puts it
   * where it belongs. All at once, that would be most of the work of this entry.
   */
  takeover(precedingStampUs: number, stampUs: number): void {
    while (this.#isFirstDue(precedingStampUs)) this.#look(this.#due.first(), precedingStampUs);
    this.#due.forEach((hold) => {
      if (!this.#heldKeys.isFirst(hold)) return;
      this.ofKey.takeOver(hold, precedingStampUs, stampUs, this.stillSinceUs(this.#heldKeys.keyOf(hold)));
    });
  }

  /** A session ends: its slots are free (SEMANTICS R2); what else it holds stays until its own time, and is nobody's. */
  sessionEnded(session: number, stampUs: number): void {
    const heap = this.#heap;
    for (let hold = heap.word(session, WORD_FIRST_HOLD); hold !== 0; ) {
      const after = heap.word(hold, WORD_SESSION_AFTER);
      if (this.kindOf(hold) === HoldKind.slot) this.#end(hold, stampUs);
      else heap.setWord(hold, WORD_SESSION, ORPHAN);
      hold = after;
    }
    heap.setWord(session, WORD_FIRST_HOLD, 0);
    heap.setWord(session, WORD_HOLDS, 0);
  }

  /** Must precede the operations of an entry: looks at what is due, in bounded work. */
  sweep(stampUs: number): void {
    this.#lookedThrough.clear();
    this.#heldKeys.beginEntry();
    this.#sweepSome(stampUs);
  }

  #sweepSome(stampUs: number): void {
    for (let i = 0; i < SWEEP_HOLDS && this.#isFirstDue(stampUs); i++) this.#look(this.#due.first(), stampUs);
    this.#lagging = this.#isFirstDue(stampUs);
  }

  /** Whether the last sweep left something for later: then {@link sweepKey} must precede what a key is asked for. */
  get lagging(): boolean {
    return this.#lagging;
  }

  /** Whether there may be something for {@link sweepKey} to do: once for each entry, since nothing becomes due within one. */
  isToSweep(key: number): boolean {
    const first = this.#lagging ? this.#heldKeys.first(key) : 0;
    return first !== 0 && !this.#lookedThrough.has(this.#heap.word(first, WORD_KEY_RECORD));
  }

  /** Looks at whatever is due on one key. Returns how many holds it went through. */
  sweepKey(key: number, stampUs: number): number {
    if (!this.isToSweep(key)) return 0;
    const first = this.#heldKeys.first(key);
    this.#lookedThrough.add(this.#heap.word(first, WORD_KEY_RECORD));
    let looked = 0;
    for (let hold = first; hold !== 0; looked++) {
      const after = this.#heldKeys.after(hold);
      if (this.#heap.number(hold, CELL_DUE) <= stampUs) this.#look(hold, stampUs);
      hold = after;
    }
    return looked;
  }

  /** The stamp at which one is to be looked at, or null. */
  nextDueUs(): number | null {
    const first = this.#due.first();
    return first === 0 ? null : this.#heap.number(first, CELL_DUE);
  }

  #isFirstDue(stampUs: number): boolean {
    const first = this.#due.first();
    return first !== 0 && this.#heap.number(first, CELL_DUE) <= stampUs;
  }

  #look(hold: number, stampUs: number): void {
    const heap = this.#heap;
    if (this.#fields.isOver(hold)) {
      this.#linger(hold, stampUs);
      return;
    }
    if (heap.number(hold, CELL_EXPIRES) <= stampUs || !this.#ofSessions.holdsOn(hold, stampUs)) {
      this.#end(hold, stampUs);
      return;
    }
    this.#due.remove(hold);
    heap.setNumber(hold, CELL_DUE, this.#ofSessions.dueUs(hold));
    this.#due.insert(hold);
  }

  /** Whether a slot of the key may be freed by other entries than those that touch it: its session ends, or is dead by then. */
  endsWithSession(key: number): boolean {
    return this.#heldKeys.endsWithSession(key);
  }

  /** Ends a hold by its own time, which its counter knows, or before it, which it does not. */
  #end(hold: number, stampUs: number): void {
    this.#hash.number(this.#heap.number(hold, CELL_NUMBER));
    this.#ended[this.kindOf(hold)]!++;
    if (this.#heap.number(hold, CELL_EXPIRES) <= stampUs) this.#linger(hold, stampUs);
    else
      this.settle(hold, this.#movingQuotaOf(hold), 0, Math.min(stampUs, this.stillSinceUs(this.#heldKeys.keyOf(hold))));
  }

  /**
   * Forgets a hold whose time is over, unless its counter stands still, and it was to be spent until after that: whoever
   * carries the key over finds it as if it were open, and charges it as of its end. Nobody else knows of it.
   */
  #linger(hold: number, stampUs: number): void {
    const heap = this.#heap;
    const untilUs = this.#lingersUntilUs(hold);
    if (untilUs <= stampUs) {
      this.#free(hold);
      return;
    }
    if (!this.#fields.isOver(hold)) {
      this.#close(hold);
      heap.setWord(hold, WORD_SESSION, 0);
      heap.setWord(hold, 0, heap.word(hold, 0) | OVER);
    }
    this.#due.remove(hold);
    heap.setNumber(hold, CELL_DUE, untilUs);
    this.#due.insert(hold);
  }

  /** Until when a hold whose time is over is to be known of; 0: not at all. */
  #lingersUntilUs(hold: number): number {
    const key = this.#heldKeys.keyOf(hold);
    const expiresUs = this.#heap.number(hold, CELL_EXPIRES);
    const lateUs = this.kindOf(hold) === HoldKind.slot ? 0 : expiresUs - this.stillSinceUs(key);
    return lateUs > 0 ? this.stillKeptUntilUs(key) + lateUs : 0;
  }

  /**
   * Copies what is held on a key to other tables, for questions, as an entry of the stamp finds it when it decides: what
   * has ended by then is ended on the copy.
   */
  copyTo(other: Holds, key: number, copy: number, stampUs: number): void {
    for (let hold = this.#heldKeys.first(key); hold !== 0; hold = this.#heldKeys.after(hold)) {
      const isOver = this.#heap.number(hold, CELL_EXPIRES) <= stampUs;
      if (!isOver && !this.#ofSessions.holdsOn(hold, stampUs)) {
        const untilUs = Math.min(stampUs, this.stillSinceUs(key));
        other.#keys.settle(this.#movingQuotaOf(hold), copy, this.#fields.read(hold), 0, untilUs);
      } else if (!isOver || this.#lingersUntilUs(hold) > stampUs) other.#adopt(this.#heap, hold, copy, isOver);
    }
  }

  #adopt(from: Heap, original: number, key: number, isOver: boolean): void {
    const heap = this.#heap;
    const hold = this.#slab.take(HOLD_CELLS);
    for (let word = 0; word < HOLD_CELLS * 2; word++) heap.setWord(hold, word, from.word(original, word));
    this.#ofSessions.add(0, hold);
    if (isOver) heap.setWord(hold, 0, heap.word(hold, 0) | OVER);
    else this.#byNumber.insert(hashOfNumber(heap.number(hold, CELL_NUMBER)), hold);
    this.#due.insert(hold);
    this.#heldKeys.add(key, hold);
  }

  /** Forgets what is over of a key by a stamp: it was carried over, or was no more when the last rule took over. */
  forgetOver(key: number, stampUs: number): void {
    for (let hold = this.#heldKeys.first(key); hold !== 0; ) {
      const after = this.#heldKeys.after(hold);
      if (this.#fields.isOver(hold) && this.#heap.number(hold, CELL_EXPIRES) <= stampUs) {
        this.#free(hold);
        this.forgotten++;
      }
      hold = after;
    }
  }

  #movingQuotaOf(hold: number): Quota {
    return this.#fields.movingQuotaOf(hold, this.#heldKeys.keyOf(hold));
  }

  #free(hold: number): void {
    if (!this.#fields.isOver(hold)) this.#close(hold);
    this.#heldKeys.remove(hold);
    this.#due.remove(hold);
    this.#slab.give(hold);
  }

  /** It is open no more: nobody can name it, and it takes nobody's room. */
  #close(hold: number): void {
    this.#open[this.kindOf(hold)]!--;
    this.#ofSessions.remove(hold);
    this.#byNumber.remove(hold);
  }

  save(meta: MetaWriter): void {
    this.#byNumber.save(meta);
    this.#heldKeys.save(meta);
    this.#due.save(meta);
    meta.number(this.#lastNumber);
    meta.number(this.#refused);
    for (const kind of [1, 2, 3]) meta.number(this.#open[kind]!);
    for (const kind of [1, 2, 3]) meta.number(this.#ended[kind]!);
  }

  load(meta: MetaReader): void {
    this.#byNumber.load(meta);
    this.#heldKeys.load(meta);
    this.#due.load(meta);
    this.#lastNumber = meta.number();
    this.#refused = meta.number();
    for (const kind of [1, 2, 3]) this.#open[kind] = meta.number();
    for (const kind of [1, 2, 3]) this.#ended[kind] = meta.number();
  }
}
