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
 * Chooses which batches are looked at, so that looking costs the same however much there is: all of them while they are few,
 * and by chance, one in {@link weight}, when they are many. By turns would not do: clients take turns, too.
 */
export class Sampler {
  readonly #options: SamplerOptions;
  #sinceMs: number;
  #seen = 0;
  #stride = 1;
  /** How many batches each one that is chosen stands for. */
  weight = 1;

  constructor(options: SamplerOptions) {
    this.#options = options;
    this.#sinceMs = options.nowMs();
  }

  /** Whether to look at a batch of so many items. */
  takes(items: number): boolean {
    const { nowMs, random, itemsPerSecond } = this.#options;
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
    return this.weight === 1 || random() * this.weight < 1;
  }
}
