import { RollingHash } from "../hash/rolling-hash.ts";
import type { Limiter, LimiterRestore } from "../limiter.ts";
import { Machine } from "../machine/machine.ts";
import { MachineState } from "../machine/state.ts";
import { PAGE_BYTES } from "../memory/heap.ts";
import { MetaReader } from "../memory/meta.ts";
import { mixBytes } from "./cut.ts";
import { CHECKSUM_BYTES, kindsBytes, MAGIC, SNAPSHOT_HEADER_BYTES, SNAPSHOT_VERSION } from "./format.ts";
import { SnapshotError } from "./snapshot-error.ts";

/** Scalars and pages that a snapshot may announce: far above any real one, so that damage cannot ask for all memory. */
const MAX_SCALARS = 1 << 26;
const MAX_PAGES = 1 << 21;

type Section = "header" | "head" | "page" | "checksum" | "done";

/** Rebuilds a limiter from the pieces of a cut. Pieces may be split anywhere, but must come in order. */
export class Restore implements LimiterRestore {
  readonly #state = new MachineState(undefined);
  readonly #hash = new RollingHash();
  #section: Section = "header";
  /** What the current section has so far. */
  #buffer = new Uint8Array(SNAPSHOT_HEADER_BYTES);
  #filled = 0;
  #scalars = 0;
  #pages = 0;
  #kinds: Uint8Array = new Uint8Array(0);
  #page = -1;
  #written = 0;
  #header: Uint8Array = new Uint8Array(0);
  #failed = false;

  write(piece: Uint8Array): void {
    if (this.#failed) throw new SnapshotError("an earlier piece of this snapshot was refused: start over");
    this.#failed = true;
    let at = 0;
    while (at < piece.length) {
      if (this.#section === "done")
        throw new SnapshotError(`the snapshot goes on for ${piece.length - at} bytes after its end`);
      const part = piece.subarray(at, at + this.#buffer.length - this.#filled);
      this.#buffer.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === this.#buffer.length) this.#finishSection();
    }
    this.#failed = false;
  }

  finish(): Limiter {
    if (this.#failed || this.#section !== "done") {
      throw new SnapshotError(`the snapshot is not complete: it ends in its ${this.#section}`);
    }
    this.#section = "header";
    this.#failed = true;
    return new Machine(this.#state);
  }

  #finishSection(): void {
    if (this.#section === "header") this.#finishHeader();
    else if (this.#section === "head") this.#finishHead();
    else if (this.#section === "page") this.#finishPage();
    else this.#finishChecksum();
  }

  #finishPage(): void {
    mixBytes(this.#hash, this.#buffer);
    this.#state.heap.pageBytes(this.#page).set(this.#buffer);
    this.#written++;
    this.#nextPage();
  }

  #begin(section: Section, bytes: number): void {
    this.#section = section;
    this.#filled = 0;
    if (this.#buffer.length !== bytes) this.#buffer = new Uint8Array(bytes);
  }

  #finishHeader(): void {
    const [magic, version, scalars, pages] = new Uint32Array(this.#buffer.buffer);
    if (magic !== MAGIC) throw new SnapshotError(`the snapshot begins with ${magic}; a limiter's begins with ${MAGIC}`);
    if (version !== SNAPSHOT_VERSION) {
      throw new SnapshotError(`the snapshot has version ${version}; this version reads ${SNAPSHOT_VERSION}`);
    }
    if (scalars! > MAX_SCALARS || pages! > MAX_PAGES) {
      throw new SnapshotError(`the snapshot announces ${scalars} scalars and ${pages} pages; its header is damaged`);
    }
    this.#scalars = scalars!;
    this.#pages = pages!;
    this.#header = this.#buffer;
    this.#buffer = new Uint8Array(0);
    this.#begin("head", this.#scalars * 8 + kindsBytes(this.#pages));
  }

  #finishHead(): void {
    mixBytes(this.#hash, this.#header);
    mixBytes(this.#hash, this.#buffer);
    const scalars = new Float64Array(this.#buffer.buffer.slice(0, this.#scalars * 8));
    this.#kinds = this.#buffer.slice(this.#scalars * 8, this.#scalars * 8 + this.#pages);
    const meta = new MetaReader(scalars);
    try {
      this.#state.load(meta, this.#kinds);
    } catch (error) {
      throw new SnapshotError("the snapshot's scalars are damaged", { cause: error });
    }
    if (!meta.atEnd || this.#state.heap.pages !== this.#pages) {
      throw new SnapshotError(`the snapshot's scalars do not fit its ${this.#pages} pages: they are damaged`);
    }
    this.#nextPage();
  }

  #nextPage(): void {
    for (this.#page++; this.#page < this.#pages; this.#page++) {
      if (this.#kinds[this.#page] !== 0) {
        this.#begin("page", PAGE_BYTES);
        return;
      }
    }
    this.#begin("checksum", CHECKSUM_BYTES);
  }

  #finishChecksum(): void {
    const [written, zero, high, low] = new Uint32Array(this.#buffer.buffer);
    if (written !== this.#written || zero !== 0 || high !== this.#hash.high || low !== this.#hash.low) {
      throw new SnapshotError(`the snapshot's checksum does not match its ${this.#written} pages: it is damaged`);
    }
    this.#begin("done", 0);
  }
}
