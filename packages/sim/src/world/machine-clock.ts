import type { Process } from "./process.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

/** 2026-01-01, so that wall clocks look like wall clocks. */
const epochMs = 1_767_225_600_000;

/**
 * The clocks of one machine. The monotonic one starts at a moment of its own, as real ones do; the wall clock is off
 * by some amount and may step. Both outlive the processes on the machine.
 */
export interface MachineClock {
  monotonicMs(): number;
  wallMs(): number;
  /** Moves the wall clock. */
  step(deltaMs: number): void;
}

/** Makes the clocks of one machine; its wall clock is off by at most `maxOffsetMs`. */
export function createMachineClock(world: World, random: Random, maxOffsetMs: number): MachineClock {
  const monotonicOffsetMs = random.below(10_000_000);
  let wallOffsetMs = (random.float() * 2 - 1) * maxOffsetMs;
  return {
    monotonicMs: () => monotonicOffsetMs + world.nowUs / 1000,
    wallMs: () => epochMs + world.nowUs / 1000 + wallOffsetMs,
    step(deltaMs) {
      wallOffsetMs += deltaMs;
    },
  };
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
    // Timers fire late by a little, never early, as real ones do.
    setTimer: (callback, delayMs) =>
      world.schedule(Math.max(0, delayMs) * 1000 + random.below(200), process, "timer", callback),
    endOfTurn(callback) {
      world.schedule(1 + random.below(turnUs), process, "end of turn", callback);
    },
  };
}
