import type { DenialReason } from "../surface/guard.ts";

/**
 * What this process answered by itself, in totals since the guard was made; whoever watches reads them when it likes. Of the
 * units granted, what is neither spent nor returned nor expired is still out.
 */
export interface LocalAnswerCounts {
  /** Calls that were denied by what the cluster had said before. */
  denialsServed: number;
  /** Of these: keys that are banned. */
  bansServed: number;
  /** Of these: keys that are blocked. */
  blocksServed: number;
  /** Denials that were remembered. */
  denialsRemembered: number;
  /** Leases that the cluster granted. */
  leasesGranted: number;
  /** Units of cost that were leased. */
  unitsGranted: number;
  /** Calls that were admitted by a lease. */
  admissionsServed: number;
  /** Units that calls were admitted by. */
  unitsSpent: number;
  /** Units that were given back before their lease was over, and the cluster has said so. */
  unitsReturned: number;
  /** Units that nobody used: their lease was over first, or nobody said that they were taken back. The cluster counts them as spent. */
  unitsExpired: number;
}

/** Nothing was answered yet. */
export function createLocalAnswerCounts(): LocalAnswerCounts {
  return {
    denialsServed: 0,
    bansServed: 0,
    blocksServed: 0,
    denialsRemembered: 0,
    leasesGranted: 0,
    unitsGranted: 0,
    admissionsServed: 0,
    unitsSpent: 0,
    unitsReturned: 0,
    unitsExpired: 0,
  };
}

/** A call was denied by what the cluster had said before. */
export function denialServed(counts: LocalAnswerCounts, reason: DenialReason | null): void {
  counts.denialsServed += 1;
  if (reason === "banned") counts.bansServed += 1;
  if (reason === "blocked") counts.blocksServed += 1;
}
