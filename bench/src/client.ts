/** How a call came out. `degraded`: the client decided it without its servers' counts. */
export type Outcome = "allowed" | "denied" | "degraded";

/** What one process asks a system with. */
export interface Client {
  /** Decisions, or what a store has in their place, that one call stands for. */
  readonly decisionsPerCall: number;
  /** Rejects if nothing was decided. */
  call(key: string): Promise<Outcome>;
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
