import type { Process } from "./process.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

/** 2026-01-01, so that wall clocks look like wall clocks. */
const epochMs = 1_767_225_600_000;

/**
 * The clocks of one machine. The monotonic one starts at a moment of its own, as real ones do; the wall clock is off
 * by some amount and may step. Either may run fast or slow. Both outlive the processes on the machine.
 */
export interface MachineClock {
  monotonicMs(): number;
  wallMs(): number;
  /** Moves the wall clock. */
  step(deltaMs: number): void;
  /** From now on the clocks run at these multiples of true time. */
  setRates(monotonic: number, wall: number): void;
  /** How fast the monotonic clock runs: timers go by it. */
  readonly rate: number;
}

/** Makes the clocks of one machine; its wall clock is off by at most `maxOffsetMs`. */
export function createMachineClock(world: World, random: Random, maxOffsetMs: number): MachineClock {
  let anchorUs = world.nowUs;
  let monotonicAtAnchorMs = random.below(10_000_000) + world.nowUs / 1000;
  let wallAtAnchorMs = epochMs + world.nowUs / 1000 + (random.float() * 2 - 1) * maxOffsetMs;
  let rate = 1;
  let wallRate = 1;
  const sinceMs = () => (world.nowUs - anchorUs) / 1000;
  const clock: MachineClock = {
    monotonicMs: () => monotonicAtAnchorMs + sinceMs() * rate,
    wallMs: () => wallAtAnchorMs + sinceMs() * wallRate,
    step(deltaMs) {
      wallAtAnchorMs += deltaMs;
    },
    setRates(monotonic, wall) {
      const [monotonicMs, wallMs] = [clock.monotonicMs(), clock.wallMs()];
      [monotonicAtAnchorMs, wallAtAnchorMs, anchorUs] = [monotonicMs, wallMs, world.nowUs];
      [rate, wallRate] = [monotonic, wall];
    },
    get rate() {
      return rate;
    },
  };
  return clock;
}

/** How a process on that machine sees time: what production code is given as its clock. */
export interface ProcessClock {
  monotonicMs(): number;
  wallMs(): number;
  setTimer(callback: () => void, delayMs: number): () => void;
  endOfTurn(callback: () => void): void;
}

/**
 * The clock of one life of a process, on top of the clocks of its machine: its timers die with it.
 *
 * @param turnUs How long a turn of the event loop takes at most: what arrives within it is handled in the same turn.
 */
export function createProcessClock(
  world: World,
  process: Process,
  machine: MachineClock,
  random: Random,
  turnUs: number,
): ProcessClock {
  return {
    monotonicMs: machine.monotonicMs,
    wallMs: machine.wallMs,
    // Timers fire late by a little, as real ones do; never early by this clock at the rate it has when they are set. A rate
    // that is lowered later does not move them, so that such a timer may fire early: who waits for a moment reads the clock.
    setTimer: (callback, delayMs) =>
      world.schedule((Math.max(0, delayMs) * 1000) / machine.rate + random.below(200), process, "timer", callback),
    endOfTurn(callback) {
      world.schedule(1 + random.below(turnUs), process, "end of turn", callback);
    },
  };
}
