import { decodeConfChange } from "../confchange/codec.ts";
import { createMemoryStorage, type MemoryStorage } from "../log/memory-storage.ts";
import { RaftNode } from "../raft-node.ts";
import {
  type ConfState,
  type Entry,
  EntryType,
  type HardState,
  type Message,
  type RaftOptions,
  type Snapshot,
} from "../types.ts";

/**
 * A core with storage in memory and a state machine that strings all applied data together. A new image exists after every entry.
 */
export interface InteractionNode {
  readonly raft: RaftNode;
  readonly storage: MemoryStorage;
  /** Storage writes not done yet, in asynchronous mode. */
  readonly appendWork: Message[];
  readonly applyWork: Message[];
  persist(hardState: HardState | null, entries: readonly Entry[], snapshot: Snapshot | null): void;
  apply(entries: readonly Entry[]): void;
  newestSnapshot(): Snapshot;
}

/** Options of a node but for what the environment itself provides. */
export type InteractionOptions = Omit<RaftOptions, "storage" | "applied">;

/** A node that starts from `snapshot`, or, if its index is 0, from nothing. */
export function createInteractionNode(options: InteractionOptions, snapshot: Snapshot): InteractionNode {
  const storage = createMemoryStorage();
  if (snapshot.index > 0) storage.applySnapshot(snapshot);
  let newest = snapshot;
  const raft = new RaftNode({
    ...options,
    applied: snapshot.index,
    storage: {
      initialState: () => storage.initialState(),
      entries: (lo, hi, maxBytes) => storage.entries(lo, hi, maxBytes),
      term: (index) => storage.term(index),
      firstIndex: () => storage.firstIndex(),
      lastIndex: () => storage.lastIndex(),
      snapshot: () => newest,
    },
  });
  return {
    raft,
    storage,
    appendWork: [],
    applyWork: [],
    newestSnapshot: () => newest,
    persist(hardState, entries, installed) {
      if (hardState !== null) storage.setHardState(hardState);
      if (installed !== null) {
        storage.applySnapshot(installed);
        newest = installed;
      }
      storage.append(entries);
    },
    apply(entries) {
      for (const entry of entries) newest = applyEntry(raft, newest, entry);
    },
  };
}

function applyEntry(raft: RaftNode, before: Snapshot, entry: Entry): Snapshot {
  let confState: ConfState = before.confState;
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
