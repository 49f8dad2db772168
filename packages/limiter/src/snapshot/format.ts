/**
 * A snapshot: header · scalars · kinds of pages · pages in use · checksum.
 *
 * ```
 * header   := magic u32 · version u32 · scalars u32 · pages u32
 * scalars  := f64{scalars}
 * kinds    := u8{pages}, padded with zeros to a multiple of 8; 0: the page is free and not in the snapshot
 * page     := 16,384 bytes
 * checksum := 16 bytes: the number of pages written, and a hash over everything before
 * ```
 * Scalars and pages are as they are in memory: little-endian, as on every platform that Node runs on today.
 */
export const MAGIC = 0x314e5351;
export const SNAPSHOT_VERSION = 6;
export const SNAPSHOT_HEADER_BYTES = 16;
export const CHECKSUM_BYTES = 16;

/** Bytes that the kinds of `pages` pages take: one each, up to a multiple of eight. */
export function kindsBytes(pages: number): number {
  return (pages + 7) & ~7;
}
