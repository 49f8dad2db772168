/** The middle value; of two middle ones, their mean. NaN if there is none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2;
}

/** As `median (least–most)`, or the one that all of them are. */
export function spreadOf(values: readonly number[], show: (value: number) => string): string {
  const [middle, least, most] = [median(values), Math.min(...values), Math.max(...values)].map(show);
  return least === most ? middle! : `${middle} (${least}–${most})`;
}
