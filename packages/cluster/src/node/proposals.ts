import {
  type Applied,
  type Bounds,
  type CallBatch,
  type CallOrigin,
  createEntryWriter,
  EntryError,
  type EntryWriter,
  type Operation,
  type OperationResult,
  writeOperation,
} from "@quorumguard/limiter";
import { invalidArgument } from "./failures.ts";
import type { CallSink, DecisionFacts, NodeFailure } from "./node.ts";
import { slotsOfOperation, TouchedKeys, touchedSlots } from "./touched-keys.ts";

/** Who waits for one operation of an entry. */
type Waiter =
  | { readonly kind: "calls"; readonly sink: CallSink; readonly fromCall: number; readonly toCall: number }
  | { readonly kind: "operation"; readonly done: (outcome: OperationResult | NodeFailure) => void }
  | { readonly kind: "nobody" };

interface ProposedEntry {
  readonly data: Uint8Array;
  readonly items: number;
  /** One per operation of the entry, in its order. */
  readonly waiters: readonly Waiter[];
  /** What it holds in {@link Proposals.touched}. */
  readonly touched: readonly number[];
  term: number;
}

const nobody: Waiter = { kind: "nobody" };

/**
 * Calls on their way through the log: the entry that is being written this turn, entries that wait to be proposed, and
 * proposed ones by log index until they are applied. One record per operation; none per item.
 */
export class Proposals {
  readonly #writer: EntryWriter = createEntryWriter();
  readonly #maxItems: number;
  readonly #maxBytes: number;
  readonly #stampUs: () => number;
  #waiters: Waiter[] = [];
  #sealed: ProposedEntry[] = [];
  readonly #proposed = new Map<number, ProposedEntry>();
  /** Keys that entries on their way touch by anything but a plain take. */
  readonly touched = new TouchedKeys();
  /** Those that the entry of this turn touches. */
  #touched: number[] = [];
  #pendingItems = 0;
  #open = false;

  constructor(options: { readonly maxItems: number; readonly maxBytes: number; readonly stampUs: () => number }) {
    this.#maxItems = options.maxItems;
    this.#maxBytes = options.maxBytes;
    this.#stampUs = options.stampUs;
  }

  /** Items (operations count as one) that are not yet decided. */
  get pendingItems(): number {
    return this.#pendingItems;
  }

  /** Calls `[fromCall, toCall)`, copied at once. */
  addCalls(origin: CallOrigin, batch: CallBatch, fromCall: number, toCall: number, sink: CallSink): void {
    this.#begin();
    const before = this.#writer.items;
    try {
      this.#writer.calls(origin, batch, fromCall, toCall);
    } catch (error) {
      if (!(error instanceof EntryError)) throw error;
      // The entry is as it was before.
      sink.failed(fromCall, toCall, invalidArgument(error.message));
      return;
    }
    this.#pendingItems += this.#writer.items - before;
    this.#waiters.push({ kind: "calls", sink, fromCall, toCall });
    this.#touch(touchedSlots(batch, fromCall, toCall));
    this.#sealIfFull();
  }

  addOperation(
    operation: Exclude<Operation, { kind: "calls" }>,
    done: (outcome: OperationResult | NodeFailure) => void,
  ): void {
    this.#begin();
    try {
      writeOperation(this.#writer, operation);
    } catch (error) {
      if (!(error instanceof EntryError)) throw error;
      done(invalidArgument(error.message));
      return;
    }
    this.#pendingItems += 1;
    this.#waiters.push({ kind: "operation", done });
    this.#touch(slotsOfOperation(operation.kind));
    this.#sealIfFull();
  }

  /** The first entry of a leader (SEMANTICS S5), ahead of everything else. */
  addTakeover(bounds: Bounds | null): void {
    this.#writer.begin({ takeover: true });
    this.#open = true;
    if (bounds !== null) {
      this.#writer.bounds(bounds);
      this.#waiters.push(nobody);
    }
    this.#seal();
  }

  /** An entry without operations, which only moves time (SEMANTICS T3). */
  addStamp(): void {
    this.#begin();
    this.#seal();
  }

  /** Closes the entry of this turn. Returns what is to be proposed, in order; answer with {@link accepted} or {@link refused}. */
  seal(): readonly Uint8Array[] {
    if (this.#open) this.#seal();
    return this.#sealed.map((entry) => entry.data);
  }

  /** The entries of the last {@link seal} are in the log, the first one at `firstIndex`. */
  accepted(firstIndex: number, term: number): void {
    for (const [i, entry] of this.#sealed.entries()) {
      entry.term = term;
      this.#proposed.set(firstIndex + i, entry);
    }
    this.#sealed = [];
  }

  /** None of them was appended. */
  refused(failure: NodeFailure): void {
    const entries = this.#sealed;
    this.#sealed = [];
    for (const entry of entries) this.#fail(entry, failure);
  }

  /** The entry at `index` was applied: whoever proposed it here is told. */
  applied(index: number, term: number, applied: Applied, supersededFailure: () => NodeFailure): void {
    const entry = this.#proposed.get(index);
    if (entry === undefined) return;
    this.#proposed.delete(index);
    if (entry.term !== term) {
      this.#fail(entry, supersededFailure());
      return;
    }
    this.#pendingItems -= entry.items;
    this.touched.remove(entry.touched);
    const { waiters } = entry;
    const { operations } = applied;
    for (let i = 0; i < waiters.length; i++) {
      const next = waiters[i + 1];
      const more = next !== undefined && isMore(waiters[i]!, operations[i]!, next, operations[i + 1]!);
      tell(waiters[i]!, applied, operations[i]!, more);
    }
  }

  /** Another leader's entry without content took this index: what was proposed for it is surely not in the log. */
  superseded(index: number, term: number, failure: () => NodeFailure): void {
    const entry = this.#proposed.get(index);
    if (entry === undefined || entry.term === term) return;
    this.#proposed.delete(index);
    this.#fail(entry, failure());
  }

  /** Leadership is gone: what was appended may or may not survive, what was not surely does not. */
  abandon(appended: NodeFailure, notAppended: NodeFailure): void {
    if (this.#open) this.#seal();
    this.refused(notAppended);
    const entries = [...this.#proposed.values()];
    this.#proposed.clear();
    for (const entry of entries) this.#fail(entry, appended);
  }

  #touch(slots: readonly number[] | null): void {
    if (slots === null) return;
    for (const slot of slots) {
      this.touched.add(slot);
      this.#touched.push(slot);
    }
  }

  #begin(): void {
    if (this.#open) return;
    this.#writer.begin({ takeover: false });
    this.#open = true;
  }

  #sealIfFull(): void {
    if (this.#writer.items >= this.#maxItems || this.#writer.bytes >= this.#maxBytes) this.#seal();
  }

  #seal(): void {
    const operations = this.#waiters.filter((waiter) => waiter.kind === "operation").length;
    const items = this.#writer.items + operations;
    const data = this.#writer.finish(this.#stampUs());
    this.#sealed.push({ data, items, waiters: this.#waiters, touched: this.#touched, term: 0 });
    this.#waiters = [];
    this.#touched = [];
    this.#open = false;
  }

  #fail(entry: ProposedEntry, failure: NodeFailure): void {
    this.#pendingItems -= entry.items;
    this.touched.remove(entry.touched);
    for (const waiter of entry.waiters) {
      if (waiter.kind === "calls") waiter.sink.failed(waiter.fromCall, waiter.toCall, failure);
      else if (waiter.kind === "operation") waiter.done(failure);
    }
  }
}

/** Whether what `next` waits for goes on with the calls of `waiter`, decided by the same entry for the first time. */
function isMore(waiter: Waiter, result: OperationResult, next: Waiter, nextResult: OperationResult): boolean {
  if (waiter.kind !== "calls" || next.kind !== "calls" || waiter.sink !== next.sink) return false;
  return isDecidedHere(result) && isDecidedHere(nextResult);
}

function isDecidedHere(result: OperationResult): boolean {
  return result.kind === "calls" && result.runs === null;
}

function tell(waiter: Waiter, applied: Applied, result: OperationResult, more: boolean): void {
  if (waiter.kind === "calls") {
    if (result.kind !== "calls") throw new Error(`operation of kind ${result.kind} answered calls at ${applied.index}`);
    const { sink, fromCall, toCall } = waiter;
    if (result.runs === null) {
      sink.decided(fromCall, toCall, applied.results, result.from, factsOf(result, false), more);
      return;
    }
    // Retries of calls that earlier entries decided: each run names the entry whose decision it repeats. A run alone has
    // no neighbour that this entry decided, so it is a retry even if both came in one entry.
    for (const run of result.runs) {
      const repeated = run.index !== result.index || result.runs.length === 1;
      sink.decided(fromCall + run.fromCall, fromCall + run.toCall, applied.results, run.from, factsOf(run, repeated));
    }
  } else if (waiter.kind === "operation") {
    waiter.done(result);
  }
}

function factsOf({ index, stampUs }: Pick<DecisionFacts, "index" | "stampUs">, repeated: boolean): DecisionFacts {
  return { index, asOfIndex: index, stampUs, source: "quorum", repeated };
}
