/** How many are kept at most: two mebibytes. */
const capacity = 2 ** 18;

/** Latencies of one call in so many, in a memory that is there from the beginning: what grows while it is measured is measured too. */
export class Latencies {
  readonly #kept: Float64Array<ArrayBuffer>;
  #count = 0;
  /** One less than of how many calls one is taken, which is a power of two. */
  #mask = 0;

  constructor(most = capacity) {
    this.#kept = new Float64Array(most);
  }

  /** Whether the latency of the n-th call is taken. */
  isTakenOf(n: number): boolean {
    return (n & this.#mask) === 0;
  }

  add(ms: number): void {
    if (this.#count === this.#kept.length) this.#thin();
    this.#kept[this.#count++] = ms;
  }

  /** All that were kept. */
  all(): Float64Array<ArrayBuffer> {
    return this.#kept.slice(0, this.#count);
  }

  /** Every other one is forgotten, and half as many are taken from now on. */
  #thin(): void {
    this.#count >>>= 1;
    for (let at = 0; at < this.#count; at++) this.#kept[at] = this.#kept[at * 2]!;
    this.#mask = this.#mask * 2 + 1;
  }
}
