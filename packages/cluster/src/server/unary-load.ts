/** An operator's own calls never come to so many at a time. */
const manyCalls = 16;

/** Counts calls that have a stream each and wait for their answers, and tells when there are many. */
export class UnaryLoad {
  readonly #onMany: () => void;
  #waiting = 0;

  constructor(onMany: () => void) {
    this.#onMany = onMany;
  }

  begin(): void {
    this.#waiting += 1;
    if (this.#waiting === manyCalls) this.#onMany();
  }

  end(): void {
    this.#waiting -= 1;
  }
}
