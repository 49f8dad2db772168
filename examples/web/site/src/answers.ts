import type { Decision } from "@quorumguard/sdk-web";

/** What became of one press of the button. */
export type Outcome =
  | { readonly decision: Decision; readonly error: null }
  | { readonly decision: null; readonly error: string };

/** One press of the button, and what the cluster said. */
export type Answer = Outcome & {
  /** Counts up; a key for lists. */
  readonly id: number;
  /** When it was pressed, in milliseconds since 1970. */
  readonly atMs: number;
  /** From the press to the answer, in milliseconds. */
  readonly tookMs: number;
};

/** What a colour is chosen by. */
export type Tone = "allowed" | "denied" | "degraded" | "failed";

/** A degraded decision is shown as such, whatever it says. */
export function toneOf({ decision }: Outcome): Tone {
  if (decision === null) return "failed";
  if (decision.degraded) return "degraded";
  return decision.allowed ? "allowed" : "denied";
}

/** The answer in one word. */
export function wordOf({ decision }: Outcome): string {
  if (decision === null) return "no answer";
  return decision.allowed ? "allowed" : decision.reason;
}

/** Who decided, in words for a visitor. */
export const sourceWords: Readonly<Record<Decision["source"], string>> = {
  quorum: "written down by at least two of three nodes",
  leader: "the leader, from what had been written down",
  "denial-cache": "this page, which remembers the last denial",
  lease: "this page, from what the cluster had granted to it",
  local: "this page alone, as no node was reached",
  "fail-open": "nobody: no node was reached",
  "fail-closed": "nobody: no node was reached",
};

/** Milliseconds, as precise as they are worth reading. */
export function milliseconds(ms: number): string {
  return ms < 1 ? "under 1 ms" : `${Math.round(ms)} ms`;
}
