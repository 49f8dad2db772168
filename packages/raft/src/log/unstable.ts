import { assert } from "../assert.ts";
import { noEntries } from "../message.ts";
import type { Entry, Snapshot } from "../types.ts";

/**
 * The tail of the log that storage has not yet confirmed as durable, and a snapshot it has not yet confirmed as installed.
 * `offset` is the index of the first entry kept here; entries before `offsetInProgress` were already handed to storage.
 */
export class UnstableLog {
  offset: number;
  offsetInProgress: number;
  snapshot: Snapshot | null = null;
  snapshotInProgress = false;
  #entries: Entry[] = [];

  constructor(offset: number) {
    this.offset = offset;
    this.offsetInProgress = offset;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** The last index known here, or -1 if storage has to be asked. */
  lastIndex(): number {
    if (this.#entries.length > 0) return this.offset + this.#entries.length - 1;
    return this.snapshot === null ? -1 : this.snapshot.index;
  }

  /** The term at `index`, or -1 if it is not known here. */
  term(index: number): number {
    if (index < this.offset) return this.snapshot !== null && this.snapshot.index === index ? this.snapshot.term : -1;
    return this.#entries[index - this.offset]?.term ?? -1;
  }

  hasNextEntries(): boolean {
    return this.offset + this.#entries.length > this.offsetInProgress;
  }

  /** Entries not yet handed to storage. A copy: later truncations must not reach into a write under way. */
  nextEntries(): readonly Entry[] {
    return this.hasNextEntries() ? this.#entries.slice(this.offsetInProgress - this.offset) : noEntries;
  }

  /** The snapshot not yet handed to storage. */
  nextSnapshot(): Snapshot | null {
    return this.snapshotInProgress ? null : this.snapshot;
  }

  /** Entries of `[lo, hi)`, at least one, then as many as fit in `maxBytes`: a long backlog is not copied to send its start. */
  slice(lo: number, hi: number, maxBytes: number): readonly Entry[] {
    assert(this.offset <= lo && lo <= hi && hi <= this.offset + this.#entries.length, `unstable slice [${lo}, ${hi})`);
    const start = lo - this.offset;
    const limit = hi - this.offset;
    let end = start;
    for (let bytes = 0; end < limit; end++) {
      bytes += this.#entries[end]!.data.length;
      if (bytes > maxBytes && end > start) break;
    }
    return this.#entries.slice(start, end);
  }

  /** Everything here is being written now. */
  acceptInProgress(): void {
    this.offsetInProgress = this.offset + this.#entries.length;
    if (this.snapshot !== null) this.snapshotInProgress = true;
  }

  /**
   * Storage has flushed the log up to `index`, where the entry had `term`. If another entry took its place since, the
   * report says nothing about what is here now: it is ignored, and the later write will report for itself.
   */
  stableTo(index: number, term: number): boolean {
    const held = this.#entries[index - this.offset];
    if (index < this.offset || held === undefined || held.term !== term) return false;
    this.#entries.splice(0, index + 1 - this.offset);
    this.offset = index + 1;
    this.offsetInProgress = Math.max(this.offsetInProgress, this.offset);
    return true;
  }

  stableSnapshotTo(index: number): void {
    if (this.snapshot === null || this.snapshot.index !== index) return;
    this.snapshot = null;
    this.snapshotInProgress = false;
  }

  /** The log is replaced by a snapshot. */
  restore(snapshot: Snapshot): void {
    this.offset = snapshot.index + 1;
    this.offsetInProgress = this.offset;
    this.#entries = [];
    this.snapshot = snapshot;
    this.snapshotInProgress = false;
  }

  /** Appends consecutive entries; whatever stood at or after the first of them is gone, and must be written again. */
  truncateAndAppend(entries: readonly Entry[]): void {
    const from = entries[0]!.index;
    if (from <= this.offset) {
      this.#entries = entries.slice();
      this.offset = from;
      this.offsetInProgress = from;
      return;
    }
    assert(from <= this.offset + this.#entries.length, `append at ${from} leaves a gap`);
    this.#entries.length = from - this.offset;
    this.offsetInProgress = Math.min(this.offsetInProgress, from);
    for (const entry of entries) this.#entries.push(entry);
  }
}
