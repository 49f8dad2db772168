import type { ResultColumns } from "./call-batch.ts";

/** Result columns that grow: what `denies` writes into, and what `apply` hands out. */
export class GrowingResultColumns implements ResultColumns {
  items = 0;
  outcomes: Uint8Array;
  remaining: Float64Array;
  resetAfterMs: Float64Array;
  retryAfterMs: Float64Array;
  firmForMs: Float64Array;
  handles: Float64Array;
  limits: Float64Array;
  shadows: Uint8Array;

  constructor(capacity: number) {
    this.outcomes = new Uint8Array(capacity);
    this.remaining = new Float64Array(capacity);
    this.resetAfterMs = new Float64Array(capacity);
    this.retryAfterMs = new Float64Array(capacity);
    this.firmForMs = new Float64Array(capacity);
    this.handles = new Float64Array(capacity);
    this.limits = new Float64Array(capacity);
    this.shadows = new Uint8Array(capacity);
  }

  get capacity(): number {
    return this.outcomes.length;
  }

  /** Makes room for `items` values, keeping those that are there. Replaces the arrays when it grows. */
  reserve(items: number): void {
    if (items <= this.outcomes.length) return;
    const grown = new GrowingResultColumns(Math.max(items, this.outcomes.length * 2));
    grown.outcomes.set(this.outcomes);
    grown.remaining.set(this.remaining);
    grown.resetAfterMs.set(this.resetAfterMs);
    grown.retryAfterMs.set(this.retryAfterMs);
    grown.firmForMs.set(this.firmForMs);
    grown.handles.set(this.handles);
    grown.limits.set(this.limits);
    grown.shadows.set(this.shadows);
    this.outcomes = grown.outcomes;
    this.remaining = grown.remaining;
    this.resetAfterMs = grown.resetAfterMs;
    this.retryAfterMs = grown.retryAfterMs;
    this.firmForMs = grown.firmForMs;
    this.handles = grown.handles;
    this.limits = grown.limits;
    this.shadows = grown.shadows;
  }

  /** Writes one item, without handle and shadow verdict; there must be room for it. */
  set(
    at: number,
    outcome: number,
    remaining: number,
    resetMs: number,
    retryMs: number,
    firmMs: number,
    limit: number,
  ): void {
    this.outcomes[at] = outcome;
    this.remaining[at] = remaining;
    this.resetAfterMs[at] = resetMs;
    this.retryAfterMs[at] = retryMs;
    this.firmForMs[at] = firmMs;
    this.handles[at] = 0;
    this.limits[at] = limit;
    this.shadows[at] = 0;
  }
}

/** Empty columns with room for `capacity` items; `items` and `reserve` are the owner's to set and call. */
export function createResultColumns(capacity: number): GrowingResultColumns {
  return new GrowingResultColumns(capacity);
}
