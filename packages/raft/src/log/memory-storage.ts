import { noEntries } from "../message.ts";
import type { ConfState, Entry, HardState, RaftStorage, Snapshot } from "../types.ts";
import { limitBytes } from "./entries.ts";

/** A `RaftStorage` in memory, with the writes that a node's storage would make durable. */
export interface MemoryStorage extends RaftStorage {
  setHardState(hardState: HardState): void;
  /** Appends consecutive entries; they replace what stood at and after the first of them. */
  append(entries: readonly Entry[]): void;
  /** The snapshot replaces the log. An older one than the current is ignored. */
  applySnapshot(snapshot: Snapshot): void;
  /** Records an image of what was applied up to `index`; the log stays. */
  createSnapshot(index: number, confState: ConfState, data: Uint8Array): Snapshot;
  /** Forgets entries up to and including `index`. */
  compact(index: number): void;
}

const emptyConfState: ConfState = {
  voters: [],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
};

class InMemoryStorage implements MemoryStorage {
  #hardState: HardState = { term: 0, vote: 0, commit: 0 };
  #snapshot: Snapshot;
  /** The entry before the first one: where the log was cut. */
  #cutIndex: number;
  #cutTerm: number;
  #entries: Entry[] = [];

  constructor(confState: ConfState) {
    this.#snapshot = { index: 0, term: 0, confState, data: new Uint8Array(0) };
    this.#cutIndex = 0;
    this.#cutTerm = 0;
  }

  initialState(): { readonly hardState: HardState; readonly confState: ConfState } {
    return { hardState: this.#hardState, confState: this.#snapshot.confState };
  }

  entries(lo: number, hi: number, maxBytes: number): readonly Entry[] | "compacted" | "unavailable" {
    if (lo <= this.#cutIndex) return "compacted";
    if (hi > this.lastIndex() + 1) return "unavailable";
    if (lo >= hi) return noEntries;
    return limitBytes(this.#entries.slice(lo - this.#cutIndex - 1, hi - this.#cutIndex - 1), maxBytes);
  }

  term(index: number): number | "compacted" | "unavailable" {
    if (index < this.#cutIndex) return "compacted";
    if (index === this.#cutIndex) return this.#cutTerm;
    return this.#entries[index - this.#cutIndex - 1]?.term ?? "unavailable";
  }

  firstIndex(): number {
    return this.#cutIndex + 1;
  }

  lastIndex(): number {
    return this.#cutIndex + this.#entries.length;
  }

  snapshot(): Snapshot | "unavailable" {
    return this.#snapshot;
  }

  setHardState(hardState: HardState): void {
    this.#hardState = hardState;
  }

  append(entries: readonly Entry[]): void {
    const fresh = entries.filter((entry) => entry.index > this.#cutIndex);
    if (fresh.length === 0) return;
    const keep = fresh[0]!.index - this.#cutIndex - 1;
    if (keep > this.#entries.length) throw new Error(`append at ${fresh[0]!.index} after ${this.lastIndex()}: a gap`);
    this.#entries.length = keep;
    this.#entries.push(...fresh);
  }

  applySnapshot(snapshot: Snapshot): void {
    if (snapshot.index <= this.#snapshot.index) return;
    this.#snapshot = snapshot;
    this.#cutIndex = snapshot.index;
    this.#cutTerm = snapshot.term;
    this.#entries = [];
  }

  createSnapshot(index: number, confState: ConfState, data: Uint8Array): Snapshot {
    const term = this.term(index);
    if (typeof term !== "number") throw new Error(`snapshot index ${index} is ${term}`);
    this.#snapshot = { index, term, confState, data };
    return this.#snapshot;
  }

  compact(index: number): void {
    const term = this.term(index);
    if (typeof term !== "number") throw new Error(`compact index ${index} is ${term}`);
    this.#entries.splice(0, index - this.#cutIndex);
    this.#cutIndex = index;
    this.#cutTerm = term;
  }
}

/** A log in memory for tests and simulations; `confState` is the membership that a fresh node starts with. */
export function createMemoryStorage(confState: ConfState = emptyConfState): MemoryStorage {
  return new InMemoryStorage(confState);
}
