import type { Clock } from "./clock.ts";

/** Whether a tick is due, and whether this process slept through others. */
export interface DueTick {
  /** Milliseconds past the deadline. */
  readonly lateMs: number;
  /** So late that this process itself must have paused. */
  readonly paused: boolean;
}

/**
 * Ticks at fixed multiples of an interval from a fixed origin: re-anchoring at each tick makes the phases of the nodes converge, and
 * their elections collide. A pause of this process counts as one tick however long it was (reference: a collected heap must not
 * look like a silent leader), and only after whatever queued up meanwhile was handed over.
 */
export class Ticker {
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #wake: () => void;
  #nextMs: number;
  #cancel: () => void = () => {};
  #stopped = false;
  #drained = false;

  constructor(clock: Clock, tickMs: number, wake: () => void) {
    this.#clock = clock;
    this.#tickMs = tickMs;
    this.#wake = wake;
    this.#nextMs = clock.monotonicMs() + tickMs;
    this.#arm();
  }

  /** Asked once per turn, after the messages of the turn were processed. */
  due(): DueTick | null {
    const nowMs = this.#clock.monotonicMs();
    const lateMs = nowMs - this.#nextMs;
    if (this.#stopped || lateMs < 0) return null;
    const paused = lateMs >= this.#tickMs;
    if (paused && !this.#drained) {
      // What arrived during the pause may still be in the sockets: let one more turn hand it over first.
      this.#drained = true;
      this.#wake();
      return null;
    }
    this.#drained = false;
    this.#nextMs += this.#tickMs * (1 + Math.floor(lateMs / this.#tickMs));
    this.#cancel();
    this.#arm();
    return { lateMs, paused };
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  #arm(): void {
    const delayMs = Math.max(0, this.#nextMs - this.#clock.monotonicMs());
    this.#cancel = this.#clock.setTimer(() => this.#wakeOrWait(), delayMs);
  }

  #wakeOrWait(): void {
    if (this.#stopped) return;
    // What was left, rounded, may end a fraction before its time; a turn then finds nothing due, so wait for the rest.
    if (this.#clock.monotonicMs() < this.#nextMs) this.#arm();
    else this.#wake();
  }
}
