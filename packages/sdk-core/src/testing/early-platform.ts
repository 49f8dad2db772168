import { vi } from "vitest";

interface Handle {
  readonly dueTick: number;
  readonly callback: () => void;
  keepsAlive: boolean;
  unref(): void;
}

/** The longest that platforms take; a longer one fires at once. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * `performance.now` and `setTimeout` as Node has them, on a time that passes only when a test says so: timers count the ticks of a clock of
 * whole milliseconds, whose ticks are not those of `performance.now`, and so fire up to a millisecond early. In place of the real ones
 * until `vi.unstubAllGlobals` and `vi.restoreAllMocks`.
 */
export class EarlyPlatform {
  nowMs: number;
  /** How many timers fired before their time. */
  early = 0;
  readonly #pending = new Set<Handle>();

  /** @param phaseMs How long the current tick has lasted: 0 to 1. */
  constructor(phaseMs: number) {
    this.nowMs = 5_000 + phaseMs;
    // The language has none, so that this package's types have none.
    const { performance } = globalThis as unknown as { readonly performance: { now(): number } };
    vi.spyOn(performance, "now").mockImplementation(() => this.nowMs);
    vi.stubGlobal("setTimeout", (callback: () => void, delayMs: number) => this.#set(callback, delayMs));
    vi.stubGlobal("clearTimeout", (handle: Handle) => this.#pending.delete(handle));
  }

  get pending(): readonly Pick<Handle, "keepsAlive">[] {
    return [...this.#pending];
  }

  /** Lets time pass, timer by timer. */
  pass(ms: number): void {
    const endMs = this.nowMs + ms;
    for (;;) {
      const next = [...this.#pending].sort((a, b) => a.dueTick - b.dueTick)[0];
      if (next === undefined || next.dueTick > endMs) break;
      this.nowMs = Math.max(this.nowMs, next.dueTick);
      this.#pending.delete(next);
      next.callback();
    }
    this.nowMs = endMs;
  }

  #set(callback: () => void, delayMs: number): Handle {
    const wholeMs = delayMs >= 1 && delayMs <= LONGEST_MS ? Math.trunc(delayMs) : 1;
    const dueMs = this.nowMs + delayMs;
    const fire = () => {
      if (this.nowMs < dueMs) this.early += 1;
      callback();
    };
    const handle: Handle = {
      dueTick: Math.floor(this.nowMs) + wholeMs,
      callback: fire,
      keepsAlive: true,
      unref: () => {
        handle.keepsAlive = false;
      },
    };
    this.#pending.add(handle);
    return handle;
  }
}
