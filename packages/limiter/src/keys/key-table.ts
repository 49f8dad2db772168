import {
  type BlockMover,
  CELL_EXPIRY,
  COMMON_CELLS,
  type CountingAlgorithm,
  type Hold,
  postponeExpiry,
  type Quota,
  type Verdict,
  WORD_LENGTHS,
} from "../algorithms/algorithm.ts";
import { algorithmOf, countsByWindow } from "../algorithms/registry.ts";
import { sipHash } from "../hash/sip.ts";
import { HashIndex, WORD_HASH, WORD_LINK } from "../memory/hash-index.ts";
import { type Heap, PageKind } from "../memory/heap.ts";
import type { MetaReader, MetaWriter } from "../memory/meta.ts";
import { Slab } from "../memory/slab.ts";
import { Census } from "../policies/census.ts";
import { MAX_PREFIX_BYTES, type QuotaRule } from "./quota-rule.ts";
import { Sweep } from "./sweep.ts";

/** Bit of {@link WORD_LENGTHS}, above the lengths: holds are open on the key. */
const HELD = 0x80000000;
/** Another one: the sweep leaves the block alone until its expiry, which no change may bring nearer before. */
const KEPT = 0x40000000;
const LENGTHS = 0x3fffffff;
/** Word 0 of a block: its algorithm, twelve bits that are the algorithm's own, and what {@link KeyTable.setHandedOn} was told. */
const HANDED_ON_SHIFT = 20;
const HANDED_ON_EPOCHS = 4_095;

/** Who must know when the block of a held key moves. */
export interface BlockFollower {
  moved(from: number, to: number): void;
}

/** Who knows of single keys that their counts may be asked for after the time for which others of their shape are kept. */
export interface BlockKeeper {
  /** The stamp until which the block must be kept, or one that is past. */
  keptUntilUs(block: number): number;
  /** The same for one that no rule took over from, and that forgets at once what is given back. */
  heirKeptUntilUs(block: number, stampUs: number): number;
}

/**
 * The counters: one block per key, found by the bytes of its identity.
 *
 * Whether a key has expired is decided by comparison when it is read (SEMANTICS K2). The sweep only frees.
 */
export class KeyTable implements BlockMover {
  /** How many keys there are of each namespace and shape. */
  readonly census: Census;
  /** Frees those that have expired. */
  readonly sweep: Sweep;
  readonly #heap: Heap;
  readonly #slab: Slab;
  readonly #index: HashIndex;
  #seeds = 0;
  #seed0 = 0x51ed270b;
  #seed1 = 0x2f3c6a95;
  #heads = new Uint32Array(64);
  /** The identity of a block that goes, up to its key. */
  readonly #prefix = new Uint8Array(MAX_PREFIX_BYTES);
  #prefetched = 0;
  /** Of the blocks that are held. */
  follower: BlockFollower | null = null;
  /** Of counters that another rule took over. */
  keeper: BlockKeeper | null = null;

  constructor(heap: Heap) {
    this.#heap = heap;
    this.census = new Census(heap);
    this.#slab = new Slab(heap, PageKind.keys);
    this.#index = new HashIndex(heap);
    this.sweep = new Sweep(heap, this.#slab, this.#index, this);
  }

  get count(): number {
    return this.#index.count;
  }

  /** How often the seed changed here: a rule prepared before is stale when it has grown. */
  get seeds(): number {
    return this.#seeds;
  }

  /** Prepares a rule for {@link find}. Must be called again after {@link reseed}. */
  prepare(rule: QuotaRule): void {
    rule.seed(this.#seed0, this.#seed1);
  }

  /** While no key is held, the seed may follow what no outsider knows; so nobody can choose keys that collide. */
  reseed(seed0: number, seed1: number): void {
    this.#seeds++;
    this.#seed0 = seed0 | 0;
    this.#seed1 = seed1 | 0;
    this.census.reseed(seed0, seed1);
  }

  /** Takes the seeds of another table, so that rules are ready for both. */
  seedLike(other: KeyTable): void {
    this.#seed0 = other.#seed0;
    this.#seed1 = other.#seed1;
  }

  hashOf(rule: QuotaRule, bytes: Uint8Array, start: number, length: number): number {
    return sipHash(rule.hash0, rule.hash1, bytes, start, length);
  }

  /**
   * Reads what `items` hashes lead to, up to the end of most keys' blocks, in loops so short that the processor waits for
   * many at once. Changes nothing; without it, a frame over cold keys takes half as long again.
   */
  prefetch(hashes: Uint32Array, items: number): void {
    const heap = this.#heap;
    if (this.#heads.length < items) this.#heads = new Uint32Array(items * 2);
    const heads = this.#heads;
    this.#index.firsts(hashes, items, heads);
    let read = 0;
    for (let i = 0; i < items; i++) {
      const head = heads[i]!;
      if (head !== 0) read ^= heap.readAhead(head);
    }
    let strangers = 0;
    for (let i = 0; i < items; i++) {
      const head = heads[i]!;
      if (head !== 0 && heap.word(head, WORD_HASH) === hashes[i]) continue;
      const second = head === 0 ? 0 : heap.word(head, WORD_LINK);
      if (second === 0) strangers++;
      else read ^= heap.readAhead(second);
    }
    if (strangers > 0) read ^= this.#index.prefetchSplits(strangers);
    this.#prefetched = read;
  }

  /** What {@link prefetch} read last: kept, so that the reads are not optimized away. Of no meaning. */
  get prefetched(): number {
    return this.#prefetched;
  }

  /** The key's block, expired or not, or 0. */
  find(rule: QuotaRule, hash: number, bytes: Uint8Array, start: number, length: number): number {
    const heap = this.#heap;
    const lengths = rule.prefixLength | (length << 16);
    const identity = identityByte(rule.algorithm);
    for (let block = this.#index.first(hash); block !== 0; block = heap.word(block, WORD_LINK)) {
      if (
        heap.word(block, WORD_HASH) === hash &&
        ((heap.word(block, WORD_LENGTHS) ^ lengths) & LENGTHS) === 0 &&
        (heap.word(block, 0) & 0xff) === rule.algorithm &&
        heap.equalBytes(block, identity + rule.prefixLength, bytes, start, length) &&
        heap.equalWords(block, identity >> 3, rule.prefixWords, rule.prefix, rule.prefixLength)
      ) {
        return block;
      }
    }
    return 0;
  }

  judge(rule: QuotaRule, block: number, cost: number, ahead: number, stampUs: number, verdict: Verdict): void {
    const tail = block === 0 ? 0 : this.#tailOf(block);
    algorithmOf(rule.algorithm)!.judge(this.#heap, block, tail, rule, cost, ahead, stampUs, verdict);
  }

  /** Charges a call that was judged allowed; the key must have a block. Returns a word for the rolling hash. */
  charge(rule: QuotaRule, block: number, cost: number, stampUs: number): number {
    const algorithm = algorithmOf(rule.algorithm)!;
    const keptUs = this.#keptUs(block);
    const home = algorithm.charge(this.#heap, block, this.#tailOf(block), rule, cost, stampUs, this);
    this.#noteChange(home, keptUs);
    return algorithm.fingerprint(this.#heap, home) ^ this.#heap.word(home, WORD_HASH);
  }

  /** Until when a block is kept; 0: it is not. */
  #keptUs(block: number): number {
    return (this.#heap.word(block, WORD_LENGTHS) & KEPT) === 0 ? 0 : this.#heap.number(block, CELL_EXPIRY);
  }

  /** A block was changed, which was kept until then. */
  #noteChange(block: number, keptUs: number): void {
    if (keptUs > 0) postponeExpiry(this.#heap, block, keptUs);
    this.sweep.comeBy(this.#heap.number(block, CELL_EXPIRY));
  }

  /** Withholds what was judged; returns the block, which may have moved. Who keeps the holds marks it as held. */
  hold(quota: Quota, block: number, hold: Hold, stampUs: number): number {
    const algorithm = this.#algorithmOf(block);
    const keptUs = this.#keptUs(block);
    const home = algorithm.hold(this.#heap, block, this.#tailOf(block), quota, hold, stampUs, this);
    this.#noteChange(home, keptUs);
    return home;
  }

  /** Closes a hold that has not expired: it came to `actual`. Returns the block, which may have moved. */
  settle(quota: Quota, block: number, hold: Hold, actual: number, stampUs: number): number {
    const algorithm = this.#algorithmOf(block);
    const keptUs = this.#keptUs(block);
    const home = algorithm.settle(this.#heap, block, this.#tailOf(block), quota, hold, actual, stampUs, this);
    this.#noteChange(home, keptUs);
    return home;
  }

  /** The block is as if never used, holds included; it stays where it is. */
  clear(block: number): void {
    const keptUs = this.#keptUs(block);
    this.#algorithmOf(block).reset(this.#heap, block);
    this.#noteChange(block, keptUs);
  }

  /** A word that changes with the block's state, for the rolling hash. */
  fingerprint(block: number): number {
    return this.#algorithmOf(block).fingerprint(this.#heap, block) ^ this.#heap.word(block, WORD_HASH);
  }

  /** Whether holds are open on the key: then its block is not freed, and its moves are told. */
  isHeld(block: number): boolean {
    return block !== 0 && this.#heap.word(block, WORD_LENGTHS) >= HELD;
  }

  setHeld(block: number, held: boolean): void {
    const rest = this.#heap.word(block, WORD_LENGTHS) & ~HELD;
    this.#heap.setWord(block, WORD_LENGTHS, held ? (rest | HELD) >>> 0 : rest);
    if (!held) this.sweep.comeBy(this.#heap.number(block, CELL_EXPIRY));
  }

  /** With the end of this epoch, or before, another counter took over what this one says, and tells what became of it. */
  setHandedOn(block: number, epoch: number): void {
    const own = this.#heap.word(block, 0) & 0xfffff;
    this.#heap.setWord(block, 0, (own | (markOf(epoch) << HANDED_ON_SHIFT)) >>> 0);
  }

  /**
   * The epoch that {@link setHandedOn} was called with last, for a block of epoch `own` while `last` is the last that ended;
   * -1: it was not, or so many epochs ago that it cannot be told which.
   */
  handedOnWith(block: number, own: number, last: number): number {
    const mark = this.#heap.word(block, 0) >>> HANDED_ON_SHIFT;
    if (mark === 0 || last - own >= HANDED_ON_EPOCHS) return -1;
    const epoch = last - ((markOf(last) - mark + HANDED_ON_EPOCHS) % HANDED_ON_EPOCHS);
    return epoch < own ? -1 : epoch;
  }

  #algorithmOf(block: number): CountingAlgorithm {
    return algorithmOf(this.#heap.word(block, 0) & 0xff)!;
  }

  /** A block for a key that has none. Its expiry is set by the charge that must follow. */
  create(rule: QuotaRule, hash: number, bytes: Uint8Array, start: number, length: number): number {
    const heap = this.#heap;
    const algorithm = algorithmOf(rule.algorithm)!;
    const identity = COMMON_CELLS + algorithm.headCells;
    const tail = identity + ((rule.prefixLength + length + 7) >> 3);
    const cells = Slab.blockCells(tail + algorithm.tailCells);
    const block = this.#slab.take(cells);
    heap.setWord(block, 0, rule.algorithm);
    heap.setWord(block, WORD_LENGTHS, rule.prefixLength | (length << 16));
    heap.setNumber(block, CELL_EXPIRY, 0);
    heap.setIdentity(block, identity, rule.prefix, rule.prefixLength, bytes, start, length);
    algorithm.initialize(heap, block, tail, cells);
    this.#index.insert(hash, block);
    this.census.add(rule.prefix, rule.prefixLength);
    return block;
  }

  /** Copies a key of another table with the same seeds, but for what is held on it; returns its block here. */
  adopt(other: KeyTable, block: number): number {
    const heap = this.#heap;
    const cells = other.#slab.cellsOf(block);
    const copy = this.#slab.take(cells);
    for (let word = 0; word < cells * 2; word++) heap.setWord(copy, word, other.#heap.word(block, word));
    heap.setWord(copy, WORD_LENGTHS, heap.word(copy, WORD_LENGTHS) & LENGTHS);
    this.#index.insert(heap.word(copy, WORD_HASH), copy);
    this.census.add(this.#prefix, this.#readPrefix(copy));
    return copy;
  }

  grow(block: number, contentCells: number, cells: number): number {
    const heap = this.#heap;
    const grown = this.#slab.take(cells);
    for (let i = 0; i < contentCells * 2; i++) heap.setWord(grown, i, heap.word(block, i));
    this.#index.replace(block, grown);
    this.#slab.give(block);
    if (this.isHeld(grown)) this.follower!.moved(block, grown);
    return grown;
  }

  /** Frees a block that has expired, unless it is held or kept; whether it did. */
  freeExpired(block: number, stampUs: number): boolean {
    const expiryUs = this.#heap.number(block, CELL_EXPIRY);
    if (expiryUs > stampUs || this.isHeld(block)) return false;
    if (this.census.hasFrozen && this.#retain(block, expiryUs, stampUs)) return false;
    this.remove(block);
    return true;
  }

  /** The stamp from which the block is as if never used; later if the sweep keeps it. */
  expiryOf(block: number): number {
    return this.#heap.number(block, CELL_EXPIRY);
  }

  /** The sweep leaves the block alone until then, though it be as if never used, and whatever is charged to it meanwhile. */
  keepUntil(block: number, untilUs: number): void {
    this.#heap.setWord(block, WORD_LENGTHS, this.#heap.word(block, WORD_LENGTHS) | KEPT);
    this.#noteChange(block, untilUs);
  }

  remove(block: number): void {
    const cell = identityByte(this.#heap.word(block, 0) & 0xff) >> 3;
    if (this.census.isLastOf(block, cell, this.#heap.word(block, WORD_LENGTHS) & 0xffff)) this.census.removeLast();
    else this.census.remove(this.#prefix, this.#readPrefix(block));
    this.#index.remove(block);
    this.#slab.give(block);
  }

  /** Copies the identity of a block up to its key to {@link #prefix}; returns its length. */
  #readPrefix(block: number): number {
    const length = this.#heap.word(block, WORD_LENGTHS) & 0xffff;
    this.#heap.copyBytes(block, identityByte(this.#heap.word(block, 0) & 0xff) >> 3, this.#prefix, 0, length);
    return length;
  }

  /** The identity of a block: its prefix and its key, in memory of its own. */
  identityOf(block: number): { readonly bytes: Uint8Array; readonly prefixLength: number } {
    const lengths = this.#heap.word(block, WORD_LENGTHS) & LENGTHS;
    const prefixLength = lengths & 0xffff;
    const bytes = new Uint8Array(prefixLength + (lengths >>> 16));
    this.#heap.copyBytes(block, identityByte(this.#heap.word(block, 0) & 0xff) >> 3, bytes, 0, bytes.length);
    return { bytes, prefixLength };
  }

  /** What counted on the block at an earlier stamp from which on it stood still; 0 if it had expired by then. */
  usedAt(quota: Quota, block: number, stampUs: number): number {
    if (this.#heap.number(block, CELL_EXPIRY) <= stampUs) return 0;
    return this.#algorithmOf(block).usedAt(this.#heap, block, this.#tailOf(block), quota, stampUs);
  }

  /** Makes room for `wanted` new keys by freeing expired ones, in bounded work. */
  makeRoom(wanted: number, maxKeys: number, stampUs: number): boolean {
    if (this.count + wanted <= maxKeys) return true;
    // Once more than there are keys to free, since a turn that meets the end of a lap stops there.
    for (let turn = 0; turn <= wanted && this.count + wanted > maxKeys; turn++) {
      this.sweep.reclaim(stampUs, this.count + wanted - maxKeys);
    }
    return this.count + wanted <= maxKeys;
  }

  /** Keeps a block whose counts another rule took over, for as long as they may be asked for (SEMANTICS K1). */
  #retain(block: number, expiryUs: number, stampUs: number): boolean {
    const retainUs = this.census.retainUntil(this.#prefix, this.#readPrefix(block), expiryUs);
    if (retainUs > stampUs) this.#heap.setNumber(block, CELL_EXPIRY, retainUs);
    // Its expiry stays, since it is by comparison that its time is over: for whoever has no numbers of its own any more, and
    // of a bucket that was emptied by another rate than the next one's.
    const untilUs = retainUs > stampUs ? retainUs : this.#keptUntilUs(block, retainUs === 0, stampUs);
    if (untilUs <= stampUs) return false;
    this.sweep.comeByNextLap(untilUs);
    return true;
  }

  #keptUntilUs(block: number, counts: boolean, stampUs: number): number {
    if (this.keeper === null) return 0;
    if (!counts) return this.keeper.keptUntilUs(block);
    // A window keeps its place for as long as what was given back would have counted.
    const algorithm = this.#heap.word(block, 0) & 0xff;
    const isNamed = this.#prefix[1 + this.#prefix[0]!] !== 0;
    return !countsByWindow(algorithm) && isNamed ? this.keeper.heirKeptUntilUs(block, stampUs) : 0;
  }

  /** The stamp from which the sweep may find something; null: there is nothing to find. */
  nextDueUs(): number | null {
    return this.count === 0 ? null : this.sweep.nextDueUs();
  }

  #tailOf(block: number): number {
    const heap = this.#heap;
    const lengths = heap.word(block, WORD_LENGTHS) & LENGTHS;
    const identityBytes = (lengths & 0xffff) + (lengths >>> 16);
    return (identityByte(heap.word(block, 0) & 0xff) >> 3) + ((identityBytes + 7) >> 3);
  }

  save(meta: MetaWriter): void {
    this.#slab.save(meta);
    this.#index.save(meta);
    this.census.save(meta);
    meta.number(this.#seed0);
    meta.number(this.#seed1);
    this.sweep.save(meta);
  }

  load(meta: MetaReader): void {
    this.#slab.load(meta);
    this.#index.load(meta);
    this.census.load(meta);
    this.#seed0 = meta.number();
    this.#seed1 = meta.number();
    this.sweep.load(meta);
  }
}

/** An epoch in few bits, never 0. */
function markOf(epoch: number): number {
  return (epoch % HANDED_ON_EPOCHS) + 1;
}

/** Where a block's identity begins, in bytes from its start. */
function identityByte(algorithm: number): number {
  return (COMMON_CELLS + algorithmOf(algorithm)!.headCells) << 3;
}
