/** How much is looked at. */
export interface SamplerOptions {
  /** Milliseconds that never step. */
  readonly nowMs: () => number;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** Items looked at per second, about. */
  readonly itemsPerSecond: number;
}

const intervalMs = 100;

/**
 * Chooses which items are looked at, so that looking costs the same however many there are: all of them while they are
 * few, and each by its own chance of one in {@link weight} when they are many. By turns would not do: clients take
 * turns, too. Nor would whole batches: the items of one are often of one key, and of what is missed much is missed then.
 */
export class Sampler {
  readonly #options: SamplerOptions;
  #sinceMs: number;
  #seen = 0;
  #stride = 1;
  /** How many items each one that is chosen stands for. */
  weight = 1;

  constructor(options: SamplerOptions) {
    this.#options = options;
    this.#sinceMs = options.nowMs();
  }

  /** Begins a batch of so many items: sets the weight of those that are chosen of it. */
  begin(items: number): void {
    const { nowMs, itemsPerSecond } = this.#options;
    const room = (itemsPerSecond * intervalMs) / 1_000;
    const elapsedMs = nowMs() - this.#sinceMs;
    if (elapsedMs >= intervalMs) {
      this.#stride = Math.max(1, Math.ceil((this.#seen * intervalMs) / (elapsedMs * room)));
      this.#seen = 0;
      this.#sinceMs += elapsedMs;
    }
    this.#seen += items;
    // A burst is noticed while it lasts.
    this.weight = Math.max(this.#stride, Math.ceil(this.#seen / room));
  }

  /** How many items to pass over before the next one that is chosen: one draw, however many that are. */
  skip(): number {
    if (this.weight === 1) return 0;
    return Math.floor(Math.log(1 - this.#options.random()) / Math.log(1 - 1 / this.weight));
  }
}
