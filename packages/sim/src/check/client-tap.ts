import {
  type Acknowledgement,
  boundSession,
  type CallOperation,
  createAskedCalls,
  sessionCallId,
} from "@quorumguard/audit";
import { Outcome } from "@quorumguard/limiter";
import { decodeSessionRequest, decodeSessionResponse, type ReceivedFrame } from "@quorumguard/proto";

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
 * @param commitIndex What is known to be committed by then.
 */
export function createSessionTap(
  note: (line: string) => void = () => {},
  nowUs: () => number = () => 0,
  commitIndex: () => number = () => Number.POSITIVE_INFINITY,
): SessionTap {
  /** Session by stream. */
  const sessions = new Map<number, string>();
  const clients = new Map<string, string>();
  const asked = createAskedCalls();
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
    const { fresh, changed } = asked.saw(session, frame);
    const span = { startUs: nowUs(), endUs: Number.POSITIVE_INFINITY };
    for (const { callId, items } of fresh)
      calls.set(callId, { clientId: client, callId, items, ...span, decision: null, applied: "unknown" });
    for (const callId of changed) violations.push(`call ${callId} was sent with other content`);
  }

  function bind(client: string, stream: number, session: string | null): void {
    if (session === null) return;
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
        bind(client, stream, boundSession(decoded.message));
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
        bind(client, stream, boundSession(decoded.message));
        const { message } = decoded.message;
        if (message.case === "error")
          note(
            `${client} stream ${stream} error for ${message.value.firstNumber}+${message.value.calls}: ${message.value.detail?.message}`,
          );
        return;
      }
      const { reply } = decoded;
      const session = sessions.get(stream);
      const answers = asked.answers(session ?? null, reply);
      for (const ack of answers.acknowledgements) {
        acknowledgements.push({ ...ack, knownCommit: commitIndex(), heardUs: nowUs() });
        sawAnswer(ack);
      }
      if (answers.unasked !== null) {
        violations.push(`${client} was answered for call ${session}#${answers.unasked}, which it never asked`);
        return;
      }
      note(
        `${client} stream ${stream} answered ${session}#${reply.firstNumber}+${reply.offsets ?? reply.calls} at ${reply.index}: ${[...reply.outcomes]}`,
      );
    },
  };
}
