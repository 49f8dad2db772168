import { readFile } from "node:fs/promises";

/** What all cores of the machine did so far, in ticks of its clock. */
export interface CoreTimes {
  /** They ran nobody, whether or not somebody waited for a disk. */
  readonly idle: number;
  readonly all: number;
}

/** From the text of `/proc/stat`. */
export function parseCoreTimes(text: string): CoreTimes {
  // user, nice, system, idle, iowait, irq, softirq, steal; of the two that follow, user has what they have.
  const ticks = text.slice(0, text.indexOf("\n")).split(/\s+/).slice(1, 9).map(Number);
  return { idle: ticks[3]! + ticks[4]!, all: ticks.reduce((sum, one) => sum + one, 0) };
}

/** Of this moment, as the kernel has it. */
export async function readCoreTimes(): Promise<CoreTimes> {
  return parseCoreTimes(await readFile("/proc/stat", "utf8"));
}

/** How much of the time between two moments cores ran nobody, in per cent of all cores. */
export function idlePercent(before: CoreTimes, after: CoreTimes): number {
  return (100 * (after.idle - before.idle)) / (after.all - before.all);
}
