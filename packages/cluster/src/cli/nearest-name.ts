/**
 * The known name that was most likely meant, or null if none is close: at most a third of what was typed is to change.
 */
export function nearestName(typed: string, known: readonly string[]): string | null {
  let nearest: string | null = null;
  let fewest = Math.max(1, Math.floor(typed.length / 3)) + 1;
  for (const name of known) {
    const changes = editDistance(typed, name);
    if (changes >= fewest) continue;
    fewest = changes;
    nearest = name;
  }
  // Who types a beginning meant one of those that begin so; if it is the only one, it is clear which.
  const begun = known.filter((name) => typed.length >= 2 && name.startsWith(typed));
  return nearest ?? (begun.length === 1 ? begun[0]! : null);
}

/** How many letters to insert, remove, replace or swap with a neighbour. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + same);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) least = Math.min(least, rows[i - 2]![j - 2]! + 1);
      row.push(least);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
