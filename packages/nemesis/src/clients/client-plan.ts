/** What one client process is told as its first argument, as JSON. */
export interface ClientPlan {
  readonly name: string;
  readonly seed: number;
  readonly endpoints: readonly string[];
  /** Callers that share keys with everybody, and those that have a key to themselves. */
  readonly sharedCallers: number;
  readonly ledgerCallers: number;
  /** Mean pause of a caller between two calls. */
  readonly thinkMs: number;
  readonly timeoutMs: number;
  readonly routing: "direct" | "forward";
  /** On the host's monotonic clock, the same for all clients: from it they tell which keys are in use. */
  readonly startUs: number;
  /** Where what its callers saw goes, and what its sessions were told. */
  readonly callsFile: string;
  readonly sessionsFile: string;
}
