/**
 * Microseconds on the machine's monotonic clock: the same clock in every process of this machine, so that what several
 * of them saw can be put into one order.
 */
export function hostClockUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}
