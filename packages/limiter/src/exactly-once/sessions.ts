import { NONCE_BYTES } from "../entry/format.ts";
import { textOf } from "../entry/utf8.ts";
import { mixWords, sipHash } from "../hash/sip.ts";
import type { Bounds, SessionId } from "../limiter.ts";
import { BlockList } from "../memory/block-list.ts";
import { HashIndex, WORD_LINK } from "../memory/hash-index.ts";
import { Heap } from "../memory/heap.ts";
import type { MetaReader, MetaWriter } from "../memory/meta.ts";
import type { Slab } from "../memory/slab.ts";
import { BlockKind } from "./block-kinds.ts";
import { StoredCalls, WORD_FIRST_RUN, WORD_LAST_RUN, WORD_RESULTS } from "./stored-calls.ts";

const WORD_POSITION = 3;
const CELL_INDEX = 2;
const CELL_NONCE = 3;
const CELL_EXPIRY = 5;
const CELL_ACKED = 6;
const WORD_NAMESPACE_BYTES = 17;
const WORD_LIST = 18;
const CELL_HELLO = 10;
const WORD_CLOSED = 22;
const WORD_NONCE_BLOCK = 23;
/** The first of the holds that the session opened, and how many are open: theirs who keep the holds. */
export const WORD_FIRST_HOLD = 24;
export const WORD_HOLDS = 25;
const CELL_NAMESPACE = 13;

/** Of a nonce's block. */
const WORD_OWNER = 3;
const NONCE_CELLS = 2;

/** Expired sessions freed at most in one entry: each may hold many results. */
const SWEEP_SESSIONS = 4;

/** Who must know that a session has ended, before its block is freed. */
export interface SessionFollower {
  sessionEnded(session: number, stampUs: number): void;
}

/** A register operation, by offsets into its bytes. */
export interface Registration {
  readonly nonceStart: number;
  readonly helloStampUs: number;
  readonly namespaceStart: number;
  readonly namespaceLength: number;
}

/**
 * The sessions, by id and by nonce (SEMANTICS S). A session lives while the stamp is at most its expiry. What is closed,
 * or dead sooner than one TTL after its hello, stays behind as a tombstone until then, so that a late copy of its
 * register cannot create a second session (S4).
 */
export class Sessions {
  readonly calls: StoredCalls;
  readonly #heap: Heap;
  readonly #slab: Slab;
  readonly #byId: HashIndex;
  readonly #byNonce: HashIndex;
  /** In the order of last being heard of, which is the order of expiry. */
  readonly #live: BlockList;
  readonly #tombstones: BlockList;
  #seed = 0x1f83d9ab;
  /** Living sessions by namespace, which the live ones say as well; null: to be counted when somebody asks. */
  #counts: Map<string, number> | null = null;
  follower: SessionFollower | null = null;

  constructor(heap: Heap, slab: Slab) {
    this.#heap = heap;
    this.#slab = slab;
    this.calls = new StoredCalls(heap, slab);
    this.#byId = new HashIndex(heap);
    this.#byNonce = new HashIndex(heap);
    this.#live = new BlockList(heap, WORD_LIST);
    this.#tombstones = new BlockList(heap, WORD_LIST);
  }

  get count(): number {
    return this.#live.count;
  }

  /** Sessions of a namespace that have not ended: dead ones that no entry has swept yet are among them. */
  countOf(namespace: string): number {
    if (this.#counts === null) {
      this.#counts = new Map();
      for (let block = this.#live.first; block !== 0; block = this.#live.after(block)) this.#count(block, 1);
    }
    return this.#counts.get(namespace) ?? 0;
  }

  #count(block: number, change: number): void {
    if (this.#counts === null) return;
    const bytes = this.namespaceOf(block);
    const namespace = textOf(bytes, 0, bytes.length) ?? "";
    const count = (this.#counts.get(namespace) ?? 0) + change;
    if (count === 0) this.#counts.delete(namespace);
    else this.#counts.set(namespace, count);
  }

  /** The block of a living session whose nonce is the one at `nonceStart`, or 0. */
  find(index: number, position: number, bytes: Uint8Array, nonceStart: number, stampUs: number): number {
    const heap = this.#heap;
    let block = this.#byId.first(this.#hashOf(index, position));
    for (; block !== 0; block = heap.word(block, WORD_LINK)) {
      if (heap.number(block, CELL_INDEX) !== index || heap.word(block, WORD_POSITION) !== position) continue;
      const known =
        this.isAlive(block, stampUs) && heap.equalBytes(block, CELL_NONCE * 8, bytes, nonceStart, NONCE_BYTES);
      return known ? block : 0;
    }
    return 0;
  }

  /** Whether the session of a block lives at the stamp. */
  isAlive(block: number, stampUs: number): boolean {
    return this.#heap.word(block, WORD_CLOSED) === 0 && this.#heap.number(block, CELL_EXPIRY) >= stampUs;
  }

  #hashOf(index: number, position: number): number {
    return mixWords(this.#seed ^ position, index | 0, (index / 4294967296) | 0);
  }

  namespaceOf(block: number): Uint8Array {
    const start = (Heap.cellOf(block) + CELL_NAMESPACE) * 8;
    return this.#heap.u8[Heap.chunkOf(block)]!.subarray(start, start + this.#heap.word(block, WORD_NAMESPACE_BYTES));
  }

  /** Registers, or returns what the same nonce registered before. `seed` is used while there is no session. */
  register(
    bytes: Uint8Array,
    registration: Registration,
    index: number,
    position: number,
    stampUs: number,
    bounds: Bounds,
    seed: number,
  ): SessionId | "too-old" | "sessions-full" {
    const { nonceStart, helloStampUs, namespaceStart, namespaceLength } = registration;
    const ttlUs = bounds.sessionTtlUs;
    // A hello from the future would be good for longer than nonces are remembered.
    if (stampUs > helloStampUs + ttlUs || helloStampUs > stampUs + ttlUs) return "too-old";
    if (this.#byId.count === 0) {
      this.#seed = seed | 0;
      this.calls.reseed(seed ^ 0x5be0cd19);
    }
    const nonceHash = sipHash(this.#seed, 0x137e2179, bytes, nonceStart, NONCE_BYTES);
    const known = this.#findNonce(nonceHash, bytes, nonceStart, namespaceStart, namespaceLength);
    if (known !== 0) {
      if (!this.isAlive(known, stampUs)) return "too-old";
      return { index: this.#heap.number(known, CELL_INDEX), position: this.#heap.word(known, WORD_POSITION) };
    }
    if (this.#live.count >= bounds.maxSessions) this.sweep(stampUs, bounds);
    if (this.#live.count >= bounds.maxSessions) return "sessions-full";
    this.#create(bytes, registration, nonceHash, index, position, stampUs + ttlUs);
    return { index, position };
  }

  #findNonce(hash: number, bytes: Uint8Array, nonceStart: number, namespaceStart: number, length: number): number {
    const heap = this.#heap;
    for (let entry = this.#byNonce.first(hash); entry !== 0; entry = heap.word(entry, WORD_LINK)) {
      const block = heap.word(entry, WORD_OWNER);
      if (
        heap.equalBytes(block, CELL_NONCE * 8, bytes, nonceStart, NONCE_BYTES) &&
        heap.word(block, WORD_NAMESPACE_BYTES) === length &&
        heap.equalBytes(block, CELL_NAMESPACE * 8, bytes, namespaceStart, length)
      ) {
        return block;
      }
    }
    return 0;
  }

  #create(
    bytes: Uint8Array,
    registration: Registration,
    nonceHash: number,
    index: number,
    position: number,
    expiryUs: number,
  ): void {
    const heap = this.#heap;
    const { nonceStart, helloStampUs, namespaceStart, namespaceLength } = registration;
    const block = this.#slab.take(CELL_NAMESPACE + ((namespaceLength + 7) >> 3));
    const nonce = this.#slab.take(NONCE_CELLS);
    heap.setWord(block, 0, BlockKind.session);
    heap.setWord(block, WORD_POSITION, position);
    heap.setNumber(block, CELL_INDEX, index);
    heap.setBytes(block, CELL_NONCE, bytes, nonceStart, NONCE_BYTES);
    heap.setNumber(block, CELL_EXPIRY, expiryUs);
    heap.setNumber(block, CELL_ACKED, 0);
    heap.setWord(block, WORD_RESULTS, 0);
    heap.setWord(block, WORD_FIRST_RUN, 0);
    heap.setWord(block, WORD_LAST_RUN, 0);
    heap.setWord(block, WORD_NAMESPACE_BYTES, namespaceLength);
    heap.setNumber(block, CELL_HELLO, helloStampUs);
    heap.setWord(block, WORD_CLOSED, 0);
    heap.setWord(block, WORD_NONCE_BLOCK, nonce);
    heap.setWord(block, WORD_FIRST_HOLD, 0);
    heap.setWord(block, WORD_HOLDS, 0);
    heap.setBytes(block, CELL_NAMESPACE, bytes, namespaceStart, namespaceLength);
    this.#byId.insert(this.#hashOf(index, position), block);
    this.#live.append(block);
    this.#count(block, 1);
    heap.setWord(nonce, 0, BlockKind.nonce);
    heap.setWord(nonce, WORD_OWNER, block);
    this.#byNonce.insert(nonceHash, nonce);
  }

  /** The last stamp at which the session lives, unless it is heard of meanwhile. */
  expiryUs(block: number): number {
    return this.#heap.number(block, CELL_EXPIRY);
  }

  ackedThrough(block: number): number {
    return this.#heap.number(block, CELL_ACKED);
  }

  results(block: number): number {
    return this.#heap.word(block, WORD_RESULTS);
  }

  /** The session was heard of: it lives for another TTL, and forgets what was acknowledged. */
  heardOf(block: number, ackedThrough: number, stampUs: number, ttlUs: number): void {
    const heap = this.#heap;
    heap.setNumber(block, CELL_EXPIRY, Math.max(heap.number(block, CELL_EXPIRY), stampUs + ttlUs));
    this.#live.moveToEnd(block);
    const acked = heap.number(block, CELL_ACKED);
    if (ackedThrough <= acked) return;
    this.calls.forget(block, acked, ackedThrough);
    heap.setNumber(block, CELL_ACKED, ackedThrough);
  }

  /** A new leader: who was alive at the preceding stamp lives for another TTL; who was dead stays dead (S5). */
  takeover(precedingStampUs: number, stampUs: number, ttlUs: number): void {
    const heap = this.#heap;
    for (let block = this.#live.first; block !== 0; block = this.#live.after(block)) {
      const expiryUs = heap.number(block, CELL_EXPIRY);
      if (expiryUs >= precedingStampUs) heap.setNumber(block, CELL_EXPIRY, Math.max(expiryUs, stampUs + ttlUs));
    }
  }

  /** Frees a living session; its nonce is remembered until no copy of its register can be accepted. */
  close(block: number, stampUs: number, bounds: Bounds): void {
    const heap = this.#heap;
    this.follower?.sessionEnded(block, stampUs);
    this.calls.forget(block, heap.number(block, CELL_ACKED), Number.MAX_SAFE_INTEGER);
    this.#live.remove(block);
    this.#count(block, -1);
    if (stampUs > heap.number(block, CELL_HELLO) + bounds.sessionTtlUs) {
      this.#free(block);
      return;
    }
    // Tombstones have their own bound; the oldest goes first, and can then at worst leave an idle session behind.
    if (this.#tombstones.count >= bounds.maxSessions) this.#freeTombstone(this.#tombstones.first);
    heap.setWord(block, WORD_CLOSED, 1);
    this.#tombstones.append(block);
  }

  #freeTombstone(block: number): void {
    this.#tombstones.remove(block);
    this.#free(block);
  }

  #free(block: number): void {
    const nonce = this.#heap.word(block, WORD_NONCE_BLOCK);
    this.#byNonce.remove(nonce);
    this.#slab.give(nonce);
    this.#byId.remove(block);
    this.#slab.give(block);
  }

  /** Frees a few dead sessions and tombstones that have served. */
  sweep(stampUs: number, bounds: Bounds): void {
    const heap = this.#heap;
    for (let i = 0; i < SWEEP_SESSIONS; i++) {
      const dead = this.#live.first;
      if (dead === 0 || heap.number(dead, CELL_EXPIRY) >= stampUs) break;
      this.close(dead, stampUs, bounds);
    }
    for (let i = 0; i < SWEEP_SESSIONS; i++) {
      const old = this.#tombstones.first;
      if (old === 0 || stampUs <= heap.number(old, CELL_HELLO) + bounds.sessionTtlUs) break;
      this.#freeTombstone(old);
    }
  }

  /** The stamp at which a session is to be forgotten, or null. */
  nextDueUs(ttlUs: number): number | null {
    const first = this.#live.first;
    const tombstone = this.#tombstones.first;
    const liveDueUs = first === 0 ? Number.POSITIVE_INFINITY : this.#heap.number(first, CELL_EXPIRY) + 1;
    const tombstoneDueUs =
      tombstone === 0 ? Number.POSITIVE_INFINITY : this.#heap.number(tombstone, CELL_HELLO) + ttlUs + 1;
    const dueUs = Math.min(liveDueUs, tombstoneDueUs);
    return dueUs === Number.POSITIVE_INFINITY ? null : dueUs;
  }

  save(meta: MetaWriter): void {
    this.calls.save(meta);
    this.#byId.save(meta);
    this.#byNonce.save(meta);
    this.#live.save(meta);
    this.#tombstones.save(meta);
    meta.number(this.#seed);
  }

  load(meta: MetaReader): void {
    this.#counts = null;
    this.calls.load(meta);
    this.#byId.load(meta);
    this.#byNonce.load(meta);
    this.#live.load(meta);
    this.#tombstones.load(meta);
    this.#seed = meta.number();
  }
}
