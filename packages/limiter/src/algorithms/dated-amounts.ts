import { Heap } from "../memory/heap.ts";
import { Slab } from "../memory/slab.ts";
import { type BlockMover, CELL_EXPIRY, ownBits, setOwnBits, type Verdict } from "./algorithm.ts";

/**
 * A ring of dated amounts behind a block's identity, in the order of their dates: the admissions of the window log, by
 * the stamp that they are charged at, and the open holds of buckets and slots, by the stamp at which they end.
 *
 * Amounts of one date share a segment at no loss. Only when {@link MAX_SEGMENTS} segments are alive are neighbours
 * merged: those whose dates lie in the same cell of a grid, and the merged segment bears the later date. So what it
 * holds is given back late by less than a cell, never early.
 *
 * State: capacity in the own bits of word 0; head and count in the first own word; the sum of all amounts in the
 * second. A sum never exceeds 2^32 - 1: an amount that comes without asking (a debt) is cut to what still fits.
 */
export const MAX_SEGMENTS = 288;
/** Cells of a grid across what may be alive of a window, or of the ends of all holds. */
const GRID = 256;
const MAX_SUM = 4_294_967_295;

/** The ring's word: head in the low 12 bits, count in the next 12. */
export const WORD_RING = 6;
const WORD_SUM = 7;

const mergedDates = new Float64Array(MAX_SEGMENTS);
const mergedAmounts = new Uint32Array(MAX_SEGMENTS);

/** How many segments the block has room for. */
const capacityOf = ownBits;

function setCapacity(heap: Heap, block: number, tail: number, cells: number): void {
  const capacity = Math.min(MAX_SEGMENTS, Math.floor(((cells - tail) * 2) / 3));
  setOwnBits(heap, block, capacity);
}

/** Sets up an empty ring in a new block of `cells` cells. */
export function initializeAmounts(heap: Heap, block: number, tail: number, cells: number): void {
  setCapacity(heap, block, tail, cells);
  clearAmounts(heap, block);
}

/** Forgets all amounts. */
export function clearAmounts(heap: Heap, block: number): void {
  heap.setWord(block, WORD_RING, 0);
  heap.setWord(block, WORD_SUM, 0);
}

/** The key is as if never used, where all that is counted lies in the ring. */
export function resetAmounts(heap: Heap, block: number): void {
  clearAmounts(heap, block);
  heap.setNumber(block, CELL_EXPIRY, 0);
}

/** All amounts together, past ones included. */
export function sumOf(heap: Heap, block: number): number {
  return heap.word(block, WORD_SUM);
}

/** How many segments there are, past ones included. */
export function countOf(heap: Heap, block: number): number {
  return heap.word(block, WORD_RING) >>> 12;
}

/** A word that changes with the ring. */
export function wordOf(heap: Heap, block: number): number {
  return heap.word(block, WORD_SUM) ^ Math.imul(heap.word(block, WORD_RING), 0x9e3779b1);
}

/** A word that changes with ring and expiry, where nothing else is counted. */
export function fingerprintAmounts(heap: Heap, block: number): number {
  return wordOf(heap, block) ^ Math.imul(heap.number(block, CELL_EXPIRY) | 0, 0x85ebca6b);
}

/** Where segment `index`, counted from the oldest, lies in the ring. */
function placeOf(heap: Heap, block: number, capacity: number, index: number): number {
  const at = (heap.word(block, WORD_RING) & 0xfff) + index;
  return at < capacity ? at : at - capacity;
}

/** The date of segment `index`, counted from the oldest. */
export function dateAt(heap: Heap, block: number, tail: number, index: number): number {
  return heap.number(block, tail + placeOf(heap, block, capacityOf(heap, block), index));
}

/** The amount of segment `index`, counted from the oldest. */
export function amountAt(heap: Heap, block: number, tail: number, index: number): number {
  const capacity = capacityOf(heap, block);
  return heap.word(block, (tail + capacity) * 2 + placeOf(heap, block, capacity, index));
}

function setAmount(heap: Heap, block: number, tail: number, index: number, amount: number): void {
  const capacity = capacityOf(heap, block);
  heap.setWord(block, (tail + capacity) * 2 + placeOf(heap, block, capacity, index), amount);
}

function setSegment(heap: Heap, block: number, tail: number, index: number, dateUs: number, amount: number): void {
  heap.setNumber(block, tail + placeOf(heap, block, capacityOf(heap, block), index), dateUs);
  setAmount(heap, block, tail, index, amount);
}

function setRing(heap: Heap, block: number, head: number, count: number): void {
  heap.setWord(block, WORD_RING, head | (count << 12));
}

/** How many segments, from the oldest on, are past, and their amount: filled in by {@link countPast}. */
export const past = { segments: 0, amount: 0 };

/** Counts the segments dated `horizonUs` or earlier, into {@link past}. */
export function countPast(heap: Heap, block: number, tail: number, horizonUs: number): void {
  const ring = heap.word(block, WORD_RING);
  const capacity = capacityOf(heap, block);
  const count = ring >>> 12;
  const chunk = Heap.chunkOf(block);
  const dates = heap.f64[chunk]!;
  const amounts = heap.u32[chunk]!;
  const base = Heap.cellOf(block) + tail;
  let at = ring & 0xfff;
  let segments = 0;
  let amount = 0;
  while (segments < count && dates[base + at]! <= horizonUs) {
    amount += amounts[(base + capacity) * 2 + at]!;
    segments++;
    if (++at === capacity) at = 0;
  }
  past.segments = segments;
  past.amount = amount;
}

/** Forgets the segments dated `horizonUs` or earlier. */
export function dropPast(heap: Heap, block: number, tail: number, horizonUs: number): void {
  countPast(heap, block, tail, horizonUs);
  if (past.segments === 0) return;
  heap.setWord(block, WORD_RING, ringWithout(heap.word(block, WORD_RING), past.segments, capacityOf(heap, block)));
  heap.setWord(block, WORD_SUM, heap.word(block, WORD_SUM) - past.amount);
}

/** The ring's word without its `segments` oldest. The head moves on even if none is left, so that the word changes. */
function ringWithout(ring: number, segments: number, capacity: number): number {
  const head = (ring & 0xfff) + segments;
  return (head < capacity ? head : head - capacity) | (((ring >>> 12) - segments) << 12);
}

/**
 * Judges against amounts that count from before the stamp until `lifeUs` after their date. The key must have a block
 * that is not expired, or `block` is 0. `resetChargedUs` is at least `windowUs`: how long a new amount would count.
 */
export function judgeAmounts(
  heap: Heap,
  block: number,
  tail: number,
  limit: number,
  wanted: number,
  lifeUs: number,
  windowUs: number,
  stampUs: number,
  verdict: Verdict,
): void {
  let used = 0;
  let resetNowUs = 0;
  let ended = 0;
  if (block !== 0) {
    // As countPast, with the views at hand: this is where a take spends its time.
    const chunk = Heap.chunkOf(block);
    const dates = heap.f64[chunk]!;
    const words = heap.u32[chunk]!;
    const cell = Heap.cellOf(block);
    const capacity = (words[cell * 2]! >>> 8) & 0xfff;
    const ring = words[cell * 2 + WORD_RING]!;
    const count = ring >>> 12;
    const head = ring & 0xfff;
    const amounts = (cell + tail + capacity) * 2;
    used = words[cell * 2 + WORD_SUM]!;
    for (let at = head; ended < count && dates[cell + tail + at]! <= stampUs - lifeUs; ended++) {
      used -= words[amounts + at]!;
      if (++at === capacity) at = 0;
    }
    const newest = head + count - 1;
    if (used > 0) {
      resetNowUs = dates[cell + tail + (newest < capacity ? newest : newest - capacity)]! + lifeUs - stampUs;
    }
  }
  verdict.available = limit > used ? limit - used : 0;
  verdict.never = wanted > limit;
  verdict.allowed = used + wanted <= limit;
  verdict.resetNowUs = resetNowUs;
  verdict.resetChargedUs = Math.max(resetNowUs, windowUs);
  verdict.retryAfterUs =
    verdict.allowed || verdict.never
      ? 0
      : dateThatFrees(heap, block, tail, ended, used + wanted - limit) + lifeUs - stampUs;
}

/** The date of the segment that brings back the last of `excess`; called only if those from `index` on hold as much. */
function dateThatFrees(heap: Heap, block: number, tail: number, index: number, excess: number): number {
  const capacity = capacityOf(heap, block);
  let at = (heap.word(block, WORD_RING) & 0xfff) + index;
  if (at >= capacity) at -= capacity;
  let freed = 0;
  for (;;) {
    freed += heap.word(block, (tail + capacity) * 2 + at);
    if (freed >= excess) return heap.number(block, tail + at);
    if (++at === capacity) at = 0;
  }
}

/** The first segment dated after `dateUs`; looked for from the newest, near which amounts are put. */
function indexAfter(heap: Heap, block: number, tail: number, dateUs: number): number {
  let index = countOf(heap, block);
  while (index > 0 && dateAt(heap, block, tail, index - 1) > dateUs) index--;
  return index;
}

/**
 * Forgets the segments dated `horizonUs` or earlier, and adds an amount; returns the block, which may have moved. When
 * the ring is full, neighbours in one cell of `gridUs` are merged; 0: of the narrowest power of two that makes room.
 */
export function addAmount(
  heap: Heap,
  block: number,
  tail: number,
  horizonUs: number,
  dateUs: number,
  amount: number,
  gridUs: number,
  mover: BlockMover,
): number {
  countPast(heap, block, tail, horizonUs);
  heap.touch(block);
  const chunk = Heap.chunkOf(block);
  const dates = heap.f64[chunk]!;
  const words = heap.u32[chunk]!;
  const cell = Heap.cellOf(block);
  const capacity = (words[cell * 2]! >>> 8) & 0xfff;
  const ring = ringWithout(words[cell * 2 + WORD_RING]!, past.segments, capacity);
  const sum = words[cell * 2 + WORD_SUM]! - past.amount;
  const fitting = sum + amount <= MAX_SUM ? amount : MAX_SUM - sum;
  words[cell * 2 + WORD_SUM] = sum + fitting;
  const count = ring >>> 12;
  if (fitting > 0 && count < capacity) {
    // All but few amounts are dated now, which is after all others.
    let at = (ring & 0xfff) + count;
    if (at >= capacity) at -= capacity;
    if (count === 0 || dates[cell + tail + (at === 0 ? capacity : at) - 1]! < dateUs) {
      dates[cell + tail + at] = dateUs;
      words[(cell + tail + capacity) * 2 + at] = fitting;
      words[cell * 2 + WORD_RING] = ring + (1 << 12);
      return block;
    }
  }
  words[cell * 2 + WORD_RING] = ring;
  return fitting === 0 ? block : insert(heap, block, tail, dateUs, fitting, gridUs, mover);
}

/** Puts an amount, which is in the sum already, where its date belongs. */
function insert(
  heap: Heap,
  block: number,
  tail: number,
  dateUs: number,
  amount: number,
  gridUs: number,
  mover: BlockMover,
): number {
  let index = indexAfter(heap, block, tail, dateUs);
  if (index > 0 && dateAt(heap, block, tail, index - 1) === dateUs) {
    setAmount(heap, block, tail, index - 1, amountAt(heap, block, tail, index - 1) + amount);
    return block;
  }
  let home = block;
  let count = countOf(heap, block);
  if (count === capacityOf(heap, block)) {
    if (count < MAX_SEGMENTS) {
      home = enlarge(heap, block, tail, mover);
    } else {
      const grid = gridUs === 0 ? gridOf(heap, block, tail, dateUs) : gridUs;
      if (joinNeighbour(heap, block, tail, index, dateUs, amount, grid)) return block;
      makeRoom(heap, block, tail, grid);
      index = indexAfter(heap, block, tail, dateUs);
      count = countOf(heap, block);
    }
  }
  setRing(heap, home, heap.word(home, WORD_RING) & 0xfff, count + 1);
  for (let i = count; i > index; i--) {
    setSegment(heap, home, tail, i, dateAt(heap, home, tail, i - 1), amountAt(heap, home, tail, i - 1));
  }
  setSegment(heap, home, tail, index, dateUs, amount);
  return home;
}

/**
 * The narrowest grid of a power of two that what is alive and `dateUs` touch at most 257 cells of. Powers of two lie
 * within each other, so merging again by another grid adds no more than the wider one's cell.
 */
function gridOf(heap: Heap, block: number, tail: number, dateUs: number): number {
  const first = Math.min(dateUs, dateAt(heap, block, tail, 0));
  const last = Math.max(dateUs, dateAt(heap, block, tail, countOf(heap, block) - 1));
  let grid = 1;
  while (grid * GRID < last - first) grid *= 2;
  return grid;
}

/**
 * Merges neighbours that share a cell of the grid, or else of the narrowest grid of twice its cells, and twice theirs, that has some: what
 * is held may reach further ahead than a window, if that of its rule was longer.
 */
function makeRoom(heap: Heap, block: number, tail: number, gridUs: number): void {
  for (let grid = gridUs; countOf(heap, block) === MAX_SEGMENTS; grid *= 2) coalesce(heap, block, tail, grid);
}

/** Puts the amount with the segment before `index` or with the one at it, if they share a cell of the grid. */
function joinNeighbour(
  heap: Heap,
  block: number,
  tail: number,
  index: number,
  dateUs: number,
  amount: number,
  gridUs: number,
): boolean {
  const cell = Math.floor(dateUs / gridUs);
  if (index > 0 && Math.floor(dateAt(heap, block, tail, index - 1) / gridUs) === cell) {
    setSegment(heap, block, tail, index - 1, dateUs, amountAt(heap, block, tail, index - 1) + amount);
    return true;
  }
  if (index < countOf(heap, block) && Math.floor(dateAt(heap, block, tail, index) / gridUs) === cell) {
    setAmount(heap, block, tail, index, amountAt(heap, block, tail, index) + amount);
    return true;
  }
  return false;
}

/** Merges neighbours that share a cell of the grid; the ring then starts at its first place. */
function coalesce(heap: Heap, block: number, tail: number, gridUs: number): void {
  const capacity = capacityOf(heap, block);
  let at = heap.word(block, WORD_RING) & 0xfff;
  let merged = 0;
  let lastCell = -1;
  for (let i = countOf(heap, block); i > 0; i--) {
    const dateUs = heap.number(block, tail + at);
    const amount = heap.word(block, (tail + capacity) * 2 + at);
    if (++at === capacity) at = 0;
    const cell = Math.floor(dateUs / gridUs);
    if (cell === lastCell) {
      mergedDates[merged - 1] = dateUs;
      mergedAmounts[merged - 1] = mergedAmounts[merged - 1]! + amount;
    } else {
      mergedDates[merged] = dateUs;
      mergedAmounts[merged++] = amount;
    }
    lastCell = cell;
  }
  putMerged(heap, block, tail, merged);
}

/** Doubles the ring; the segments keep their order and start at the first place. */
function enlarge(heap: Heap, block: number, tail: number, mover: BlockMover): number {
  const count = countOf(heap, block);
  const capacity = capacityOf(heap, block);
  let at = heap.word(block, WORD_RING) & 0xfff;
  for (let i = 0; i < count; i++) {
    mergedDates[i] = heap.number(block, tail + at);
    mergedAmounts[i] = heap.word(block, (tail + capacity) * 2 + at);
    if (++at === capacity) at = 0;
  }
  const wanted = Math.min(MAX_SEGMENTS, Math.max(2, count * 2));
  const cells = Slab.blockCells(tail + wanted + ((wanted + 1) >> 1));
  const grown = mover.grow(block, tail, cells);
  setCapacity(heap, grown, tail, cells);
  putMerged(heap, grown, tail, count);
  return grown;
}

function putMerged(heap: Heap, block: number, tail: number, count: number): void {
  setRing(heap, block, 0, count);
  const amounts = (tail + capacityOf(heap, block)) * 2;
  for (let i = 0; i < count; i++) {
    heap.setNumber(block, tail + i, mergedDates[i]!);
    heap.setWord(block, amounts + i, mergedAmounts[i]!);
  }
}

/**
 * Takes `amount` out of the segments dated from `dateUs` on, the oldest first. What was merged with an amount of
 * `dateUs` is there, dated later; to take it from the oldest keeps the rest counted at least as long as it must be.
 */
export function removeAmount(heap: Heap, block: number, tail: number, dateUs: number, amount: number): void {
  let index = 0;
  let left = amount;
  while (index < countOf(heap, block) && dateAt(heap, block, tail, index) < dateUs) index++;
  while (left > 0 && index < countOf(heap, block)) {
    const held = amountAt(heap, block, tail, index);
    if (held > left) {
      setAmount(heap, block, tail, index, held - left);
      left = 0;
    } else {
      left -= held;
      removeSegment(heap, block, tail, index);
    }
  }
  heap.setWord(block, WORD_SUM, heap.word(block, WORD_SUM) - (amount - left));
}

function removeSegment(heap: Heap, block: number, tail: number, index: number): void {
  const last = countOf(heap, block) - 1;
  for (let i = index; i < last; i++) {
    setSegment(heap, block, tail, i, dateAt(heap, block, tail, i + 1), amountAt(heap, block, tail, i + 1));
  }
  setRing(heap, block, last === 0 ? 0 : heap.word(block, WORD_RING) & 0xfff, last);
}
