/**
 * Where a witness keeps the data of entries, by far the most of what it remembers: in memory, or in a file of which it
 * holds only places and checksums.
 */
export interface EntryDataStore<Kept> {
  /** Takes a copy: the bytes are the caller's, and may change. */
  keep(data: Uint8Array): Kept;
  /** Whether what was kept is, as far as the store can tell, the same as this. */
  isSame(kept: Kept, data: Uint8Array): boolean;
  read(kept: Kept): Uint8Array;
}

/** Keeps the bytes themselves, for runs that are short or that must be exact. */
export const memoryDataStore: EntryDataStore<Uint8Array> = {
  keep: (data) => data.slice(),
  isSame: (kept, data) => kept.length === data.length && kept.every((byte, at) => byte === data[at]),
  read: (kept) => kept,
};
