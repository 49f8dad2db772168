import {
  type BlockMover,
  CELL_EXPIRY,
  COMMON_CELLS,
  type CountingAlgorithm,
  createVerdict,
  type Hold,
} from "./algorithms/algorithm.ts";
import { algorithmOf } from "./algorithms/registry.ts";
import { Outcome, type ResultColumns } from "./call-batch.ts";
import { ceilMs, writeVerdict } from "./machine/call-executor.ts";
import { Heap, PageKind } from "./memory/heap.ts";
import { Slab } from "./memory/slab.ts";
import { GrowingResultColumns } from "./result-columns.ts";
import { Algorithm, type Rule } from "./rule.ts";
import { defaultTtlUs, Verb } from "./verb.ts";

/** Counters, and holds, looked at per call for what has expired: two, so that they go faster than they come. */
const SWEEP_PER_CALL = 2;
/** The same for a new key in a full table. */
const SWEEP_WHEN_FULL = 512;

/** One key under one rule, and how much of it is meant. */
export interface LocalItem {
  readonly rule: Rule;
  readonly key: string;
  readonly cost: number;
}

/** Counts of one process, by the cluster's own algorithms. */
export interface LocalCounts {
  /**
   * Decides a call: a take of items all or nothing, or a reserve, commit or cancel of one. `ttlMs` is a reserve's, 0: as the
   * rule has it; `handle` is of the hold that a commit or cancel means. Stamps that run backwards stand still. The
   * results are valid until the next call; no denial is firm.
   */
  decide(verb: Verb, items: readonly LocalItem[], ttlMs: number, handle: number, stampUs: number): ResultColumns;
}

/** How much is kept at once. */
export interface LocalBounds {
  /** Keys with a live count; a new one beyond is not decided (`keysFull`). */
  readonly maxKeys: number;
  /** Reservations and slots that are open at once; one more is not decided (`holdsFull`). */
  readonly maxHolds: number;
}

/** A key's state, while it is kept. */
interface Counter {
  readonly identity: string;
  readonly algorithm: CountingAlgorithm;
  block: number;
}

interface OpenHold extends Hold {
  readonly counter: Counter;
}

/**
 * Makes counts for a process that decides by itself. It decides as a cluster without policies and sessions would, from the
 * same blocks and algorithms, in a seventh of the code: no log, no snapshot, no hash, and JavaScript's own maps.
 */
export function createLocalCounts(bounds: LocalBounds): LocalCounts {
  return new Counts(bounds);
}

class Counts implements LocalCounts, BlockMover {
  readonly #bounds: LocalBounds;
  readonly #heap = new Heap();
  readonly #slab = new Slab(this.#heap, PageKind.keys);
  readonly #counters = new Map<string, Counter>();
  readonly #holds = new Map<number, OpenHold>();
  readonly #verdict = createVerdict();
  readonly #results = new GrowingResultColumns(8);
  #lastHandle = 0;
  #stampUs = 0.5;

  constructor(bounds: LocalBounds) {
    this.#bounds = bounds;
  }

  decide(verb: Verb, items: readonly LocalItem[], ttlMs: number, handle: number, stampUs: number): ResultColumns {
    this.#stampUs = Math.max(this.#stampUs, stampUs);
    const results = this.#results;
    results.reserve(items.length);
    results.items = items.length;
    this.#sweepCounters(SWEEP_PER_CALL);
    this.#sweepHolds(SWEEP_PER_CALL);
    const [first] = items;
    if (verb === Verb.take) this.#take(items);
    else if (verb === Verb.reserve) this.#reserve(first!, ttlMs * 1_000);
    else if (verb === Verb.commit || verb === Verb.cancel) this.#settle(first!, handle, verb === Verb.commit);
    else throw new RangeError(`verb ${verb} is the cluster's alone`);
    return results;
  }

  /** Takes all or nothing (SEMANTICS G1). */
  #take(items: readonly LocalItem[]): void {
    if (items.some(({ rule }) => rule.algorithm === Algorithm.concurrency)) {
      this.#fill(items.length, Outcome.needsReservation);
      return;
    }
    this.#judgeAll(items);
    if (items.some((_, at) => this.#results.outcomes[at] !== Outcome.allowed)) this.#undo(items);
    else if (this.#hasRoom(items)) this.#charge(items);
    else this.#fill(items.length, Outcome.keysFull);
    // What one process counts is no promise of the cluster's.
    for (let at = 0; at < items.length; at++) this.#results.firmForMs[at] = 0;
  }

  /** Judges each item behind those of the same key before it. */
  #judgeAll(items: readonly LocalItem[]): void {
    const asked = new Map<string, number>();
    items.forEach((item, at) => {
      const identity = identityOf(item);
      const before = asked.get(identity) ?? 0;
      this.#judge(item, item.cost, before);
      writeVerdict(this.#verdict, before + item.cost, item.rule, this.#results, at);
      asked.set(identity, before + item.cost);
    });
  }

  /** A denied group charges nothing: items that would have passed keep what they had. */
  #undo(items: readonly LocalItem[]): void {
    items.forEach((item, at) => {
      if (this.#results.outcomes[at] !== Outcome.allowed) return;
      this.#judge(item, 1, 0);
      this.#results.remaining[at] = this.#verdict.available;
      this.#results.resetAfterMs[at] = ceilMs(this.#verdict.resetNowUs);
    });
  }

  #hasRoom(items: readonly LocalItem[]): boolean {
    if (this.#fits(items)) return true;
    this.#sweepCounters(SWEEP_WHEN_FULL);
    // The sweep may have freed what the items found expired, which then needs a place anew.
    return this.#fits(items);
  }

  #fits(items: readonly LocalItem[]): boolean {
    const fresh = new Set(items.map(identityOf).filter((identity) => !this.#counters.has(identity)));
    return this.#counters.size + fresh.size <= this.#bounds.maxKeys;
  }

  #charge(items: readonly LocalItem[]): void {
    for (const item of items) {
      const counter = this.#counterFor(item);
      const { algorithm, block } = counter;

      counter.block = algorithm.charge(this.#heap, block, tailOf(algorithm), item.rule, item.cost, this.#stampUs, this);
    }
  }

  #reserve(item: LocalItem, ttlUs: number): void {
    const { rule, cost } = item;
    const results = this.#results;
    this.#judge(item, cost, 0);
    if (!this.#verdict.allowed) {
      writeVerdict(this.#verdict, cost, rule, results, 0);
      results.firmForMs[0] = 0;
      return;
    }
    if (this.#holds.size >= this.#bounds.maxHolds) this.#sweepHolds(this.#holds.size);
    const hasHoldsLeft = this.#holds.size < this.#bounds.maxHolds;
    if (!hasHoldsLeft || !this.#hasRoom([item])) {
      this.#fill(1, hasHoldsLeft ? Outcome.keysFull : Outcome.holdsFull);
      return;
    }
    const counter = this.#counterFor(item);
    const fromUs = this.#stampUs;
    const expiryUs = fromUs + (ttlUs === 0 ? defaultTtlUs(rule) : ttlUs);
    const hold: OpenHold = { counter, cost, fromUs, datedUs: fromUs, expiryUs };
    const { algorithm, block } = counter;

    counter.block = algorithm.hold(this.#heap, block, tailOf(algorithm), rule, hold, fromUs, this);
    this.#holds.set(++this.#lastHandle, hold);
    this.#writeDone(item);
    results.firmForMs[0] = Math.floor((expiryUs - fromUs) / 1_000);
    results.handles[0] = this.#lastHandle;
  }

  /** Ends a hold that is open on the item's key: it came to the item's cost, or, cancelled, to nothing. */
  #settle(item: LocalItem, handle: number, isCommit: boolean): void {
    const hold = this.#holds.get(handle);
    const counter = this.#counters.get(identityOf(item));
    if (hold === undefined || hold.counter !== counter || hold.expiryUs <= this.#stampUs) {
      this.#fill(1, Outcome.notHeld);
      return;
    }
    const { algorithm, block } = counter;
    const actual = isCommit ? item.cost : 0;

    const tail = tailOf(algorithm);
    counter.block = algorithm.settle(this.#heap, block, tail, item.rule, hold, actual, this.#stampUs, this);
    this.#holds.delete(handle);
    this.#writeDone(item);
  }

  #judge(item: LocalItem, cost: number, ahead: number): void {
    const { rule } = item;
    const counter = this.#counters.get(identityOf(item));
    const algorithm = counter?.algorithm ?? algorithmOf(rule.algorithm)!;
    const block = counter?.block ?? 0;
    const tail = block === 0 ? 0 : tailOf(algorithm);
    algorithm.judge(this.#heap, block, tail, rule, cost, ahead, this.#stampUs, this.#verdict);
  }

  /** What is left now that it is done. */
  #writeDone(item: LocalItem): void {
    this.#judge(item, 1, 0);
    const { available, resetNowUs } = this.#verdict;
    this.#results.set(0, Outcome.allowed, available, ceilMs(resetNowUs), 0, 0, item.rule.limit);
  }

  #fill(items: number, outcome: Outcome): void {
    for (let at = 0; at < items; at++) this.#results.set(at, outcome, 0, 0, 0, 0, 0);
  }

  /** The item's counter; a new one if it has none, whose expiry is set by the charge or hold that must follow. */
  #counterFor(item: LocalItem): Counter {
    const identity = identityOf(item);
    const known = this.#counters.get(identity);
    if (known !== undefined) return known;
    const algorithm = algorithmOf(item.rule.algorithm)!;
    const tail = tailOf(algorithm);
    const cells = Slab.blockCells(tail + algorithm.tailCells);
    const block = this.#slab.take(cells);
    for (let cell = 0; cell < COMMON_CELLS; cell++) this.#heap.setNumber(block, cell, 0);
    this.#heap.setWord(block, 0, item.rule.algorithm);
    algorithm.initialize(this.#heap, block, tail, cells);
    const counter = { identity, algorithm, block };
    this.#counters.set(identity, counter);
    return counter;
  }

  grow(block: number, contentCells: number, cells: number): number {
    const grown = this.#slab.take(cells);
    for (let word = 0; word < contentCells * 2; word++) this.#heap.setWord(grown, word, this.#heap.word(block, word));
    this.#slab.give(block);
    return grown;
  }

  /** Looks at the counters that were looked at longest ago, and forgets those that are as if never used. */
  #sweepCounters(most: number): void {
    let left = Math.min(most, this.#counters.size);
    for (const [identity, counter] of this.#counters) {
      if (left-- <= 0) return;
      this.#counters.delete(identity);
      if (this.#heap.number(counter.block, CELL_EXPIRY) > this.#stampUs) this.#counters.set(identity, counter);
      else this.#slab.give(counter.block);
    }
  }

  #sweepHolds(most: number): void {
    let left = Math.min(most, this.#holds.size);
    for (const [handle, hold] of this.#holds) {
      if (left-- <= 0) return;
      this.#holds.delete(handle);
      if (hold.expiryUs > this.#stampUs) this.#holds.set(handle, hold);
    }
  }
}

/** Where an algorithm's own cells end, and what it keeps behind an identity begins: there is none. */
function tailOf(algorithm: CountingAlgorithm): number {
  return COMMON_CELLS + algorithm.headCells;
}

/** What shares a count (SEMANTICS K1): a bucket without a name only with buckets of its own size. */
function identityOf({ rule, key }: LocalItem): string {
  const { algorithm, windowUs, limit, burst, policy } = rule;
  const size = algorithm === Algorithm.tokenBucket && policy === "" ? `${limit}/${burst}` : "";
  return `${algorithm}/${windowUs}/${size}/${policy.length}/${policy}/${key}`;
}
