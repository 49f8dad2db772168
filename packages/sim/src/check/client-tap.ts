import { type Acknowledgement, type AskedItem, type CallOperation, sessionCallId } from "@quorumguard/audit";
import { Outcome, type Rule } from "@quorumguard/limiter";
import {
  decodeSessionRequest,
  decodeSessionResponse,
  type ReceivedFrame,
  Source,
  Algorithm as WireAlgorithm,
} from "@quorumguard/proto";

/** Reads the client's side of the wire: what was asked under which number, and what came back. */
export interface SessionTap {
  request(client: string, stream: number, message: Uint8Array): void;
  response(client: string, stream: number, message: Uint8Array): void;
  readonly acknowledgements: readonly Acknowledgement[];
  clientOf(session: string): string | undefined;
  /** Every call of a session, from its first attempt on the wire to the first decision that came back. */
  calls(): CallOperation[];
  /** A number that was used for two different calls, or an answer to a call that was never asked. */
  readonly violations: readonly string[];
}

/**
 * A tap that has heard nothing yet; feed it every message of every client.
 *
 * @param note Told of every message in words, for a verbose trace.
 * @param nowUs The time of what is heard.
 */
export function createSessionTap(note: (line: string) => void = () => {}, nowUs: () => number = () => 0): SessionTap {
  /** Session by stream. */
  const sessions = new Map<number, string>();
  const clients = new Map<string, string>();
  const asked = new Map<string, readonly AskedItem[]>();
  const acknowledgements: Acknowledgement[] = [];
  const calls = new Map<string, CallOperation>();
  const violations: string[] = [];

  /** The first decision is the one that the caller gets; an answer without one leaves the call open. */
  function sawAnswer(ack: Acknowledgement): void {
    const callId = sessionCallId(ack.session, ack.number);
    const call = calls.get(callId)!;
    if (call.decision !== null || ack.outcomes.some((outcome) => outcome >= Outcome.keysFull)) return;
    const decision = {
      allowed: ack.outcomes.every((outcome) => outcome === Outcome.allowed),
      remaining: ack.asked.length === 1 ? ack.remaining[0]! : null,
      source: ack.source,
      degraded: false,
      index: ack.source === "quorum" ? ack.index : null,
      position: null,
      stampUs: ack.stampUs,
    };
    calls.set(callId, { ...call, endUs: nowUs(), decision, applied: null });
  }

  function sawFrame(client: string, session: string, frame: ReceivedFrame): void {
    for (let call = 0, at = 0; call < frame.calls; call++) {
      const size = frame.sizes?.[call] ?? 1;
      const items = Array.from({ length: size }, (_, place) => itemOf(frame, at + place));
      at += size;
      const key = `${session}#${frame.firstNumber + call}`;
      const before = asked.get(key);
      if (before === undefined) {
        asked.set(key, items);
        const callId = sessionCallId(session, frame.firstNumber + call);
        const span = { startUs: nowUs(), endUs: Number.POSITIVE_INFINITY };
        calls.set(callId, { clientId: client, callId, items, ...span, decision: null, applied: "unknown" });
      } else if (JSON.stringify(before) !== JSON.stringify(items))
        violations.push(`call ${key} was sent with other content`);
    }
  }

  function bind(client: string, stream: number, id: { index: bigint; position: number } | undefined): void {
    if (id === undefined) return;
    const session = `${id.index}:${id.position}`;
    const owner = clients.get(session);
    if (owner !== undefined && owner !== client) violations.push(`${owner} and ${client} share session ${session}`);
    clients.set(session, client);
    sessions.set(stream, session);
  }

  return {
    acknowledgements,
    violations,
    clientOf: (session) => clients.get(session),
    calls: () => [...calls.values()],
    request(client, stream, message) {
      const decoded = decodeSessionRequest(message);
      if (decoded.kind === "message") {
        if (decoded.message.message.case === "resume") bind(client, stream, decoded.message.message.value.session);
        return;
      }
      const session = sessions.get(stream);
      const { firstNumber, calls, firstAttempt, ackedThrough } = decoded.frame;
      note(
        `${client} stream ${stream} asks ${session}#${firstNumber}+${calls} first=${firstAttempt} acked=${ackedThrough}`,
      );
      if (session !== undefined) sawFrame(client, session, decoded.frame);
    },
    response(client, stream, message) {
      const decoded = decodeSessionResponse(message);
      if (decoded.kind === "message") {
        const { message } = decoded.message;
        if (message.case === "registered") bind(client, stream, message.value.session);
        if (message.case === "error")
          note(
            `${client} stream ${stream} error for ${message.value.firstNumber}+${message.value.calls}: ${message.value.detail?.message}`,
          );
        return;
      }
      const { reply } = decoded;
      const session = sessions.get(stream);
      for (let call = 0, at = 0; call < reply.calls; call++) {
        const number = reply.firstNumber + call;
        const items = asked.get(`${session}#${number}`);
        if (session === undefined || items === undefined) {
          violations.push(`${client} was answered for call ${session}#${number}, which it never asked`);
          return;
        }
        const values = (column: ArrayLike<number>) => Array.from(items, (_, place) => column[at + place]!);
        const ack: Acknowledgement = {
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
        };
        acknowledgements.push(ack);
        sawAnswer(ack);
        at += items.length;
      }
      note(
        `${client} stream ${stream} answered ${session}#${reply.firstNumber}+${reply.calls} at ${reply.index}: ${[...reply.outcomes]}`,
      );
    },
  };
}

/** The rule as the log will have it: defaults of the wire filled in. */
function itemOf(frame: ReceivedFrame, at: number): AskedItem {
  const start = frame.keyStarts[at]!;
  const key = new TextDecoder().decode(frame.keyBytes.subarray(start, start + frame.keyLengths[at]!));
  const wire = frame.rules[frame.ruleIndexes?.[at] ?? 0]!;
  const bucket = wire.algorithm === WireAlgorithm.TOKEN_BUCKET;
  const rule: Rule = {
    algorithm: bucket ? 2 : 1,
    limit: wire.limit,
    windowUs: Number(wire.windowUs),
    burst: bucket ? wire.burst || wire.limit : 0,
    policy: wire.policy,
  };
  return { key, rule, cost: frame.costs?.[at] || 1 };
}
