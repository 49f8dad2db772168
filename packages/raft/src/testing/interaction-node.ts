import { decodeConfChange } from "../confchange/codec.ts";
import { createMemoryStorage, type MemoryStorage } from "../log/memory-storage.ts";
import { RaftNode } from "../raft-node.ts";
import {
  type Entry,
  EntryType,
  type HardState,
  type Message,
  type RaftOptions,
  type RaftStorage,
  type Snapshot,
} from "../types.ts";

/** Options of a node but for what the environment itself provides. */
export type InteractionOptions = Omit<RaftOptions, "storage" | "applied">;

/** What a disk does with the next writes: all is well, nothing moves, or the next one fails. */
export type DiskState = "sound" | "stalled" | "failing";

/** A write as it lies on disk: enough to take the last one back, as a torn frame does. */
interface Write {
  readonly hardState: HardState | null;
  readonly entries: readonly Entry[];
  readonly snapshot: Snapshot | null;
}

/**
 * A core with storage in memory and a state machine that strings all applied data together. A new image exists after every entry;
 * those older than the log are what a restart begins with.
 */
export class InteractionNode {
  raft: RaftNode;
  storage: MemoryStorage;
  /** Storage writes not done yet, in asynchronous mode. */
  appendWork: Message[] = [];
  applyWork: Message[] = [];
  up = true;
  disk: DiskState = "sound";
  /** Ticks that this node's clock will miss. */
  stoppedTicks = 0;
  readonly #options: InteractionOptions;
  readonly #founding: Snapshot;
  /** Images of the state machine, oldest first; never empty. */
  #images: Snapshot[];
  /** Everything flushed since the node was made. */
  #writes: Write[] = [];
  /** The highest term it ever wrote. */
  #highestTerm = 0;
  /** The end of its log was lost, and nothing has made up for it yet. */
  #torn = false;

  /** A node that starts from `snapshot`, or, if its index is 0, from nothing. */
  constructor(options: InteractionOptions, snapshot: Snapshot) {
    this.#options = options;
    this.#founding = snapshot;
    this.#images = [snapshot];
    this.storage = createMemoryStorage();
    if (snapshot.index > 0) this.storage.applySnapshot(snapshot);
    this.raft = this.#createRaft();
  }

  newestSnapshot(): Snapshot {
    return this.#images.at(-1)!;
  }

  persist(hardState: HardState | null, entries: readonly Entry[], snapshot: Snapshot | null): void {
    this.#writes.push({ hardState, entries, snapshot });
    this.#highestTerm = Math.max(this.#highestTerm, hardState?.term ?? 0);
    if (snapshot !== null) this.#images.push(snapshot);
    this.#write(hardState, entries, snapshot);
  }

  /** Performs the write that `work` asks for. */
  flush(work: Message): void {
    const { term, vote, commit } = work;
    this.persist(term === 0 && commit === 0 ? null : { term, vote, commit }, work.entries, work.snapshot);
  }

  apply(entries: readonly Entry[]): void {
    for (const entry of entries) this.#images.push(applyEntry(this.raft, this.newestSnapshot(), entry));
  }

  /** The process dies. What was handed to the disk gets there, unless the power failed as well. */
  crash(losesUnflushed: boolean): void {
    if (!losesUnflushed) for (const work of this.appendWork) this.flush(work);
    this.#torn &&= this.raft.status().abstaining;
    this.appendWork = [];
    this.applyWork = [];
    this.up = false;
  }

  /** Takes back the last write: its frame is damaged. @returns whether there was one. */
  tearLastWrite(): boolean {
    if (this.#writes.pop() === undefined) return false;
    const cut = this.storage.firstIndex() - 1;
    this.storage = createMemoryStorage();
    if (this.#founding.index > 0) this.storage.applySnapshot(this.#founding);
    for (const { hardState, entries, snapshot } of this.#writes) this.#write(hardState, entries, snapshot);
    if (cut >= this.storage.firstIndex()) this.storage.compact(cut);
    this.#torn = true;
    return true;
  }

  /** A new process finds what is on disk: the log, and the state machine's image from before its first entry. */
  restart(): void {
    const base = this.storage.firstIndex() - 1;
    this.#images = this.#images.filter(({ index }) => index <= base);
    this.up = true;
    this.disk = "sound";
    this.stoppedTicks = 0;
    // The rule for a node that lost the end of its log (SEMANTICS N2): a term above all that it spoke in, and no vote.
    if (this.#torn) {
      const { commit } = this.storage.initialState().hardState;
      this.persist({ term: this.#highestTerm + 1, vote: this.#options.id, commit }, [], null);
    }
    this.raft = this.#createRaft();
    if (this.#torn) this.raft.abstain();
  }

  #write(hardState: HardState | null, entries: readonly Entry[], snapshot: Snapshot | null): void {
    if (hardState !== null) this.storage.setHardState(hardState);
    if (snapshot !== null) this.storage.applySnapshot(snapshot);
    this.storage.append(entries);
  }

  #createRaft(): RaftNode {
    const { index, confState } = this.newestSnapshot();
    // The log is looked up anew each time: a torn write replaces it.
    const storage: RaftStorage = {
      initialState: () => ({ hardState: this.storage.initialState().hardState, confState }),
      entries: (lo, hi, maxBytes) => this.storage.entries(lo, hi, maxBytes),
      term: (at) => this.storage.term(at),
      firstIndex: () => this.storage.firstIndex(),
      lastIndex: () => this.storage.lastIndex(),
      snapshot: () => this.newestSnapshot(),
    };
    return new RaftNode({ ...this.#options, applied: index, storage });
  }
}

function applyEntry(raft: RaftNode, before: Snapshot, entry: Entry): Snapshot {
  let { confState } = before;
  let update = entry.data;
  if (entry.type !== EntryType.normal) {
    const change = decodeConfChange(entry.data);
    confState = raft.applyConfChange(change);
    update = change?.context ?? entry.data;
  }
  const data = new Uint8Array(before.data.length + update.length);
  data.set(before.data);
  data.set(update, before.data.length);
  return { index: entry.index, term: entry.term, confState, data };
}
