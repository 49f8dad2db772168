import { Outcome, type ResultColumns } from "../call-batch.ts";
import type { Heap } from "../memory/heap.ts";
import type { Slab } from "../memory/slab.ts";
import type { GrowingResultColumns } from "../result-columns.ts";
import { BlockKind } from "./block-kinds.ts";

/** Cells that the results of one item take; the block of a group holds a link to them instead. */
export const PAYLOAD_CELLS = 5;
const ITEMS_PER_BLOCK = 128;

/**
 * The results of one call, remembered for its retries. A single item lies in the owner's block; those of a group in a
 * chain of blocks of their own.
 */
export function writePayload(
  heap: Heap,
  slab: Slab,
  block: number,
  cell: number,
  results: ResultColumns,
  from: number,
  items: number,
): void {
  if (items === 1) writeItem(heap, block, cell, results, from);
  else writeChain(heap, slab, block, cell * 2, results, from, items);
}

/** Reads `items` results into `into` from `at` on; there must be room. */
export function readPayload(
  heap: Heap,
  block: number,
  cell: number,
  items: number,
  into: GrowingResultColumns,
  at: number,
): void {
  if (items === 1) readItem(heap, block, cell, into, at);
  else readChain(heap, heap.word(block, cell * 2), items, into, at);
}

/** Frees what {@link writePayload} took besides the owner's block. */
export function freePayload(heap: Heap, slab: Slab, block: number, cell: number, items: number): void {
  if (items > 1) freeChain(heap, slab, heap.word(block, cell * 2));
}

/** Writes results to a chain of blocks of their own (word 0: tag, word 1: next), and a link to it to a word of its owner. */
export function writeChain(
  heap: Heap,
  slab: Slab,
  block: number,
  word: number,
  results: ResultColumns,
  from: number,
  items: number,
): void {
  let owner = block;
  let ownerWord = word;
  for (let done = 0; done < items; done += ITEMS_PER_BLOCK) {
    const count = Math.min(ITEMS_PER_BLOCK, items - done);
    const more = slab.take(1 + count * PAYLOAD_CELLS);
    heap.setWord(more, 0, BlockKind.more);
    heap.setWord(owner, ownerWord, more);
    for (let i = 0; i < count; i++) writeItem(heap, more, 1 + i * PAYLOAD_CELLS, results, from + done + i);
    owner = more;
    ownerWord = 1;
  }
  heap.setWord(owner, ownerWord, 0);
}

/** Reads what {@link writeChain} wrote, from the first block of the chain on. */
export function readChain(heap: Heap, first: number, items: number, into: GrowingResultColumns, at: number): void {
  let more = first;
  for (let done = 0; done < items; done += ITEMS_PER_BLOCK) {
    const count = Math.min(ITEMS_PER_BLOCK, items - done);
    for (let i = 0; i < count; i++) readItem(heap, more, 1 + i * PAYLOAD_CELLS, into, at + done + i);
    more = heap.word(more, 1);
  }
}

/** Frees all of a chain. */
export function freeChain(heap: Heap, slab: Slab, first: number): void {
  for (let more = first; more !== 0; ) {
    const next = heap.word(more, 1);
    slab.give(more);
    more = next;
  }
}

/** Only what is allowed has a handle, and then it need not be retried: so both share a cell. */
function writeItem(heap: Heap, block: number, cell: number, results: ResultColumns, at: number): void {
  const outcome = results.outcomes[at]!;
  heap.setWord(block, cell * 2, outcome | (results.shadows[at]! << 8));
  heap.setWord(block, cell * 2 + 1, results.remaining[at]!);
  heap.setNumber(block, cell + 1, results.resetAfterMs[at]!);
  heap.setNumber(block, cell + 2, outcome === Outcome.allowed ? results.handles[at]! : results.retryAfterMs[at]!);
  heap.setNumber(block, cell + 3, results.firmForMs[at]!);
  heap.setNumber(block, cell + 4, results.limits[at]!);
}

function readItem(heap: Heap, block: number, cell: number, into: GrowingResultColumns, at: number): void {
  const tag = heap.word(block, cell * 2);
  const outcome = tag & 0xff;
  const retryOrHandle = heap.number(block, cell + 2);
  into.set(
    at,
    outcome,
    heap.word(block, cell * 2 + 1),
    heap.number(block, cell + 1),
    outcome === Outcome.allowed ? 0 : retryOrHandle,
    heap.number(block, cell + 3),
    heap.number(block, cell + 4),
  );
  if (outcome === Outcome.allowed) into.handles[at] = retryOrHandle;
  into.shadows[at] = (tag >>> 8) & 0xff;
}
