/** Exact integer division of products that exceed 2^53, in doubles: no BigInt, no rounding. */

/** The largest integer that is told apart from its successor. */
export const MAX_SAFE = 9_007_199_254_740_991;

/**
 * Quotient and remainder of the last division, as an out-parameter so that the hot path allocates nothing.
 * A quotient above 2^53 - 1 is given as Infinity.
 */
export const division = { quotient: 0.5, remainder: 0.5 };

/**
 * Divides `count × unit + rest` by `divisor`; the result is in {@link division}.
 * `count` is below 2^33, `divisor` from 1 to below 2^32, `unit` below 2^46, `rest` at most `unit`.
 */
export function divideProduct(count: number, unit: number, rest: number, divisor: number): void {
  const direct = count * unit + rest;
  if (direct <= MAX_SAFE) {
    division.quotient = Math.floor(direct / divisor);
    division.remainder = direct - division.quotient * divisor;
    return;
  }
  const unitQuotient = Math.floor(unit / divisor);
  const unitRemainder = unit - unitQuotient * divisor;
  const restQuotient = Math.floor(rest / divisor);
  // count × unitRemainder has up to 65 bits: long division in two digits, of 17 and 16 bits, each step below 2^50.
  const high = Math.floor(count / 65536);
  const low = count - high * 65536;
  const highProduct = high * unitRemainder;
  const highQuotient = Math.floor(highProduct / divisor);
  const carried =
    (highProduct - highQuotient * divisor) * 65536 + low * unitRemainder + (rest - restQuotient * divisor);
  const lowQuotient = Math.floor(carried / divisor);
  const whole = count * unitQuotient + highQuotient * 65536 + lowQuotient + restQuotient;
  division.quotient = whole <= MAX_SAFE ? whole : Number.POSITIVE_INFINITY;
  division.remainder = carried - lowQuotient * divisor;
}

/**
 * How many tokens drop out of a bucket in `elapsed` microseconds at `limit` per `window`: whole ones in
 * `division.quotient` (Infinity: more than any bucket holds), and the rest in `division.remainder`, in 1/window.
 * `limit` is below 2^32, `window` below 2^45.
 */
export function drained(elapsed: number, limit: number, window: number): void {
  const direct = elapsed * limit;
  if (direct <= MAX_SAFE) {
    division.quotient = Math.floor(direct / window);
    division.remainder = direct - division.quotient * window;
    return;
  }
  const windows = Math.floor(elapsed / window);
  const whole = windows * limit;
  if (whole > 4294967296) {
    division.quotient = Number.POSITIVE_INFINITY;
    division.remainder = 0;
    return;
  }
  // (elapsed mod window) × limit has up to 77 bits: six digits of 6 bits, each step below 2^52.
  const within = elapsed - windows * window;
  let quotient = 0;
  let remainder = 0;
  for (let shift = 30; shift >= 0; shift -= 6) {
    const step = remainder * 64 + within * ((limit >>> shift) & 63);
    const digit = Math.floor(step / window);
    remainder = step - digit * window;
    quotient = quotient * 64 + digit;
  }
  division.quotient = whole + quotient;
  division.remainder = remainder;
}
