/** Thrown by {@link ByteReader} on anything that is not what the layout says. One place per frame catches it. */
export class PeerFormatError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "PeerFormatError";
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Appends little-endian fields to a buffer that grows, and hands out a copy at the end, so that it can be reused. */
export class ByteWriter {
  #buffer: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(initialBytes = 4_096) {
    this.#buffer = new Uint8Array(initialBytes);
    this.#view = new DataView(this.#buffer.buffer);
  }

  get length(): number {
    return this.#length;
  }

  reset(): void {
    this.#length = 0;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  /** Any double. Indexes, terms and stamps stay below 2^53, which a double holds exactly and V8 reads fastest. */
  f64(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Length, then bytes. */
  bytes(bytes: Uint8Array): void {
    this.u32(bytes.length);
    this.raw(bytes);
  }

  text(value: string): void {
    this.bytes(encoder.encode(value));
  }

  /** Overwrites a u32 written earlier, for a count that is known only at the end. */
  patchU32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  take(): Uint8Array {
    return this.#buffer.slice(0, this.#length);
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** Reads what {@link ByteWriter} wrote. Every read is checked, so that no input can do worse than throw {@link PeerFormatError}. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    this.#need(1);
    return this.#bytes[this.#at++] as number;
  }

  u32(): number {
    this.#need(4);
    const value = this.#view.getUint32(this.#at, true);
    this.#at += 4;
    return value;
  }

  f64(): number {
    this.#need(8);
    const value = this.#view.getFloat64(this.#at, true);
    this.#at += 8;
    return value;
  }

  /** An integer from 0 to 2^53-1. */
  u53(): number {
    const value = this.f64();
    if (!Number.isSafeInteger(value) || value < 0) throw new PeerFormatError(`expected an integer ≥ 0, got ${value}`);
    return value;
  }

  finite(): number {
    const value = this.f64();
    if (!Number.isFinite(value)) throw new PeerFormatError(`expected a finite number, got ${value}`);
    return value;
  }

  /** A view into the frame, not a copy. */
  raw(length: number): Uint8Array {
    this.#need(length);
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return bytes;
  }

  bytes(maxBytes: number): Uint8Array {
    const length = this.u32();
    if (length > maxBytes) throw new PeerFormatError(`field of ${length} bytes, at most ${maxBytes} are allowed`);
    return this.raw(length);
  }

  text(maxBytes: number): string {
    try {
      return decoder.decode(this.bytes(maxBytes));
    } catch (error) {
      if (error instanceof PeerFormatError) throw error;
      throw new PeerFormatError("text is not UTF-8");
    }
  }

  /** A count of things that take at least `minBytes` each, so that a short frame cannot ask for a huge array. */
  count(minBytes: number): number {
    const value = this.u32();
    if (value * minBytes > this.remaining) {
      throw new PeerFormatError(`count ${value} does not fit in the ${this.remaining} bytes that are left`);
    }
    return value;
  }

  end(): void {
    if (this.remaining !== 0) throw new PeerFormatError(`${this.remaining} bytes after the end of the frame`);
  }

  #need(bytes: number): void {
    if (bytes > this.remaining) throw new PeerFormatError(`frame ends ${bytes - this.remaining} bytes too early`);
  }
}
