/** A design in which two explanations come to the same: no measurement of it could tell them apart. */
export class SingularDesignError extends Error {
  override readonly name = "SingularDesignError";
}

/** What is left of a column beside the others, as a share of it, below which it is nothing of its own. */
const dependent = 1e-9;

/**
 * The coefficients for which the sum of squares of `rows × coefficients - targets` is least, in the order of `names`: one name for each
 * column. By orthogonal columns, not by normal equations, which would square what little tells two columns apart.
 * @throws {SingularDesignError} naming the column that is a sum of others, is empty, or has no row of its own.
 */
export function leastSquares(
  names: readonly string[],
  rows: readonly (readonly number[])[],
  targets: readonly number[],
): readonly number[] {
  if (rows.length < names.length)
    throw new SingularDesignError(
      `${rows.length} measurements cannot tell ${names.length} costs apart: ${names.join("; ")}`,
    );
  const directions: number[][] = [];
  /** Of each column what it has of each direction, the last one its own. */
  const shares: number[][] = [];
  const lengths: number[] = [];
  for (const [at, name] of names.entries()) {
    const rest = rows.map((row) => row[at]!);
    const length = lengthOf(rest);
    if (length === 0) throw new SingularDesignError(`no measurement has any of "${name}"`);
    const share = new Array<number>(at).fill(0);
    // Twice: what one pass leaves of a column that is nearly a sum of others is not orthogonal to them yet.
    for (let pass = 0; pass < 2; pass++) {
      for (const [i, direction] of directions.entries()) {
        const along = product(direction, rest);
        share[i]! += along;
        for (const [row, value] of direction.entries()) rest[row]! -= along * value;
      }
    }
    const own = lengthOf(rest);
    lengths.push(length);
    if (own <= dependent * length) throw new SingularDesignError(sumOfOthers(names, lengths, shares, share));
    directions.push(rest.map((value) => value / own));
    shares.push([...share, own]);
  }
  return solved(
    shares,
    directions.map((direction) => product(direction, targets)),
  );
}

/** The coefficients of which the columns' shares add up to `along`. */
function solved(shares: readonly (readonly number[])[], along: readonly number[]): readonly number[] {
  const coefficients = [...along];
  for (let at = along.length - 1; at >= 0; at--) {
    coefficients[at]! /= shares[at]![at]!;
    for (let i = 0; i < at; i++) coefficients[i]! -= shares[at]![i]! * coefficients[at]!;
  }
  return coefficients;
}

/** Names the columns before the last one that it is a sum of. */
function sumOfOthers(
  names: readonly string[],
  lengths: readonly number[],
  shares: readonly (readonly number[])[],
  share: readonly number[],
): string {
  const last = share.length;
  const parts = solved(shares, share).map((coefficient, at) => Math.abs(coefficient) * lengths[at]!);
  const others = names.slice(0, last).filter((_, at) => parts[at]! > 1e-6 * lengths[last]!);
  return `no measurement tells "${names[last]}" apart from ${others.map((name) => `"${name}"`).join(", ")}`;
}

function product(one: readonly number[], other: readonly number[]): number {
  let sum = 0;
  for (let at = 0; at < one.length; at++) sum += one[at]! * other[at]!;
  return sum;
}

function lengthOf(column: readonly number[]): number {
  return Math.sqrt(product(column, column));
}
