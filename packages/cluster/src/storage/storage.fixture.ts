import type { ConfState, Entry } from "@quorumguard/raft";
import type { FileSystem } from "./file-system.ts";
import { openStorage } from "./open-storage.ts";
import type { Identity, Storage, StorageOptions } from "./storage.ts";

/** Whose folders the tests use. */
export const identity: Identity = {
  clusterId: "0123456789abcdef0123456789abcdef",
  nodeId: 3,
  founders: [{ nodeId: 3, nonce: "n3" }],
  formatVersion: 1,
};

/** Three voters. */
export const confState: ConfState = {
  voters: [1, 2, 3],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
};

/** Options whose random bytes are a counter, and which fail the test if storage fails unexpectedly. */
export function testOptions(overrides: Partial<StorageOptions> = {}): StorageOptions {
  let made = 0;
  return {
    segmentBytes: 64 << 10,
    monotonicMs: () => 0,
    randomBytes: (length) => {
      made += 1;
      const bytes = Buffer.alloc(length);
      bytes.writeUInt32LE(made, 0);
      bytes.writeUInt32LE(0x5eed, length - 4);
      return bytes;
    },
    onFatal: (error) => {
      throw error;
    },
    ...overrides,
  };
}

/** Opens and, in an empty folder, sets up. */
export async function openForTest(files: FileSystem, overrides: Partial<StorageOptions> = {}): Promise<Storage> {
  const storage = await openStorage(files, testOptions(overrides));
  if (storage.identity === null) await storage.saveIdentity(identity);
  return storage;
}

/** `count` entries from `index` on, whose data say which they are. */
export function entriesFrom(index: number, count: number, term: number, bytes = 20): Entry[] {
  return Array.from({ length: count }, (_, i) => ({
    term,
    index: index + i,
    type: 0 as const,
    data: Buffer.alloc(bytes, `${index + i}@${term};`),
  }));
}

/** Appends and waits until it is durable. */
export function appendDurably(storage: Storage, entries: readonly Entry[], term = 1): Promise<void> {
  const commit = storage.initialState().hardState.commit;
  return new Promise((resolve) =>
    storage.append({ hardState: { term, vote: 3, commit }, entries, snapshot: null }, resolve),
  );
}

/** Writes and publishes an image of our own at an index of the log. */
export async function takeSnapshot(
  storage: Storage,
  index: number,
  term: number,
  pieces: readonly string[],
): Promise<void> {
  const writer = await storage.writeSnapshot({ index, term, confState });
  for (const piece of pieces) await writer.write(Buffer.from(piece));
  await writer.commit();
}

/** The log as (index, term, data), for comparison. */
export function logOf(storage: Storage): readonly string[] {
  const found = storage.entries(storage.firstIndex(), storage.lastIndex() + 1, Number.POSITIVE_INFINITY);
  if (typeof found === "string") throw new Error(found);
  return found.map((entry) => `${entry.index} ${entry.term} ${Buffer.from(entry.data).toString("latin1")}`);
}
