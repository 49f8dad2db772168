import type { GuardOptions } from "@quorumguard/sdk-node";

/** The options of a guard that plans set. */
export type GuardPlan = Pick<GuardOptions, "onUnavailable" | "timeoutMs" | "routing" | "lease">;

/** What one client process is told as its first argument, as JSON. */
export interface ClientPlan {
  readonly name: string;
  readonly seed: number;
  readonly endpoints: readonly string[];
  /** Callers that share keys with everybody, and those that have a key to themselves. */
  readonly sharedCallers: number;
  readonly ledgerCallers: number;
  /** Callers of what is worth leasing, and those that keep asking for what is used up. */
  readonly leasedCallers: number;
  readonly attackers: number;
  /** Mean pause of a caller between two calls. */
  readonly thinkMs: number;
  /** What its guard is told besides the endpoints; what is absent here, the SDK decides. */
  readonly guard: GuardPlan;
  /** One caller asks for what always has room every so many milliseconds, and every answer is told of; null: no such caller. */
  readonly steadyIntervalMs: number | null;
  /** On the host's monotonic clock, the same for all clients: from it they tell which keys are in use. */
  readonly startUs: number;
  /** Where what its callers saw goes, and what its sessions were told. */
  readonly callsFile: string;
  readonly sessionsFile: string;
}
