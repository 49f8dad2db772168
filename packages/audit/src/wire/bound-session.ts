import type { SessionRequest, SessionResponse } from "@quorumguard/proto";
import { sessionName } from "../rate-limit/call-ids.ts";

/** The session that a message binds its stream to, continued by the client or just created for it; null for any other message. */
export function boundSession({ message }: SessionRequest | SessionResponse): string | null {
  const session = message.case === "resume" || message.case === "registered" ? message.value.session : undefined;
  return session === undefined ? null : sessionName(session);
}
