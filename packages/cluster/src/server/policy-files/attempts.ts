/** What an attempt came to: nothing another could mend (`settled`), or something that may pass (`again`). */
export type Attempted = "settled" | "again";

/** What is attempted, and how soon again. */
export interface AttemptsOptions {
  /**
   * Begins what is due; null: nothing is. The promise must not reject. `pauseMs`: so long until the next attempt if this one
   * comes to `again`.
   */
  readonly attempt: (pauseMs: number) => Promise<Attempted> | null;
  /** Until the attempt after the first one that came to `again`, in milliseconds. */
  readonly retryMs: number;
  /** Each pause is twice the one before, up to this, in milliseconds. Default: `retryMs`, so that all pauses are the same. */
  readonly maxRetryMs?: number;
}

/**
 * One attempt at a time at whatever is due, again and again while what hinders it may pass. An attempt that is under way when
 * something new becomes due is not given up: what it sent may yet be done, and must not be done after the new.
 */
export class Attempts {
  readonly #options: AttemptsOptions;
  #pauseMs: number;
  #pause: NodeJS.Timeout | null = null;
  #underWay = false;
  #closed = false;

  constructor(options: AttemptsOptions) {
    this.#options = options;
    this.#pauseMs = options.retryMs;
  }

  /** Something may be due now: no pause is waited for. */
  prompt(): void {
    if (this.#closed || this.#underWay) return;
    this.#endPause();
    this.#pauseMs = this.#options.retryMs;
    this.#begin();
  }

  /** Begins no other. What is under way is not waited for: a stop must not hang on a cluster without a quorum. */
  close(): void {
    this.#closed = true;
    this.#endPause();
  }

  #begin(): void {
    const attempt = this.#options.attempt(this.#pauseMs);
    if (attempt === null) return;
    this.#underWay = true;
    void attempt.then((attempted) => this.#ended(attempted));
  }

  #ended(attempted: Attempted): void {
    this.#underWay = false;
    if (this.#closed) return;
    const { retryMs, maxRetryMs = retryMs } = this.#options;
    if (attempted === "settled") {
      this.#pauseMs = retryMs;
      // Something else may have become due meanwhile.
      this.#begin();
      return;
    }
    this.#pause = setTimeout(() => {
      this.#pause = null;
      this.#begin();
    }, this.#pauseMs);
    this.#pause.unref();
    this.#pauseMs = Math.min(maxRetryMs, 2 * this.#pauseMs);
  }

  #endPause(): void {
    if (this.#pause !== null) clearTimeout(this.#pause);
    this.#pause = null;
  }
}
