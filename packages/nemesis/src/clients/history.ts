import type { Acknowledgement, CallerRecord } from "@quorumguard/audit";

/** What a caller saw of one call, and the room that it was told is left. */
export interface CallLine extends CallerRecord {
  /** For an admission of a single item, null otherwise. */
  readonly remaining: number | null;
}

/** One line about a client's sessions: whose a session is, or what it was told about one call. */
export type SessionLine =
  | { readonly kind: "session"; readonly session: string; readonly client: string }
  | ({ readonly kind: "answer" } & Acknowledgement)
  | { readonly kind: "broken"; readonly problem: string };
