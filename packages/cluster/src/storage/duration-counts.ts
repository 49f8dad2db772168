/** How many durations fell into which bucket: a histogram that is cheap to fill and is read when somebody looks. */
export interface DurationHistogram {
  /** Upper bounds of the buckets in milliseconds, ascending; beyond the last there is one more bucket. */
  readonly boundsMs: readonly number[];
  /** One count for each bucket, not added up. Live: it grows after it was handed out. */
  readonly counts: Readonly<Float64Array>;
  /** The sum of all durations, in milliseconds. */
  readonly totalMs: number;
}

/** Fills a {@link DurationHistogram}: a short walk over numbers for each observation, and no memory. */
export class DurationCounts implements DurationHistogram {
  readonly boundsMs: readonly number[];
  readonly counts: Float64Array;
  totalMs = 0;

  constructor(boundsMs: readonly number[]) {
    this.boundsMs = boundsMs;
    this.counts = new Float64Array(boundsMs.length + 1);
  }

  /** Counts the same duration `times` times. */
  observe(durationMs: number, times = 1): void {
    const { boundsMs, counts } = this;
    let bucket = 0;
    while (bucket < boundsMs.length && durationMs > boundsMs[bucket]!) bucket++;
    counts[bucket]! += times;
    this.totalMs += durationMs * times;
  }
}

/** Bounds for flushes, from a drive with a cache that survives power failures to one that stalls an election. */
export const flushBoundsMs: readonly number[] = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000];
