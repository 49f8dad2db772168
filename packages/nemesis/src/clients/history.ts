import type { Acknowledgement, CallerRecord } from "@quorumguard/audit";

/** What a caller saw of one call, the room that it was told is left, and the name that its session gave the call. */
export interface CallLine extends CallerRecord {
  /** Session and number; null: it was never sent, or not in a session. */
  readonly callId: string | null;
  /** For an admission of a single item, null otherwise. */
  readonly remaining: number | null;
}

/** One line about a client's sessions: whose a session is, or what it was told about one call. */
export type SessionLine =
  | { readonly kind: "session"; readonly session: string; readonly client: string }
  | ({ readonly kind: "answer" } & Acknowledgement)
  | { readonly kind: "broken"; readonly problem: string };
