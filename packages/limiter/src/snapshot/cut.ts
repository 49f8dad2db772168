import { RollingHash } from "../hash/rolling-hash.ts";
import type { SnapshotCut } from "../limiter.ts";
import type { MachineState } from "../machine/state.ts";
import { PAGE_BYTES, type PageGuard } from "../memory/heap.ts";
import { MetaWriter } from "../memory/meta.ts";
import { CHECKSUM_BYTES, kindsBytes, MAGIC, SNAPSHOT_HEADER_BYTES, SNAPSHOT_VERSION } from "./format.ts";

const WAITING = 1;

/** Opens a cut of the state as it is now. @throws {Error} when one is open already. */
export function beginCut(state: MachineState): SnapshotCut {
  if (state.cutIsOpen) throw new Error("a snapshot cut is open already: read it to its end or release it first");
  return new Cut(state);
}

/**
 * Pages are copied when they are first written to after the cut began, or when they are read, whichever comes first; so
 * what is read is the state of one moment, and no step does more than its share.
 */
class Cut implements SnapshotCut, PageGuard {
  readonly index: number;
  readonly stampUs: number;
  readonly #state: MachineState;
  /** Pages that neither were read nor had to be kept. */
  readonly #waiting: Uint8Array;
  readonly #kept = new Map<number, Uint8Array>();
  readonly #hash = new RollingHash();
  #nextPage = 0;
  #written = 0;
  /** What is being handed out. */
  #current: Uint8Array;
  #offset = 0;
  #checksumMade = false;
  #open = true;

  constructor(state: MachineState) {
    this.#state = state;
    this.index = state.appliedIndex;
    this.stampUs = state.stampUs;
    const meta = new MetaWriter();
    state.save(meta);
    const kinds = state.heap.copyKinds();
    this.#waiting = kinds.map((kind) => (kind === 0 ? 0 : WAITING));
    this.#current = head(meta.finish(), kinds);
    mixBytes(this.#hash, this.#current);
    state.heap.setGuard(this);
    state.cutIsOpen = true;
  }

  beforeWrite(page: number): void {
    if (this.#waiting[page] !== WAITING) return;
    this.#waiting[page] = 0;
    this.#kept.set(page, this.#state.heap.pageBytes(page).slice());
  }

  next(maxBytes: number): Uint8Array | null {
    if (!(maxBytes >= 1)) throw new RangeError(`maxBytes is ${maxBytes}; it must be at least 1`);
    if (!this.#open) return null;
    const parts: Uint8Array[] = [];
    let bytes = 0;
    while (bytes < maxBytes && this.#refill()) {
      const part = this.#current.subarray(this.#offset, this.#offset + maxBytes - bytes);
      this.#offset += part.length;
      bytes += part.length;
      parts.push(part);
    }
    if (bytes === 0) {
      this.release();
      return null;
    }
    if (parts.length === 1) return parts[0]!.slice();
    const piece = new Uint8Array(bytes);
    let at = 0;
    for (const part of parts) {
      piece.set(part, at);
      at += part.length;
    }
    return piece;
  }

  /** Makes sure that something is left to hand out; false at the end. */
  #refill(): boolean {
    if (this.#offset < this.#current.length) return true;
    if (this.#checksumMade) return false;
    this.#offset = 0;
    const pages = this.#waiting.length;
    while (this.#nextPage < pages) {
      const page = this.#nextPage++;
      const kept = this.#kept.get(page);
      if (kept === undefined && this.#waiting[page] !== WAITING) continue;
      this.#waiting[page] = 0;
      this.#kept.delete(page);
      this.#current = kept ?? this.#state.heap.pageBytes(page).slice();
      this.#written++;
      mixBytes(this.#hash, this.#current);
      return true;
    }
    this.#checksumMade = true;
    this.#current = new Uint8Array(CHECKSUM_BYTES);
    new Uint32Array(this.#current.buffer).set([this.#written, 0, this.#hash.high, this.#hash.low]);
    return true;
  }

  release(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#kept.clear();
    this.#state.heap.setGuard(null);
    this.#state.cutIsOpen = false;
  }
}

function head(scalars: Float64Array, kinds: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(SNAPSHOT_HEADER_BYTES + scalars.byteLength + kindsBytes(kinds.length));
  new Uint32Array(bytes.buffer, 0, 4).set([MAGIC, SNAPSHOT_VERSION, scalars.length, kinds.length]);
  bytes.set(new Uint8Array(scalars.buffer), SNAPSHOT_HEADER_BYTES);
  bytes.set(kinds, SNAPSHOT_HEADER_BYTES + scalars.byteLength);
  return bytes;
}

/** Mixes bytes, a multiple of four and aligned, into the checksum. */
export function mixBytes(hash: RollingHash, bytes: Uint8Array): void {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);
  for (let i = 0; i < words.length; i++) hash.word(words[i]!);
}

/** Bytes of a page, for who reads snapshots. */
export const SNAPSHOT_PAGE_BYTES = PAGE_BYTES;
