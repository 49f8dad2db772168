import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";
import type { EntryDataStore } from "@quorumguard/audit";

/** Where an entry's data lies in the file, and by what it is told from other data. */
export interface EntryPlace {
  readonly offset: number;
  readonly length: number;
  readonly checksum: number;
}

const bufferBytes = 1 << 20;

/** Data of log entries, on disk, so that a long run does not grow with them. */
export class EntryFile implements EntryDataStore<EntryPlace> {
  readonly #file: number;
  readonly #buffer = Buffer.alloc(bufferBytes);
  #buffered = 0;
  #written = 0;

  constructor(path: string) {
    this.#file = openSync(path, "w+");
  }

  keep(data: Uint8Array): EntryPlace {
    const place = { offset: this.#written + this.#buffered, length: data.length, checksum: crc32(data) };
    if (this.#buffered + data.length > bufferBytes) this.#flush();
    if (data.length > bufferBytes) {
      writeSync(this.#file, data, 0, data.length, this.#written);
      this.#written += data.length;
    } else {
      this.#buffer.set(data, this.#buffered);
      this.#buffered += data.length;
    }
    return place;
  }

  isSame({ length, checksum }: EntryPlace, data: Uint8Array): boolean {
    return length === data.length && checksum === crc32(data);
  }

  read({ offset, length }: EntryPlace): Uint8Array {
    this.#flush();
    const data = Buffer.alloc(length);
    readSync(this.#file, data, 0, length, offset);
    return data;
  }

  close(): void {
    this.#flush();
    closeSync(this.#file);
  }

  #flush(): void {
    if (this.#buffered === 0) return;
    writeSync(this.#file, this.#buffer, 0, this.#buffered, this.#written);
    this.#written += this.#buffered;
    this.#buffered = 0;
  }
}
