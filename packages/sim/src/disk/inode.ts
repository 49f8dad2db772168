import type { Random } from "../world/random.ts";

/** The unit that a disk writes whole or not at all. */
export const sectorBytes = 512;
const sectorsPerPage = 8;
/** Content is kept in pages of eight sectors. */
export const pageBytes = sectorBytes * sectorsPerPage;
const allSectors = (1 << sectorsPerPage) - 1;

interface Page {
  readonly data: Uint8Array;
  /** One bit per sector that was written since a flush took it. */
  dirty: number;
}

/** What one flush took with it: sectors as they were when it began. */
export interface FlushTicket {
  readonly pages: readonly { readonly index: number; readonly data: Uint8Array; readonly sectors: number }[];
  readonly size: number;
}

/** How much of what was never flushed is found again after power returns. */
export type LossMode = "all-lost" | "all-kept" | "front-kept" | "some-sectors-kept" | "torn";

/** The content of one file, as programs see it and as the platter has it. Sparse: an untouched page costs nothing. */
export interface Inode {
  readonly size: number;
  read(position: number, length: number): Uint8Array;
  write(position: number, bytes: Uint8Array): void;
  beginFlush(): FlushTicket;
  finishFlush(ticket: FlushTicket): void;
  /** The platter, and with it what programs read, holds other bytes than were written. */
  damage(position: number, bytes: Uint8Array): void;
  /** Power is gone: only flushed sectors are sure to come back; the seed says which others do. */
  losePower(random: Random, mode: LossMode): void;
}

/** A file without content, of which nothing is durable yet. */
export function createInode(): Inode {
  const pages = new Map<number, Page>();
  const platter = new Map<number, Uint8Array>();
  const tickets: FlushTicket[] = [];
  let size = 0;
  let platterSize = 0;

  function pageAt(index: number): Page {
    let page = pages.get(index);
    if (page === undefined) {
      page = { data: new Uint8Array(pageBytes), dirty: 0 };
      pages.set(index, page);
    }
    return page;
  }

  function toPlatter(index: number, data: Uint8Array, sectors: number): void {
    let onPlatter = platter.get(index);
    if (onPlatter === undefined) {
      onPlatter = new Uint8Array(pageBytes);
      platter.set(index, onPlatter);
    }
    if (sectors === allSectors) {
      onPlatter.set(data);
      return;
    }
    for (let sector = 0; sector < sectorsPerPage; sector++) {
      if ((sectors & (1 << sector)) === 0) continue;
      const from = sector * sectorBytes;
      onPlatter.set(data.subarray(from, from + sectorBytes), from);
    }
  }

  return {
    get size() {
      return size;
    },
    read(position, length) {
      const end = Math.min(size, position + length);
      const bytes = new Uint8Array(Math.max(0, end - position));
      for (let at = position; at < end; ) {
        const index = Math.floor(at / pageBytes);
        const from = at - index * pageBytes;
        const count = Math.min(pageBytes - from, end - at);
        const page = pages.get(index);
        if (page !== undefined) bytes.set(page.data.subarray(from, from + count), at - position);
        at += count;
      }
      return bytes;
    },
    write(position, bytes) {
      for (let done = 0; done < bytes.length; ) {
        const at = position + done;
        const index = Math.floor(at / pageBytes);
        const from = at - index * pageBytes;
        const count = Math.min(pageBytes - from, bytes.length - done);
        const page = pageAt(index);
        page.data.set(bytes.subarray(done, done + count), from);
        const first = Math.floor(from / sectorBytes);
        const last = Math.floor((from + count - 1) / sectorBytes);
        for (let sector = first; sector <= last; sector++) page.dirty |= 1 << sector;
        done += count;
      }
      size = Math.max(size, position + bytes.length);
    },
    beginFlush() {
      const taken: { index: number; data: Uint8Array; sectors: number }[] = [];
      for (const [index, page] of pages) {
        if (page.dirty === 0) continue;
        taken.push({ index, data: page.data.slice(), sectors: page.dirty });
        page.dirty = 0;
      }
      const ticket = { pages: taken, size };
      tickets.push(ticket);
      return ticket;
    },
    finishFlush(ticket) {
      // A flush covers whatever an earlier one took, also if the process that had asked for that one is dead.
      for (const earlier of tickets.splice(0, tickets.indexOf(ticket) + 1)) {
        for (const { index, data, sectors } of earlier.pages) toPlatter(index, data, sectors);
        platterSize = Math.max(platterSize, earlier.size);
      }
    },
    damage(position, bytes) {
      for (const [at, byte] of bytes.entries()) {
        const index = Math.floor((position + at) / pageBytes);
        const from = position + at - index * pageBytes;
        pageAt(index).data[from] = byte;
        const onPlatter = platter.get(index);
        if (onPlatter !== undefined) onPlatter[from] = byte;
      }
    },
    losePower(random, mode) {
      const pending: { index: number; data: Uint8Array; sectors: number }[] = [];
      for (const ticket of tickets) pending.push(...ticket.pages.map((page) => ({ ...page, data: page.data.slice() })));
      for (const [index, page] of pages)
        if (page.dirty !== 0) pending.push({ index, data: page.data.slice(), sectors: page.dirty });
      if (mode === "torn") tearLast(pending, platter, random);
      keepSome(pending, random, mode, (index, data, sectors) => {
        toPlatter(index, data, sectors);
        const highest = 31 - Math.clz32(sectors);
        const end = index * pageBytes + (highest + 1) * sectorBytes;
        platterSize = Math.max(platterSize, Math.min(size, end));
      });
      tickets.length = 0;
      pages.clear();
      for (const [index, data] of platter) pages.set(index, { data: data.slice(), dirty: 0 });
      size = platterSize;
    },
  };
}

/**
 * The last sector that was being written holds new bytes up to some point and old ones behind it: few disks promise that
 * a sector is written whole when power fails.
 */
function tearLast(
  pending: readonly { readonly index: number; readonly data: Uint8Array; readonly sectors: number }[],
  platter: ReadonlyMap<number, Uint8Array>,
  random: Random,
): void {
  let last = pending[0];
  for (const page of pending) if (page.index >= last!.index) last = page;
  if (last === undefined) return;
  const highest = 31 - Math.clz32(last.sectors);
  const end = (highest + 1) * sectorBytes;
  const old = platter.get(last.index);
  for (let at = end - 1 - random.below(sectorBytes); at < end; at++) last.data[at] = old?.[at] ?? 0;
}

/** Decides, sector by sector and in the order of writing, what reached the platter although nobody had asked for it. */
function keepSome(
  pending: readonly { index: number; data: Uint8Array; sectors: number }[],
  random: Random,
  mode: LossMode,
  keep: (index: number, data: Uint8Array, sectors: number) => void,
): void {
  if (mode === "all-lost") return;
  const keepsAll = mode === "all-kept" || mode === "torn";
  let left = mode === "front-kept" ? random.below(pending.length * sectorsPerPage + 1) : 0;
  const ordered = [...pending].sort((one, other) => one.index - other.index);
  for (const { index, data, sectors } of ordered) {
    let kept = keepsAll ? sectors : 0;
    for (let sector = 0; !keepsAll && sector < sectorsPerPage; sector++) {
      const bit = 1 << sector;
      if ((sectors & bit) === 0) continue;
      if (mode === "front-kept" ? left-- > 0 : random.chance(0.5)) kept |= bit;
    }
    if (kept !== 0) keep(index, data, kept);
  }
}
