import { Outcome } from "../call-batch.ts";
import type { KeyTable } from "../keys/key-table.ts";
import type { VerbCall } from "../machine/verb-call.ts";
import type { Heap } from "../memory/heap.ts";
import type { MetaReader, MetaWriter } from "../memory/meta.ts";
import type { Slab } from "../memory/slab.ts";
import type { GrowingResultColumns } from "../result-columns.ts";

/**
 * What is withheld but not yet settled: reservations, slots and leases.
 *
 * None can be opened yet: opening one is refused like one too many, and none is known to be ended.
 */
export class Holds {
  // biome-ignore lint/complexity/noUselessConstructor: what a table of holds will be built on
  constructor(_heap: Heap, _slab: Slab, _keys: KeyTable) {}

  /** Open holds. */
  get count(): number {
    return 0;
  }

  reserve(_call: VerbCall, results: GrowingResultColumns, at: number): void {
    results.set(at, Outcome.holdsFull, 0, 0, 0, 0, 0);
  }

  commit(_call: VerbCall, results: GrowingResultColumns, at: number): void {
    results.set(at, Outcome.notHeld, 0, 0, 0, 0, 0);
  }

  cancel(_call: VerbCall, results: GrowingResultColumns, at: number): void {
    results.set(at, Outcome.notHeld, 0, 0, 0, 0, 0);
  }

  grant(_call: VerbCall, results: GrowingResultColumns, at: number): void {
    results.set(at, Outcome.holdsFull, 0, 0, 0, 0, 0);
  }

  giveBack(_call: VerbCall, results: GrowingResultColumns, at: number): void {
    results.set(at, Outcome.notHeld, 0, 0, 0, 0, 0);
  }

  /** A new leader: what was open at the preceding stamp stays open for as long as it would have (SEMANTICS S5, L2). */
  takeover(_precedingStampUs: number, _stampUs: number): void {}

  /** Frees some of those whose time is over. */
  sweep(_stampUs: number): void {}

  /** The stamp at which one is to be freed, or null. */
  nextDueUs(): number | null {
    return null;
  }

  save(_meta: MetaWriter): void {}

  load(_meta: MetaReader): void {}
}
