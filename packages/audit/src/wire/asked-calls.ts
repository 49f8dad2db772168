import { Algorithm, type Rule } from "@quorumguard/limiter";
import { type ReceivedFrame, type ReceivedReply, Source, type WireRule } from "@quorumguard/proto";
import { sessionCallId } from "../rate-limit/call-ids.ts";
import { itemsOfCalls } from "../rate-limit/items-of-calls.ts";
import { type Acknowledgement, type AskedItem, sameItems } from "../rate-limit/records.ts";

/** A call of a session, as its client's frame states it. */
export interface AskedCall {
  readonly callId: string;
  readonly items: readonly AskedItem[];
}

/** What the calls of one frame are to those before them; a call that was merely sent again is neither. */
export interface FrameNews {
  /** Calls whose numbers were not used before. */
  readonly fresh: readonly AskedCall[];
  /** Ids of calls that were asked before, but for something else. */
  readonly changed: readonly string[];
}

/** What the answers of one reply tell their client. */
export interface ReplyNews {
  /** In the order of the reply; of one with an unasked call, what stands before that call. */
  readonly acknowledgements: readonly Acknowledgement[];
  /** The first number that was never asked, or null. How many items it has is unknown, so nothing behind it can be read. */
  readonly unasked: number | null;
}

/** What clients asked on Session streams, under which numbers: frames are held against it, and replies read by it. */
export interface AskedCalls {
  /** A client sent this frame in its session. */
  saw(session: string, frame: ReceivedFrame): FrameNews;
  /** A client received this reply; nothing was asked on a stream without a session. */
  answers(session: string | null, reply: ReceivedReply): ReplyNews;
}

/** What an {@link AskedCalls} may keep. */
export interface AskedCallsOptions {
  /** Calls that are remembered, the newest of them; unlimited by default, so that no retry and no late answer is misjudged. */
  readonly maxCalls?: number;
}

/** The memory of a listener that has heard nothing yet. */
export function createAskedCalls({ maxCalls = Number.POSITIVE_INFINITY }: AskedCallsOptions = {}): AskedCalls {
  const asked = new Map<string, readonly AskedItem[]>();

  function forgetOldest(): void {
    for (const callId of asked.keys()) {
      if (asked.size <= maxCalls) break;
      asked.delete(callId);
    }
  }

  return {
    saw(session, frame) {
      const fresh: AskedCall[] = [];
      const changed: string[] = [];
      for (const [call, items] of itemsOfCalls({ ...frame, rules: frame.rules.map(ruleOf) }).entries()) {
        const callId = sessionCallId(session, frame.firstNumber + call);
        const before = asked.get(callId);
        if (before === undefined) {
          asked.set(callId, items);
          fresh.push({ callId, items });
        } else if (!sameItems(before, items)) changed.push(callId);
      }
      forgetOldest();
      return { fresh, changed };
    },
    answers(session, reply) {
      const acknowledgements: Acknowledgement[] = [];
      for (let call = 0, at = 0; call < reply.calls; call++) {
        const number = reply.firstNumber + (reply.offsets?.[call] ?? call);
        const items = session === null ? undefined : asked.get(sessionCallId(session, number));
        if (session === null || items === undefined) return { acknowledgements, unasked: number };
        acknowledgements.push(acknowledgementOf(session, number, items, reply, at));
        at += items.length;
      }
      return { acknowledgements, unasked: null };
    },
  };
}

/** The rule as the log will have it: defaults of the wire filled in. */
function ruleOf({ algorithm, limit, windowUs, burst, policy }: WireRule): Rule {
  // A name alone: the cluster knows the numbers.
  if (windowUs === 0) return { algorithm: Algorithm.slidingWindowLog, limit, windowUs, burst, policy };
  if (algorithm === Algorithm.tokenBucket) return { algorithm, limit, windowUs, burst: burst || limit, policy };
  const counted = (algorithm || Algorithm.slidingWindowLog) as Algorithm;
  return { algorithm: counted, limit, windowUs, burst: 0, policy };
}

/** The answer to one call, whose values begin at place `at` of the reply's columns. */
function acknowledgementOf(
  session: string,
  number: number,
  asked: readonly AskedItem[],
  reply: ReceivedReply,
  at: number,
): Acknowledgement {
  const values = (column: ArrayLike<number>) => Array.from(asked, (_, place) => column[at + place]!);
  return {
    session,
    number,
    asked,
    source: reply.source === Source.LEADER ? "leader" : "quorum",
    index: reply.index,
    stampUs: reply.stampUs,
    outcomes: values(reply.outcomes),
    remaining: values(reply.remaining),
    resetAfterMs: values(reply.resetAfterMs),
    retryAfterMs: values(reply.retryAfterMs),
    handles: values(reply.handles),
    limits: reply.limits === null ? asked.map(({ rule }) => rule.limit) : values(reply.limits),
    shadows: values(reply.shadows),
  };
}
