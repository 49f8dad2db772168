import type { ConfState, Entry, HardState, Snapshot } from "@quorumguard/raft";
import type { FileSystem } from "./file-system.ts";
import { validateIdentity, writeIdentity } from "./identity-file.ts";
import { LogView } from "./log-view.ts";
import { createLog, type LogStart, LogWriter, noLogStats } from "./log-writer.ts";
import { emptyMeta, MetaSlots } from "./meta-slots.ts";
import { SnapshotStore } from "./snapshot-store.ts";
import type {
  Identity,
  Recovery,
  SnapshotMeta,
  SnapshotReader,
  SnapshotWriter,
  Storage,
  StorageOptions,
  StorageStats,
  StorageWrite,
} from "./storage.ts";
import { failedWrite, StorageError } from "./storage-error.ts";
import { reservedTerms } from "./term-bound.ts";

/** How long the log must have been idle before META says that its last frame is durable. */
const idleMs = 100;
/** A log that is never idle says so as often as this: what is older can be neither torn nor put back unnoticed. */
const busyNoteMs = 1_000;
const noMembers: ConfState = { voters: [], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
const noData = new Uint8Array(0);

/** What a folder with an identity holds once it is recovered. */
export interface Opened {
  readonly identity: Identity;
  readonly meta: MetaSlots;
  readonly log: LogStart;
  readonly view: LogView;
  readonly snapshots: SnapshotStore;
  readonly hardState: HardState;
}

/** A {@link Storage} over one data folder: a log of segments, and whole snapshots beside it. */
export class DiskStorage implements Storage {
  readonly recovery: Recovery;
  private readonly files: FileSystem;
  private readonly options: StorageOptions;
  private opened: Opened | null = null;
  /** The making of a new folder's files, once it was begun. */
  private saving: Promise<void> | null = null;
  private writer: LogWriter | null = null;
  /** As handed in; durable a flush later. */
  private hardState: HardState = { term: 0, vote: 0, commit: 0 };
  /** A snapshot that the log was told to switch to, and that the store has not renamed yet. */
  private installing: SnapshotMeta | null = null;
  private commitUnwritten = false;
  private cancelIdle: (() => void) | null = null;
  /** When META was last told of the log, or the log last began to be written; null while it is idle. */
  private notedMs: number | null = null;
  private failed = false;
  private closed = false;

  constructor(files: FileSystem, options: StorageOptions, recovery: Recovery, opened: Opened | null) {
    this.files = files;
    this.options = options;
    this.recovery = recovery;
    if (opened !== null) this.start(opened);
  }

  get identity(): Identity | null {
    return this.opened?.identity ?? null;
  }

  saveIdentity(identity: Identity): Promise<void> {
    this.saving = this.makeFiles(identity);
    return this.saving;
  }

  private async makeFiles(identity: Identity): Promise<void> {
    validateIdentity(identity);
    const present = this.identity;
    if (present !== null) {
      if (JSON.stringify(present) === JSON.stringify(identity)) return;
      const problem = `the folder belongs to node ${present.nodeId} of cluster ${present.clusterId} and cannot be given to another`;
      throw new StorageError("identity", null, problem);
    }
    const meta = await MetaSlots.create(this.files, { ...emptyMeta, firstSequence: 1, termBound: reservedTerms });
    const log = await createLog(this.files, identity, this.options);
    await writeIdentity(this.files, identity);
    const view = new LogView({ index: 0, term: 0 }, [], 0);
    const snapshots = new SnapshotStore(this.files, identity.clusterId);
    this.start({ identity, meta, log, view, snapshots, hardState: log.hardState });
  }

  async settleDroppedFrame(): Promise<void> {
    const { meta, writer } = this.use();
    if (!meta.current.droppedLastFrame && meta.current.damaged === null) return;
    // First a frame that no longer says so, then the note: if only the first becomes durable, the node goes on abstaining.
    writer.returns();
    writer.append({ hardState: this.hardState, entries: [], snapshot: null }, () => {});
    await writer.settled();
    if (this.failed || this.closed) return;
    await meta.writeTwice({ droppedLastFrame: false, damaged: null });
  }

  async noteLostEnd(term: number): Promise<void> {
    const { meta } = this.use();
    // An old copy of the folder may know of none of the terms that were entered since.
    await meta.writeTwice({ droppedLastFrame: true, termBound: Math.max(meta.current.termBound, term) });
  }

  append(write: StorageWrite, done: () => void): void {
    if (this.failed) return;
    const { view, writer, snapshots } = this.use();
    const before = this.hardState;
    if (write.hardState !== null) this.hardState = write.hardState;
    if (write.snapshot !== null) {
      this.installing = write.snapshot;
      snapshots.claim(write.snapshot);
      view.restart(write.snapshot);
      this.raiseHardState(write.snapshot);
    }
    view.append(write.entries);
    if (write.entries.length === 0 && write.snapshot === null && sameVote(before, this.hardState)) {
      // Losing the commit index costs a restarted node nothing but a moment: it is no reason to flush.
      const rides = writer.follow(this.hardState, done);
      this.commitUnwritten = !rides && (this.commitUnwritten || before.commit !== this.hardState.commit);
      return;
    }
    this.commitUnwritten = false;
    writer.append({ ...write, hardState: this.hardState }, () => {
      done();
      this.idleSoon();
    });
  }

  async writeSnapshot(meta: SnapshotMeta): Promise<SnapshotWriter> {
    const { snapshots, meta: known } = this.use();
    return snapshots.write(meta, async () => {
      this.published(meta);
      await known.write({ snapshotIndex: meta.index });
    });
  }

  async receiveSnapshot(meta: SnapshotMeta): Promise<SnapshotWriter> {
    return this.use().snapshots.receive(meta);
  }

  async openSnapshot(): Promise<SnapshotReader | null> {
    const { writer, snapshots } = this.use();
    if (this.installing !== null) await writer.settled();
    return snapshots.open();
  }

  async compact(index: number): Promise<void> {
    const { view, writer, snapshots } = this.use();
    const covered = this.installing?.index ?? snapshots.current?.index ?? 0;
    if (index > covered) {
      throw new RangeError(`compact to index ${index}: the newest snapshot covers only up to index ${covered}`);
    }
    view.compact(index);
    // Until the log has switched to a received snapshot, durably, what is before it is all that this node has.
    if (this.installing !== null) await writer.settled();
    if (!this.failed && !this.closed) await writer.dropSegments(index);
  }

  get snapshotBytes(): number {
    return this.opened?.snapshots.currentBytes ?? 0;
  }

  indexBehind(index: number, maxEntries: number, maxBytes: number): number {
    return this.use().view.indexBehind(index, maxEntries, maxBytes);
  }

  get logBytes(): number {
    return this.opened?.view.bytes ?? 0;
  }

  get stats(): StorageStats {
    return this.writer?.stats() ?? noLogStats;
  }

  /** @throws {StorageError} when the disk does not take the last note; all files are closed, and nothing acknowledged is lost. */
  async close(): Promise<void> {
    if (this.closed) return;
    // What is being made must be there as a whole before it can be closed.
    await this.saving?.catch(() => {});
    const { opened, writer } = this;
    if (opened === null || writer === null) {
      this.closed = true;
      return;
    }
    if (this.commitUnwritten && !this.failed)
      writer.append({ hardState: this.hardState, entries: [], snapshot: null }, () => {});
    await writer.settled();
    this.closed = true;
    this.cancelIdle?.();
    await opened.snapshots.settled();
    try {
      if (!this.failed) await this.recordDurable();
    } finally {
      await writer.close();
      await opened.meta.close();
    }
  }

  initialState(): { readonly hardState: HardState; readonly confState: ConfState } {
    return { hardState: this.hardState, confState: this.newest()?.confState ?? noMembers };
  }

  entries(lo: number, hi: number, maxBytes: number): readonly Entry[] | "compacted" | "unavailable" {
    return this.opened?.view.entries(lo, hi, maxBytes) ?? "unavailable";
  }

  term(index: number): number | "compacted" | "unavailable" {
    if (this.opened === null) return index === 0 ? 0 : "unavailable";
    return this.opened.view.term(index);
  }

  firstIndex(): number {
    return this.opened?.view.firstIndex ?? 1;
  }

  lastIndex(): number {
    return this.opened?.view.lastIndex ?? 0;
  }

  snapshot(): Snapshot | "unavailable" {
    const newest = this.newest();
    return newest === null ? "unavailable" : { ...newest, data: noData };
  }

  private newest(): SnapshotMeta | null {
    return this.installing ?? this.opened?.snapshots.current ?? null;
  }

  private start(opened: Opened): void {
    this.opened = opened;
    this.hardState = opened.hardState;
    this.writer = new LogWriter(this.files, opened.identity, this.options, opened.log, {
      entering: async (term) => {
        if (term > opened.meta.current.termBound) await opened.meta.writeTwice({ termBound: term + reservedTerms });
      },
      restarted: async (snapshot) => {
        await opened.snapshots.install(snapshot);
        await opened.meta.write({ snapshotIndex: snapshot.index });
        if (this.installing?.index === snapshot.index) this.installing = null;
      },
      // A slot that named a removed segment as the first would make a sound folder refuse once the other slot is damaged.
      dropping: (firstSequence) => opened.meta.writeTwice({ firstSequence }),
      failed: (error) => this.fail(error),
    });
  }

  /** A snapshot of our own counts now. It may be ahead of the log: the first one of a cluster is. */
  private published(meta: SnapshotMeta): void {
    const { view } = this.use();
    if (meta.index > view.lastIndex) view.restart(meta);
    else view.covered(meta.index);
    this.raiseHardState(meta);
  }

  private raiseHardState(meta: SnapshotMeta): void {
    this.hardState = atLeast(this.hardState, meta);
  }

  /** Says in META that the last frame is durable, once nothing has been written for a while, or it is time. */
  private idleSoon(): void {
    if (this.options.setTimer === undefined) return;
    const nowMs = this.options.monotonicMs();
    this.notedMs ??= nowMs;
    if (nowMs - this.notedMs >= busyNoteMs) {
      this.notedMs = nowMs;
      this.recordDurable().catch((error) => this.fail(error));
    }
    this.cancelIdle?.();
    this.cancelIdle =
      this.options.setTimer?.(() => {
        this.cancelIdle = null;
        this.notedMs = null;
        this.recordDurable().catch((error) => this.fail(error));
      }, idleMs) ?? null;
  }

  private async recordDurable(): Promise<void> {
    const { opened, writer } = this;
    if (opened === null || writer === null) return;
    const { meta } = opened;
    if (meta.current.durableSequence === writer.durableSequence) return;
    await meta.write({ durableSequence: writer.durableSequence }).catch((error: unknown) => {
      throw failedWrite("meta", null, error);
    });
  }

  private fail(error: Error): void {
    if (this.failed || this.closed) return;
    this.failed = true;
    this.cancelIdle?.();
    this.writer?.stop();
    this.options.onFatal(error);
  }

  private use(): Opened & { readonly writer: LogWriter } {
    if (this.closed) throw new Error("the storage is closed");
    if (this.opened === null || this.writer === null) {
      throw new Error("the data folder has no identity yet: call saveIdentity first");
    }
    return { ...this.opened, writer: this.writer };
  }
}

/** The hard state of a node that has this snapshot. Never lowers anything. */
export function atLeast(hardState: HardState, snapshot: SnapshotMeta): HardState {
  const commit = Math.max(hardState.commit, snapshot.index);
  if (hardState.term >= snapshot.term) return { ...hardState, commit };
  return { term: snapshot.term, vote: 0, commit };
}

function sameVote(a: HardState, b: HardState): boolean {
  return a.term === b.term && a.vote === b.vote;
}
