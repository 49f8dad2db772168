/** Holds an option to whole numbers from `low` to `high`, both included. @throws {RangeError} naming field, value and bounds. */
export function wholeNumber(field: string, value: number, low: number, high: number): number {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new RangeError(`${field}: ${value} is not an integer from ${low} to ${high}`);
  }
  return value;
}
