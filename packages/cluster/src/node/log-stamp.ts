import { EntryType, type RaftStorage } from "@quorumguard/raft";

/** Where an entry of the limiter carries its stamp: after format version, flags and state-machine version. */
const stampOffset = 4;

/** The term of the last entry in the log from before `term`, or 0: the latest leader whose line is known to have begun. */
export function lastTermBefore(storage: RaftStorage, term: number): number {
  for (let index = storage.lastIndex(); index >= storage.firstIndex() - 1; index--) {
    const found = storage.term(index);
    if (typeof found === "string") return 0;
    if (found < term) return found;
  }
  return 0;
}

/** The newest stamp among the entries after `applied` that are in the log, or 0. A new leader must not go behind it. */
export function lastStampUs(storage: RaftStorage, applied: number): number {
  for (let index = storage.lastIndex(); index > applied && index >= storage.firstIndex(); index--) {
    const entries = storage.entries(index, index + 1, Number.MAX_SAFE_INTEGER);
    if (typeof entries === "string") return 0;
    const [entry] = entries;
    // A change of the members has bytes at that place, too, and they are no time.
    if (entry === undefined || entry.type !== EntryType.normal || entry.data.length < stampOffset + 8) continue;
    const { data } = entry;
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    return Number(view.getBigUint64(stampOffset, true));
  }
  return 0;
}
