import type { Clock } from "../node/clock.ts";
import { setExactTimer } from "../node/exact-timer.ts";
import { createSystemClock } from "../node/system-clock.ts";

/** Time that is this machine's, and as much more as it was moved forward. It never stands still, and never steps back. */
export class MovedTime {
  readonly #real = createSystemClock();
  #monotonicMs = 0;
  #wallMs = 0;

  monotonicMs = (): number => this.#real.monotonicMs() + this.#monotonicMs;

  /** What deadlines are counted by. */
  realMs = (): number => this.#real.monotonicMs();

  wallMs = (): number => this.#real.wallMs() + this.#wallMs;

  /** Moves the clocks forward, each by so many milliseconds: as little as two machines agree do the clocks of one. */
  move(monotonicMs: number, wallMs: number): void {
    this.#monotonicMs += monotonicMs;
    this.#wallMs += wallMs;
  }
}

/** The time of the guards of a test cluster, timers included. */
export class GuardTime extends MovedTime {
  readonly #timers = new Set<MovableTimer>();

  /**
   * A timer of a guard. One that keeps a process alive is a deadline of somebody who waits for an answer, and runs on real time;
   * all others are due by this time, so that a hold ends when its time is moved over.
   */
  setTimer = (callback: () => void, delayMs: number, keepAlive = false): (() => void) => {
    if (!keepAlive) return this.#add(callback, delayMs, false);
    return this.#arm(callback, delayMs, true);
  };

  /** Somebody waits for the cluster to allow more. */
  setPause = (callback: () => void, delayMs: number): (() => void) => this.#add(callback, delayMs, true);

  /**
   * Moves the clocks forward, calls what has become due, in order, and has the rest wait for what is left. Guards are moved before
   * their cluster, as one whose clock is fast: what they were granted ends before the cluster gives it to others.
   */
  override move(monotonicMs: number, wallMs: number): void {
    super.move(monotonicMs, wallMs);
    this.#settle(false);
  }

  /** The cluster has been moved too: who waited for that asks again. */
  endPauses(): void {
    this.#settle(true);
  }

  /** Nothing of it is called any more. */
  stop(): void {
    for (const timer of [...this.#timers]) this.#drop(timer);
  }

  #settle(keepAlive: boolean): void {
    const nowMs = this.monotonicMs();
    const timers = [...this.#timers].filter((timer) => timer.keepAlive === keepAlive);
    for (const timer of timers.sort((a, b) => a.dueMs - b.dueMs)) {
      if (!this.#timers.has(timer)) continue;
      timer.disarm();
      if (timer.dueMs <= nowMs) this.#fire(timer);
      else this.#await(timer);
    }
  }

  #add(callback: () => void, delayMs: number, keepAlive: boolean): () => void {
    const timer: MovableTimer = { dueMs: this.monotonicMs() + delayMs, callback, keepAlive, disarm: () => {} };
    this.#timers.add(timer);
    this.#await(timer);
    return () => this.#drop(timer);
  }

  #await(timer: MovableTimer): void {
    const leftMs = Math.max(0, timer.dueMs - this.monotonicMs());
    timer.disarm = this.#arm(() => this.#fire(timer), leftMs, timer.keepAlive);
  }

  #arm(callback: () => void, delayMs: number, keepAlive: boolean): () => void {
    const arm = (wake: () => void, wholeMs: number) => {
      const timer = setTimeout(wake, wholeMs);
      if (!keepAlive) timer.unref();
      return () => clearTimeout(timer);
    };
    return setExactTimer({ monotonicMs: this.monotonicMs, arm }, callback, delayMs);
  }

  #fire(timer: MovableTimer): void {
    this.#timers.delete(timer);
    timer.callback();
  }

  #drop(timer: MovableTimer): void {
    timer.disarm();
    this.#timers.delete(timer);
  }
}

interface MovableTimer {
  readonly dueMs: number;
  readonly callback: () => void;
  readonly keepAlive: boolean;
  disarm: () => void;
}

/** The clock of one node. Its timers run on real time, as sockets and disks do; while the node stands still nothing is called. */
export class NodeClock implements Clock {
  readonly #time: MovedTime;
  readonly #real = createSystemClock();
  #paused = false;
  #late: (() => void)[] = [];

  constructor(time: MovedTime) {
    this.#time = time;
  }

  monotonicMs = (): number => this.#time.monotonicMs();

  wallMs = (): number => this.#time.wallMs();

  setTimer = (callback: () => void, delayMs: number): (() => void) => {
    let cancelled = false;
    const cancel = this.#real.setTimer(() => {
      this.#call(() => {
        if (!cancelled) callback();
      });
    }, delayMs);
    return () => {
      cancelled = true;
      cancel();
    };
  };

  endOfTurn = (callback: () => void): void => {
    this.#real.endOfTurn(() => this.#call(callback));
  };

  set paused(paused: boolean) {
    this.#paused = paused;
    if (paused) return;
    const late = this.#late;
    this.#late = [];
    for (const callback of late) this.#real.endOfTurn(() => this.#call(callback));
  }

  #call(callback: () => void): void {
    if (this.#paused) this.#late.push(callback);
    else callback();
  }
}
