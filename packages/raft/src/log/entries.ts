import type { Entry } from "../types.ts";

/** Bytes of data that `entries` carry: the unit of every size limit in the core. */
export function dataBytes(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entry.data.length;
  return bytes;
}

/** The longest prefix within `maxBytes`, but at least one entry if there is one: an oversized entry must still travel. */
export function limitBytes(entries: readonly Entry[], maxBytes: number): readonly Entry[] {
  let bytes = 0;
  for (let count = 0; count < entries.length; count++) {
    bytes += entries[count]!.data.length;
    if (count > 0 && bytes > maxBytes) return entries.slice(0, count);
  }
  return entries;
}
