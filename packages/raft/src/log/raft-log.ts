import { assert } from "../assert.ts";
import { noEntries } from "../message.ts";
import { type Entry, EntryType, type RaftStorage, type Snapshot } from "../types.ts";
import { dataBytes } from "./entries.ts";
import { UnstableLog } from "./unstable.ts";

/** What `entries` count towards the bound on what is being applied: empty ones are work, too. */
function applyingBytes(entries: readonly Entry[]): number {
  return entries.reduce((bytes, { data }) => bytes + Math.max(1, data.length), 0);
}

/** The longest prefix within `maxBytes`, but at least one entry. */
function limitApplying(entries: readonly Entry[], maxBytes: number): readonly Entry[] {
  let bytes = 0;
  const end = entries.findIndex((entry, position) => {
    bytes += Math.max(1, entry.data.length);
    return bytes > maxBytes && position > 0;
  });
  return end < 0 ? entries : entries.slice(0, end);
}

/** How many bytes one page of a scan over the log may hold. */
const scanPageBytes = 1 << 20;

/**
 * The log as the protocol sees it: storage, then the unstable tail. Invariant: applied ≤ applying ≤ committed ≤ lastIndex.
 * `applying` marks what was handed to the state machine, `applied` what it reported done.
 */
export class RaftLog {
  readonly storage: RaftStorage;
  readonly unstable: UnstableLog;
  committed: number;
  applying: number;
  applied: number;
  readonly #maxApplyingBytes: number;
  #applyingBytes = 0;
  #applyingPaused = false;

  constructor(storage: RaftStorage, maxApplyingBytes: number) {
    this.storage = storage;
    this.unstable = new UnstableLog(storage.lastIndex() + 1);
    const snapshotIndex = storage.firstIndex() - 1;
    this.committed = snapshotIndex;
    this.applying = snapshotIndex;
    this.applied = snapshotIndex;
    this.#maxApplyingBytes = maxApplyingBytes;
  }

  firstIndex(): number {
    return this.unstable.snapshot === null ? this.storage.firstIndex() : this.unstable.snapshot.index + 1;
  }

  lastIndex(): number {
    const unstableLast = this.unstable.lastIndex();
    return unstableLast >= 0 ? unstableLast : this.storage.lastIndex();
  }

  lastTerm(): number {
    const term = this.term(this.lastIndex());
    assert(typeof term === "number", `the last entry's term is ${term}`);
    return term;
  }

  /** Term of the entry at `index`, from `firstIndex - 1` on. */
  term(index: number): number | "compacted" | "unavailable" {
    const term = this.unstable.term(index);
    if (term >= 0) return term;
    if (index + 1 < this.firstIndex()) return "compacted";
    if (index > this.lastIndex()) return "unavailable";
    return this.storage.term(index);
  }

  /** Whether the entry at `index` exists with `term`: by the log matching property, all before it then agree as well. */
  matches(index: number, term: number): boolean {
    return this.term(index) === term;
  }

  /** Whether a log that ends with (`lastTerm`, `lastIndex`) holds everything that this one may have committed (thesis §3.6.1). */
  isUpToDate(lastTerm: number, lastIndex: number): boolean {
    const ownTerm = this.lastTerm();
    return lastTerm > ownTerm || (lastTerm === ownTerm && lastIndex >= this.lastIndex());
  }

  /** A prefix of `[lo, hi)` of at most `maxBytes`, but at least one entry. */
  slice(lo: number, hi: number, maxBytes: number): readonly Entry[] | "compacted" {
    if (lo >= hi) return noEntries;
    if (lo < this.firstIndex()) return "compacted";
    assert(hi <= this.lastIndex() + 1, `slice up to ${hi} beyond the last index ${this.lastIndex()}`);
    const { offset } = this.unstable;
    if (lo >= offset) return this.unstable.slice(lo, hi, maxBytes);
    const stored = this.storage.entries(lo, Math.min(hi, offset), maxBytes);
    if (stored === "compacted") return stored;
    assert(stored !== "unavailable", `storage lacks entries [${lo}, ${Math.min(hi, offset)})`);
    if (hi <= offset || stored.length < offset - lo) return stored;
    const restBytes = maxBytes - dataBytes(stored);
    const rest = restBytes > 0 ? this.unstable.slice(offset, hi, restBytes) : noEntries;
    // The first of the rest is included even if it does not fit.
    if (rest.length === 0 || rest[0]!.data.length > restBytes) return stored;
    return stored.concat(rest);
  }

  /** Entries from `lo` on, at most `maxBytes` of them. */
  entriesFrom(lo: number, maxBytes: number): readonly Entry[] | "compacted" {
    return this.slice(lo, this.lastIndex() + 1, maxBytes);
  }

  snapshot(): Snapshot | "unavailable" {
    return this.unstable.snapshot ?? this.storage.snapshot();
  }

  /** Appends entries that are known not to contradict anything committed. */
  append(entries: readonly Entry[]): number {
    if (entries.length > 0) {
      const first = entries[0]!.index;
      assert(first > this.committed, `entry ${first} would replace a committed one (committed ${this.committed})`);
      this.unstable.truncateAndAppend(entries);
    }
    return this.lastIndex();
  }

  /**
   * A leader's entries after (`previousIndex`, `previousTerm`). Only entries that really contradict ours replace them: an old
   * message that arrives late must not cut off what a newer one already appended (thesis §3.5).
   * @returns the last index that this message has verified, or -1 if the logs do not agree at `previousIndex`.
   */
  maybeAppend(previousIndex: number, previousTerm: number, entries: readonly Entry[], leaderCommit: number): number {
    if (!this.matches(previousIndex, previousTerm)) return -1;
    const verified = previousIndex + entries.length;
    const conflict = entries.findIndex((entry) => !this.matches(entry.index, entry.term));
    if (conflict >= 0) this.append(conflict === 0 ? entries : entries.slice(conflict));
    // What follows `verified` may belong to an older leader, so the leader's commit index does not speak for it.
    this.commitTo(Math.min(leaderCommit, verified));
    return verified;
  }

  /**
   * The greatest index at or below `index` whose term is at most `term`: where two logs may still agree. Skips whole terms, so
   * that probing takes as many rounds as there are differing terms, not entries. An unknown term is reported as 0.
   */
  findConflictByTerm(index: number, term: number): { readonly index: number; readonly term: number } {
    for (let probe = index; probe > 0; probe--) {
      const own = this.term(probe);
      if (typeof own !== "number") return { index: probe, term: 0 };
      if (own <= term) return { index: probe, term: own };
    }
    return { index: 0, term: 0 };
  }

  commitTo(index: number): void {
    if (index <= this.committed) return;
    assert(
      index <= this.lastIndex(),
      `commit index ${index} is beyond the last index ${this.lastIndex()}: acknowledged entries were lost`,
    );
    this.committed = index;
  }

  /** A leader commits by counting replicas only entries of its own term (thesis §3.6.2). */
  maybeCommit(index: number, term: number): boolean {
    if (index <= this.committed || !this.matches(index, term)) return false;
    this.commitTo(index);
    return true;
  }

  #maxAppliable(allowUnstable: boolean): number {
    return allowUnstable ? this.committed : Math.min(this.committed, this.unstable.offset - 1);
  }

  hasNextCommittedEntries(allowUnstable: boolean): boolean {
    if (this.#applyingPaused || this.unstable.snapshot !== null) return false;
    return this.applying < this.#maxAppliable(allowUnstable);
  }

  /** Committed entries to apply next. With asynchronous writes only those that are durable here as well. */
  nextCommittedEntries(allowUnstable: boolean): readonly Entry[] {
    if (!this.hasNextCommittedEntries(allowUnstable)) return noEntries;
    const maxBytes = this.#maxApplyingBytes - this.#applyingBytes;
    const entries = this.slice(this.applying + 1, this.#maxAppliable(allowUnstable) + 1, maxBytes);
    assert(entries !== "compacted", `entry ${this.applying + 1} was compacted before it was applied`);
    return limitApplying(entries, maxBytes);
  }

  /** `entries` were handed to the state machine. */
  acceptApplying(entries: readonly Entry[], allowUnstable: boolean): void {
    const last = entries.at(-1);
    if (last === undefined) return;
    this.applying = last.index;
    this.#applyingBytes += applyingBytes(entries);
    this.#applyingPaused =
      this.#applyingBytes >= this.#maxApplyingBytes || last.index < this.#maxAppliable(allowUnstable);
  }

  /** The state machine has applied `entries`, or in some other way got to `index`. */
  appliedTo(index: number, entries: readonly Entry[] = noEntries): void {
    assert(index <= this.committed, `applied ${index} is beyond committed ${this.committed}`);
    assert(index >= this.applied, `applied ${index} is before ${this.applied}`);
    this.applied = index;
    this.applying = Math.max(this.applying, index);
    this.#applyingBytes = Math.max(0, this.#applyingBytes - applyingBytes(entries));
    this.#applyingPaused = this.#applyingBytes >= this.#maxApplyingBytes;
  }

  /** The log gives way to a snapshot of committed state. */
  restore(snapshot: Snapshot): void {
    this.committed = snapshot.index;
    this.unstable.restore(snapshot);
  }

  /** Whether a membership change is committed here but not applied yet: its voters are not known. */
  hasUnappliedConfChange(): boolean {
    let lo = Math.max(this.applied + 1, this.firstIndex());
    while (lo <= this.committed) {
      const page = this.slice(lo, this.committed + 1, scanPageBytes);
      assert(page !== "compacted" && page.length > 0, `cannot read committed entries from ${lo}`);
      if (page.some((entry) => entry.type !== EntryType.normal)) return true;
      lo += page.length;
    }
    return false;
  }
}
