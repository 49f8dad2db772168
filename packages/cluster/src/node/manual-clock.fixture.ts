import type { Clock } from "./clock.ts";

/** A clock that stands still until told: monotonic and wall apart, timers run in order. */
export class ManualClock implements Clock {
  #nowMs = 1_000;
  #wallMs = 1_700_000_000_000;
  #timers: { readonly atMs: number; readonly callback: () => void }[] = [];
  #turns: (() => void)[] = [];

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#wallMs;
  }

  setTimer(callback: () => void, delayMs: number): () => void {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  endOfTurn(callback: () => void): void {
    this.#turns.push(callback);
  }

  stepWall(ms: number): void {
    this.#wallMs += ms;
  }

  /** Both clocks go on by so much, at once, as when the process slept; then what is due runs. */
  advance(ms: number): void {
    this.#nowMs += ms;
    this.#wallMs += ms;
    this.run();
  }

  /** Runs due timers and ends the turn. */
  run(): void {
    const due = this.#timers.filter((timer) => timer.atMs <= this.#nowMs).sort((a, b) => a.atMs - b.atMs);
    this.#timers = this.#timers.filter((timer) => timer.atMs > this.#nowMs);
    for (const timer of due) timer.callback();
    this.endTurn();
  }

  endTurn(): void {
    const turns = this.#turns;
    this.#turns = [];
    for (const turn of turns) turn();
  }
}
