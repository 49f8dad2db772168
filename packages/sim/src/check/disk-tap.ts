import type { Entry } from "@quorumguard/raft";
import type { Inode } from "../disk/inode.ts";
import { decodeFrame, decodeSegmentHeader, segmentSeed } from "../production.ts";

/** A frame that was handed to the operating system, and the log that it leads to once it is durable. */
interface PendingFrame {
  readonly position: number;
  readonly bytes: Uint8Array;
  readonly entries: readonly Entry[];
  readonly reset: { readonly index: number; readonly term: number } | null;
}

/** What the platter of one machine holds of the log, entry by entry. */
export interface DurableLog {
  readonly lastIndex: number;
  readonly lastTerm: number;
  /**
   * Whether the entry is durable here, or was once: a snapshot that the log restarts at covers it, or the disk lost it, while the
   * answer that acknowledged it may still be on its way (SEMANTICS N2 sees to it that the node does not count otherwise).
   */
  has(index: number, term: number): boolean;
}

/** Follows the log frames of one machine to its platter, through the file system's calls alone. */
export interface DiskTap extends DurableLog {
  /**
   * Bytes were written into a file.
   *
   * @param put What a bad disk really put there: it counts as durable all the same, since the node will say so in good faith.
   */
  wrote(inode: Inode, position: number, bytes: Uint8Array, put?: Uint8Array): void;
  /** A flush has begun: what it takes with it. Returns what is to be called when it is done. */
  flushing(inode: Inode): () => void;
  /** Frames that were written and that no flush has covered yet. */
  readonly pending: number;
  /** Those of them of which a power failure left a part. */
  readonly torn: number;
  /** A new disk is in the place of the old one. */
  wiped(): void;
}

/** What a tap tells of as it happens. */
export interface DiskTapEvents {
  /** Entries have become durable; the one before the first has this term. */
  durable(entries: readonly Entry[], previousTerm: number): void;
  /** A durable entry was replaced by a durable entry of another term. */
  replaced(index: number, term: number, byTerm: number): void;
}

const sectorBytes = 512;

/** A tap on an empty disk. */
export function createDiskTap(events: DiskTapEvents): DiskTap {
  const seeds = new WeakMap<Inode, number>();
  let frames = new Map<Inode, PendingFrame[]>();
  const terms = new Map<number, number>();
  let lastIndex = 0;
  /** Of what was durable at some time: a log that was damaged is written anew up to the damage, and what followed may have been acknowledged. */
  let furthest = 0;
  let startIndex = 0;
  let startTerm = 0;

  function seedOf(inode: Inode): number | null {
    const known = seeds.get(inode);
    if (known !== undefined) return known;
    const header = decodeSegmentHeader(Buffer.from(inode.read(0, sectorBytes)));
    if (!("segmentId" in header)) return null;
    const seed = segmentSeed(header.segmentId);
    seeds.set(inode, seed);
    return seed;
  }

  function restartAt(index: number, term: number): void {
    terms.clear();
    startIndex = index;
    startTerm = term;
    lastIndex = index;
    furthest = index;
  }

  function becameDurable({ entries, reset }: PendingFrame): void {
    if (reset !== null) restartAt(reset.index, reset.term);
    const first = entries[0];
    if (first === undefined) return;
    const previous = first.index - 1;
    events.durable(entries, terms.get(previous) ?? (previous === startIndex ? startTerm : 0));
    for (const { index, term } of entries) {
      const known = terms.get(index);
      if (known !== undefined && known !== term) {
        events.replaced(index, known, term);
        for (let later = index; later <= furthest; later++) terms.delete(later);
        furthest = index;
      }
      terms.set(index, term);
      lastIndex = index;
      furthest = Math.max(furthest, index);
    }
  }

  const unchanged = (inode: Inode, { position, bytes }: PendingFrame) => {
    const found = inode.read(position, bytes.length);
    return found.length === bytes.length && found.every((byte, at) => byte === bytes[at]);
  };

  /** Frames are written where only zeros were: something is there, and not all of it. */
  function isTorn(inode: Inode, frame: PendingFrame): boolean {
    if (unchanged(inode, frame)) return false;
    const found = inode.read(frame.position, frame.bytes.length);
    return found.some((byte, at) => byte !== 0 && byte === frame.bytes[at]);
  }

  return {
    get lastIndex() {
      return lastIndex;
    },
    get lastTerm() {
      return terms.get(lastIndex) ?? (lastIndex === startIndex ? startTerm : 0);
    },
    get pending() {
      let sum = 0;
      for (const list of frames.values()) sum += list.length;
      return sum;
    },
    get torn() {
      let sum = 0;
      for (const [inode, list] of frames) sum += list.filter((frame) => isTorn(inode, frame)).length;
      return sum;
    },
    has: (index, term) => index <= startIndex || terms.get(index) === term,
    wrote(inode, position, bytes, put = bytes) {
      if (position < sectorBytes || bytes.length < sectorBytes) return;
      const seed = seedOf(inode);
      if (seed === null) return;
      const frame = decodeFrame(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), 0, seed);
      if (frame === null) return;
      const pending = { position, bytes: Uint8Array.from(put), entries: frame.entries, reset: frame.reset };
      const list = frames.get(inode);
      if (list === undefined) frames.set(inode, [pending]);
      else list.push(pending);
    },
    flushing(inode) {
      const taken = frames.get(inode)?.length ?? 0;
      return () => {
        const list = frames.get(inode);
        if (list === undefined || taken === 0) return;
        // What a crash took, or recovery erased, was written for nothing.
        for (const frame of list.splice(0, taken)) if (unchanged(inode, frame)) becameDurable(frame);
        if (list.length === 0) frames.delete(inode);
      };
    },
    // What was durable, and may have been acknowledged, before the disk was lost still counts: an answer may be on its way.
    wiped() {
      frames = new Map();
    },
  };
}
