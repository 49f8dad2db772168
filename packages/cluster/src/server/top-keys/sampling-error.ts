/** How sure a bound is: it is wrong for at most one key in a thousand on either side, whatever the others do. */
const oddsAgainst = Math.log(1_000);

/**
 * By how much a sum may miss the truth if each unit of it was looked at by a chance of its own, of one in `weight` or
 * better, and then counted for the inverse of that chance. These are Bernstein's inequality, solved for the truth: unlike
 * the normal curve they hold for rare keys, too. With a weight of 1 everything was looked at.
 */
export function missedAtMost(sum: number, weight: number): number {
  if (weight === 1) return 0;
  const bend = oddsAgainst * (weight - 1 + 1 / 3);
  return Math.ceil(bend + Math.sqrt(bend * bend + 2 * oddsAgainst * (weight - 1) * sum));
}

/** The least that the truth may be, of such a sum. */
export function trulyAtLeast(sum: number, weight: number): number {
  if (weight === 1) return sum;
  const bend = (2 / 3) * oddsAgainst * (weight - 1);
  const excess = Math.sqrt(bend * bend + 2 * oddsAgainst * (weight - 1) * sum) - bend;
  return Math.max(0, Math.floor(sum - excess));
}
