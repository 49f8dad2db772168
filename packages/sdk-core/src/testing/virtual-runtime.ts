import type { Runtime } from "../transport.ts";

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
  readonly keepAlive: boolean;
}

/** A runtime whose time passes only when a test says so, with numbers instead of chance. */
export class VirtualRuntime implements Runtime {
  nowMs = 1_000;
  /** What the wall clock gained on it. */
  wallStepMs = 0;
  /** What `random` returns next, again and again. */
  chance = 0.5;
  #timers: Timer[] = [];
  #turn: (() => void)[] = [];
  #order = 0;
  #bytes = 0;

  monotonicMs(): number {
    return this.nowMs;
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.nowMs + this.wallStepMs;
  }

  setTimer(callback: () => void, delayMs: number, keepAlive = false): () => void {
    this.#order += 1;
    const timer = { atMs: this.nowMs + delayMs, order: this.#order, callback, keepAlive };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  endOfTurn(callback: () => void): void {
    this.#turn.push(callback);
  }

  random(): number {
    return this.chance;
  }

  randomBytes(length: number): Uint8Array {
    this.#bytes += 1;
    return new Uint8Array(length).fill(this.#bytes);
  }

  /** Whether a process would stay alive for what is pending. */
  get keepsAlive(): boolean {
    return this.#timers.some((timer) => timer.keepAlive);
  }

  /** The request that set them is over: at the edge its timers go with it. */
  endRequest(): void {
    this.#timers = [];
    this.#turn = [];
  }

  /** Runs everything that is due now: promises, ends of turns, timers. */
  async settle(): Promise<void> {
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 20; i++) await Promise.resolve();
      const turn = this.#turn;
      this.#turn = [];
      for (const callback of turn) callback();
      this.#fireDue();
    }
  }

  /** Lets time pass, timer by timer. */
  async pass(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    await this.settle();
    for (;;) {
      const next = this.#timers.reduce((soonest, timer) => Math.min(soonest, timer.atMs), Number.POSITIVE_INFINITY);
      if (next > endMs) break;
      this.nowMs = Math.max(this.nowMs, next);
      await this.settle();
    }
    this.nowMs = endMs;
    await this.settle();
  }

  #fireDue(): void {
    const due = this.#timers.filter((timer) => timer.atMs <= this.nowMs);
    due.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
    for (const timer of due) {
      if (!this.#timers.includes(timer)) continue;
      this.#timers = this.#timers.filter((each) => each !== timer);
      timer.callback();
    }
  }
}
