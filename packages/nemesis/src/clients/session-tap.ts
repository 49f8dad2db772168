import { boundSession, createAskedCalls } from "@quorumguard/audit";
import { decodeSessionRequest, decodeSessionResponse } from "@quorumguard/proto";
import { hostClockUs } from "../host-clock.ts";
import type { CallNames } from "./call-names.ts";
import type { SessionLine } from "./history.ts";

/** Reads both directions of one Session stream. */
export interface StreamTap {
  request(message: Uint8Array): void;
  response(message: Uint8Array): void;
}

/** Reads the client's side of the wire: what was asked under which number, and what came back. */
export interface SessionTap {
  stream(): StreamTap;
}

/** Calls are kept for questions about retries until so many newer ones were sent. */
const keptCalls = 20_000;

/** A tap for one client process that has heard nothing yet. */
export function createSessionTap(
  client: string,
  write: (line: SessionLine) => void,
  names: Pick<CallNames, "numbered">,
): SessionTap {
  const known = new Set<string>();
  const calls = createAskedCalls({ maxCalls: keptCalls });

  return {
    stream() {
      let session: string | null = null;
      const bind = (bound: string | null) => {
        if (bound === null) return;
        session = bound;
        if (known.has(session)) return;
        known.add(session);
        write({ kind: "session", session, client });
      };
      return {
        request(bytes) {
          const decoded = decodeSessionRequest(bytes);
          if (decoded.kind === "message") {
            bind(boundSession(decoded.message));
            return;
          }
          if (session === null) return;
          const { fresh, changed } = calls.saw(session, decoded.frame);
          for (const { callId, items } of fresh) names.numbered(callId, items);
          for (const callId of changed)
            write({ kind: "broken", problem: `call ${callId} was sent again with other content` });
        },
        response(bytes) {
          const decoded = decodeSessionResponse(bytes);
          if (decoded.kind === "message") {
            bind(boundSession(decoded.message));
            return;
          }
          const { acknowledgements, unasked } = calls.answers(session, decoded.reply);
          for (const answer of acknowledgements) write({ kind: "answer", ...answer, heardUs: hostClockUs() });
          if (unasked !== null)
            write({ kind: "broken", problem: `an answer for call ${session}#${unasked}, which was never asked` });
        },
      };
    },
  };
}
