import type { Entry } from "@quorumguard/raft";

/** A position in the log; index and term together name an entry in the whole cluster. */
export interface LogPosition {
  readonly index: number;
  readonly term: number;
}

/**
 * What an entry takes in memory beside its data, in bytes: its object, two views, their buffer and the allocator's share. On disk it
 * takes less: a sector of 512 bytes where every flush has one small entry.
 */
const overheadBytes = 600;

/** The log as Raft reads it: the entries after a known position, in memory, synchronously. */
export class LogView {
  private base: LogPosition;
  private kept: Entry[];
  /** Entries above this count towards {@link bytes}. */
  private snapshotIndex: number;
  private bytesAfterSnapshot = 0;

  constructor(base: LogPosition, entries: readonly Entry[], snapshotIndex: number) {
    this.base = base;
    this.kept = [...entries];
    this.snapshotIndex = snapshotIndex;
    this.recount();
  }

  get firstIndex(): number {
    return this.base.index + 1;
  }

  get lastIndex(): number {
    return this.base.index + this.kept.length;
  }

  /** Bytes that the entries after the newest snapshot take in memory. */
  get bytes(): number {
    return this.bytesAfterSnapshot;
  }

  term(index: number): number | "compacted" | "unavailable" {
    if (index < this.base.index) return "compacted";
    if (index === this.base.index) return this.base.term;
    return this.kept[index - this.firstIndex]?.term ?? "unavailable";
  }

  entries(lo: number, hi: number, maxBytes: number): readonly Entry[] | "compacted" | "unavailable" {
    if (lo < this.firstIndex) return "compacted";
    if (hi > this.lastIndex + 1) return "unavailable";
    const from = lo - this.firstIndex;
    const limit = hi - this.firstIndex;
    let to = from;
    let bytes = 0;
    while (to < limit) {
      bytes += this.kept[to]?.data.length ?? 0;
      if (bytes > maxBytes && to > from) break;
      to += 1;
    }
    return this.kept.slice(from, to);
  }

  /** Replaces everything from the first entry's index on. */
  append(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    if (first.index < this.firstIndex || first.index > this.lastIndex + 1) {
      throw new RangeError(
        `entries start at index ${first.index}, expected ${this.firstIndex} to ${this.lastIndex + 1}: the log has no gaps`,
      );
    }
    const keep = first.index - this.firstIndex;
    for (let at = keep; at < this.kept.length; at += 1) this.count(this.kept[at], -1);
    this.kept.length = keep;
    for (const entry of entries) {
      this.kept.push(entry);
      this.count(entry, 1);
    }
  }

  /** Forgets the whole log: it goes on after `position`. */
  restart(position: LogPosition): void {
    this.base = position;
    this.kept = [];
    this.snapshotIndex = position.index;
    this.bytesAfterSnapshot = 0;
  }

  /** The index at which the log would end if of its entries up to `index` only the last ones were left: so many, of so many bytes. */
  indexBehind(index: number, maxEntries: number, maxBytes: number): number {
    const lowest = Math.max(this.base.index, index - maxEntries);
    let bytes = 0;
    for (let at = index; at > lowest; at -= 1) {
      bytes += keptBytes(this.kept[at - this.firstIndex]!);
      if (bytes > maxBytes) return at;
    }
    return lowest;
  }

  /** Drops the entries up to `index`. */
  compact(index: number): void {
    const term = this.term(index);
    if (typeof term === "string") return;
    this.kept = this.kept.slice(index - this.base.index);
    this.base = { index, term };
  }

  /** A snapshot covers everything up to `index` now. */
  covered(index: number): void {
    this.snapshotIndex = Math.max(this.snapshotIndex, index);
    this.recount();
  }

  private recount(): void {
    this.bytesAfterSnapshot = 0;
    for (const entry of this.kept) this.count(entry, 1);
  }

  private count(entry: Entry | undefined, sign: 1 | -1): void {
    if (entry !== undefined && entry.index > this.snapshotIndex) this.bytesAfterSnapshot += sign * keptBytes(entry);
  }
}

function keptBytes(entry: Entry): number {
  return overheadBytes + entry.data.length;
}
