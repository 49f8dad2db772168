/**
 * Ranks by Zipf's law, as an inverse: which of `count` ranks, from 0, a number from 0 up to 1 falls on. Rank r has a share in
 * proportion to 1 / (r + 1) ** exponent.
 */
export function zipfRanks(count: number, exponent: number): (share: number) => number {
  // Sums of all shares up to each rank: exact, and quick enough for what is drawn before a measurement.
  const sums = new Float64Array(count);
  let sum = 0;
  for (let rank = 0; rank < count; rank++) {
    sum += (rank + 1) ** -exponent;
    sums[rank] = sum;
  }
  return (share) => {
    const sought = share * sum;
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sums[middle]! > sought) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}
