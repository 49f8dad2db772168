/** The scalars of the state, written in a fixed order: what a snapshot holds besides pages. */
export class MetaWriter {
  readonly #values: number[] = [];

  number(value: number): void {
    this.#values.push(value);
  }

  /** A list, preceded by its length. */
  numbers(values: ArrayLike<number>): void {
    this.#values.push(values.length);
    for (let i = 0; i < values.length; i++) this.#values.push(values[i]!);
  }

  finish(): Float64Array {
    return Float64Array.from(this.#values);
  }
}

/** Reads what {@link MetaWriter} wrote, in the same order. @throws {RangeError} when it ends too early. */
export class MetaReader {
  readonly #values: Float64Array;
  #at = 0;

  constructor(values: Float64Array) {
    this.#values = values;
  }

  get atEnd(): boolean {
    return this.#at === this.#values.length;
  }

  number(): number {
    const value = this.#values[this.#at++];
    if (value === undefined) throw new RangeError(`the snapshot's scalars end after ${this.#values.length} values`);
    return value;
  }

  numbers(): Float64Array {
    const length = this.number();
    const from = this.#at;
    if (!(length >= 0 && from + length <= this.#values.length)) {
      throw new RangeError(`a list of ${length} numbers runs past the snapshot's ${this.#values.length} scalars`);
    }
    this.#at = from + length;
    return this.#values.subarray(from, this.#at);
  }
}
