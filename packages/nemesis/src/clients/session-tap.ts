import { type AskedItem, sessionCallId } from "@quorumguard/audit";
import { Algorithm } from "@quorumguard/limiter";
import {
  decodeSessionRequest,
  decodeSessionResponse,
  type ReceivedFrame,
  type ReceivedReply,
  Source,
  Algorithm as WireAlgorithm,
} from "@quorumguard/proto";
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

/** Numbers are kept for questions about retries until so many newer ones were used. */
const keptNumbers = 20_000;

/** A tap for one client process that has heard nothing yet. */
export function createSessionTap(client: string, write: (line: SessionLine) => void, names: CallNames): SessionTap {
  const bound = new Set<string>();
  /** By session and number; the text tells a number that was used for two different calls. */
  const asked = new Map<string, readonly AskedItem[]>();

  function sawFrame(session: string, frame: ReceivedFrame): void {
    for (let call = 0, at = 0; call < frame.calls; call++) {
      const size = frame.sizes?.[call] ?? 1;
      const items = Array.from({ length: size }, (_, place) => itemOf(frame, at + place));
      at += size;
      const name = sessionCallId(session, frame.firstNumber + call);
      const before = asked.get(name);
      if (before === undefined) {
        asked.set(name, items);
        names.numbered(name, items);
      } else if (JSON.stringify(before) !== JSON.stringify(items))
        write({ kind: "broken", problem: `call ${name} was sent again with other content` });
    }
    for (const name of asked.keys()) {
      if (asked.size <= keptNumbers) break;
      asked.delete(name);
    }
  }

  function sawReply(session: string | null, reply: ReceivedReply): void {
    for (let call = 0, at = 0; call < reply.calls; call++) {
      const number = reply.firstNumber + call;
      const items = session === null ? undefined : asked.get(sessionCallId(session, number));
      if (session === null || items === undefined) {
        write({ kind: "broken", problem: `an answer for call ${session}#${number}, which was never asked` });
        return;
      }
      const values = (column: ArrayLike<number>) => Array.from(items, (_, place) => column[at + place]!);
      write({
        kind: "answer",
        session,
        number,
        asked: items,
        source: reply.source === Source.LEADER ? "leader" : "quorum",
        index: reply.index,
        stampUs: reply.stampUs,
        outcomes: values(reply.outcomes),
        remaining: values(reply.remaining),
        resetAfterMs: values(reply.resetAfterMs),
        retryAfterMs: values(reply.retryAfterMs),
      });
      at += items.length;
    }
  }

  return {
    stream() {
      let session: string | null = null;
      const bind = (id: { index: bigint; position: number } | undefined) => {
        if (id === undefined) return;
        session = `${id.index}:${id.position}`;
        if (bound.has(session)) return;
        bound.add(session);
        write({ kind: "session", session, client });
      };
      return {
        request(bytes) {
          const decoded = decodeSessionRequest(bytes);
          if (decoded.kind === "frame") {
            if (session !== null) sawFrame(session, decoded.frame);
            return;
          }
          const { message } = decoded.message;
          if (message.case === "resume") bind(message.value.session);
        },
        response(bytes) {
          const decoded = decodeSessionResponse(bytes);
          if (decoded.kind === "reply") {
            sawReply(session, decoded.reply);
            return;
          }
          const { message } = decoded.message;
          if (message.case === "registered") bind(message.value.session);
        },
      };
    },
  };
}

/** The rule as the log will have it: defaults of the wire filled in. */
function itemOf(frame: ReceivedFrame, at: number): AskedItem {
  const start = frame.keyStarts[at]!;
  const key = new TextDecoder().decode(frame.keyBytes.subarray(start, start + frame.keyLengths[at]!));
  const wire = frame.rules[frame.ruleIndexes?.[at] ?? 0]!;
  const bucket = wire.algorithm === WireAlgorithm.TOKEN_BUCKET;
  const rule = {
    algorithm: bucket ? Algorithm.tokenBucket : Algorithm.slidingWindowLog,
    limit: wire.limit,
    windowUs: Number(wire.windowUs),
    burst: bucket ? wire.burst || wire.limit : 0,
    policy: wire.policy,
  };
  return { key, rule, cost: frame.costs?.[at] || 1 };
}
