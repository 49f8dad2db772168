/**
 * Loaded before a node's own code (`--import`): gives this process a wall clock that can be stepped from outside, without
 * a system package and without touching the monotonic clock, as an administrator or a bad time server would. The file
 * that QUORUMGUARD_NEMESIS_CLOCK names holds the step in milliseconds; SIGUSR2 has it read again.
 */
import { readFileSync } from "node:fs";

const RealDate = Date;
const file = process.env.QUORUMGUARD_NEMESIS_CLOCK;
let stepMs = 0;

function read(): void {
  try {
    stepMs = file === undefined ? 0 : Number(readFileSync(file, "utf8"));
  } catch {
    stepMs = 0;
  }
}

class SteppedDate extends RealDate {
  constructor(...values: readonly unknown[]) {
    if (values.length === 0) super(RealDate.now() + stepMs);
    else super(...(values as [number]));
  }

  static override now(): number {
    return RealDate.now() + stepMs;
  }
}

read();
globalThis.Date = SteppedDate as unknown as DateConstructor;
process.on("SIGUSR2", read);
