/**
 * The smallest of the values that at least this share of them, 0 to 1, does not exceed (nearest rank): one that was
 * measured, and the largest where there are too few to tell.
 * @throws {RangeError} when there are no values.
 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new RangeError("there is no value to take a percentile of");
  return value;
}
