/**
 * The window of append messages sent to a follower and not yet acknowledged: a ring of the last index and the bytes of each.
 * Full when either limit is reached; the message that crosses the byte limit still goes out, so that large entries travel.
 */
export class Inflights {
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  #indexes: number[] = [];
  #sizes: number[] = [];
  #start = 0;
  #count = 0;
  #bytes = 0;

  constructor(maxMessages: number, maxBytes: number) {
    this.#maxMessages = maxMessages;
    this.#maxBytes = maxBytes;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get full(): boolean {
    return this.#count >= this.#maxMessages || this.#bytes >= this.#maxBytes;
  }

  add(lastIndex: number, bytes: number): void {
    if (this.#count === this.#indexes.length) this.#grow();
    const slot = (this.#start + this.#count) % this.#indexes.length;
    this.#indexes[slot] = lastIndex;
    this.#sizes[slot] = bytes;
    this.#count++;
    this.#bytes += bytes;
  }

  /** An acknowledgement of `index` frees every message that ends at or before it. */
  freeTo(index: number): void {
    while (this.#count > 0 && this.#indexes[this.#start]! <= index) {
      this.#bytes -= this.#sizes[this.#start]!;
      this.#start = (this.#start + 1) % this.#indexes.length;
      this.#count--;
    }
  }

  reset(): void {
    this.#start = 0;
    this.#count = 0;
    this.#bytes = 0;
  }

  /** The ring starts small: most followers never fill the window. */
  #grow(): void {
    const ordered = (ring: number[]) => [...ring.slice(this.#start), ...ring.slice(0, this.#start)];
    const size = Math.max(8, this.#indexes.length * 2);
    this.#indexes = ordered(this.#indexes);
    this.#sizes = ordered(this.#sizes);
    while (this.#indexes.length < size) {
      this.#indexes.push(0);
      this.#sizes.push(0);
    }
    this.#start = 0;
  }
}
