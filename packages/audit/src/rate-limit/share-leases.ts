/** What a client took from some lease: which of them is not seen. */
export interface Spend {
  readonly cost: number;
  /** It was taken before the end of a lease that ends after this stamp. */
  readonly reachedUs: number;
}

/** What may be taken from one lease, and before what stamp. */
export interface Share {
  readonly endUs: number;
  left: number;
}

/** Choices that are looked at before nothing is said. */
const MOST_CHOICES = 20_000;

/**
 * Whether the spends can be shared among the leases, each taken from one of them whole and before its end; null: there are more
 * ways to do so than can be looked at.
 *
 * Spends of 1 fit wherever something is left, so only the others are tried in all ways: the dearest first, and no further than
 * what is left has room, in sum, for what is yet to come.
 */
export function canShare(spends: readonly Spend[], leases: readonly Share[]): boolean | null {
  const rest = spends.toSorted((one, other) => other.reachedUs - one.reachedUs);
  const shares = leases.map(({ endUs, left }) => ({ endUs, left })).sort((one, other) => other.endUs - one.endUs);
  const dear = rest.filter(({ cost }) => cost > 1).sort((one, other) => other.cost - one.cost);
  const placed = new Set<Spend>();
  let choices = 0;
  const place = (at: number): boolean | null => {
    if (!hasRoom(rest, placed, shares)) return false;
    const spend = dear[at];
    if (spend === undefined) return true;
    placed.add(spend);
    // What ends first is of use to the fewest others.
    for (const share of shares.toReversed()) {
      if (share.left < spend.cost || share.endUs <= spend.reachedUs) continue;
      if (++choices > MOST_CHOICES) return null;
      share.left -= spend.cost;
      const found = place(at + 1);
      if (found !== false) return found;
      share.left += spend.cost;
    }
    placed.delete(spend);
    return false;
  };
  return place(0);
}

/** Whether enough is left for all spends that are not placed, could each be taken from several leases. */
function hasRoom(latestFirst: readonly Spend[], placed: ReadonlySet<Spend>, lastToEndFirst: readonly Share[]): boolean {
  let room = 0;
  let next = 0;
  for (const spend of latestFirst) {
    if (placed.has(spend)) continue;
    for (; next < lastToEndFirst.length && lastToEndFirst[next]!.endUs > spend.reachedUs; next++) {
      room += lastToEndFirst[next]!.left;
    }
    room -= spend.cost;
    if (room < 0) return false;
  }
  return true;
}
