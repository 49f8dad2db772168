import type { Bounds, Limiter, LimiterRestore } from "./limiter.ts";
import { Machine } from "./machine/machine.ts";
import { MachineState } from "./machine/state.ts";
import { Restore } from "./snapshot/restore.ts";

/**
 * An empty limiter. Bounds given here must be the same on every node; later they change through the log only.
 * @throws {RangeError} naming field, value and bound.
 */
export function createLimiter(bounds?: Partial<Bounds>): Limiter {
  return new Machine(new MachineState(bounds));
}

/** Takes the pieces of a snapshot, in order; `finish` gives the limiter. */
export function restoreLimiter(): LimiterRestore {
  return new Restore();
}
