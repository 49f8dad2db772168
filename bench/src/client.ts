/** How a call came out. `degraded`: the client decided it without its servers' counts. */
export type Outcome = "allowed" | "denied" | "degraded";

/** What one process asks a system with. An answer is whatever the library answers with. */
export interface Client<A = unknown> {
  /** Decisions, or what a store has in their place, that one call stands for. */
  readonly decisionsPerCall: number;
  /** The library's own promise: one more around it would be measured with it. */
  call(key: string): Promise<A>;
  outcomeOf(answer: A): Outcome;
  /** Of a rejection; null: nothing was decided. Left out: nothing ever is by one. */
  outcomeOfRejection?(error: unknown): Outcome | null;
  close(): Promise<void>;
}

/** So many per window: what every key of a workload may have. */
export interface Rule {
  readonly limit: number;
  readonly windowMs: number;
}

/** What a client is opened with. */
export interface ClientPlace {
  readonly endpoints: readonly string[];
  readonly rule: Rule;
}
