/** A lease is for half of what is expected while it lasts: it is spent before it ends, and renewed when half of it is. */
const SHARE_OF_DEMAND = 0.5;
/** No lease is for more than this share of the limit, so that those of many clients leave room for each other. */
const SHARE_OF_LIMIT = 0.1;
/** Nor for more than this share of a client's share of what is left: near exhaustion leases shrink until there are none. */
const SHARE_OF_REST = 0.5;
/** A smaller lease costs as many messages, to be granted and given back, as it saves. */
const SMALLEST_LEASE = 4;

/** How much of a key this process is asked for. */
export interface Demand {
  /** Units per millisecond, an average that forgets what is a few leases old. */
  perMs: number;
  /** Units since then, not yet in the average. */
  units: number;
  sinceMs: number;
}

/** Takes what was asked for since into the average, if that is long enough to say something: a tenth of a lease's time. */
export function measureDemand(demand: Demand, leaseMs: number, nowMs: number): void {
  const elapsedMs = nowMs - demand.sinceMs;
  if (elapsedMs < leaseMs / 10) return;
  const weight = 1 - Math.exp(-elapsedMs / leaseMs);
  demand.perMs += weight * (demand.units / elapsedMs - demand.perMs);
  demand.units = 0;
  demand.sinceMs = nowMs;
}

/** What bounds a lease. */
export interface LeaseBounds {
  /** How long leases of the rule last, in milliseconds. */
  readonly leaseMs: number;
  /** What may be taken at once of an unused key: the limit, or a bucket's burst if that is less. */
  readonly capacity: number;
  /** What could be taken when the cluster was heard last. */
  readonly remaining: number;
  /** How many share it. */
  readonly clients: number;
}

/** For how many units a lease is worth asking; 0: for none. */
export function leaseUnits(perMs: number, { leaseMs, capacity, remaining, clients }: LeaseBounds): number {
  const units = Math.floor(
    Math.min(perMs * leaseMs * SHARE_OF_DEMAND, capacity * SHARE_OF_LIMIT, (remaining * SHARE_OF_REST) / clients),
  );
  return units < SMALLEST_LEASE ? 0 : units;
}
