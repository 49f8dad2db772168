import { subscribe } from "node:diagnostics_channel";
import type { AskedItem } from "@quorumguard/audit";
import type { CallSentMessage, CallStartedMessage, ObservedCall } from "@quorumguard/sdk-node";

/** A call that its caller waits for, and the name that its session gave it. */
export interface NamedCall {
  /** Session and number; null: it was not sent. */
  callId: string | null;
}

/** Finds out which of the session's numbers belongs to which caller's call. */
export interface CallNames {
  /** Runs what asks for these items in the session, and gives the call that it made a name. */
  asking<T>(
    items: readonly AskedItem[],
    ask: () => Promise<T>,
  ): { readonly call: NamedCall; readonly answer: Promise<T> };
  /** A number was seen on the wire for the first time, with these items. */
  numbered(callId: string, items: readonly AskedItem[]): void;
}

/** Calls that may be sent and not yet seen on the wire. */
const KEPT_CALLS = 20_000;

interface Asked extends NamedCall {
  readonly text: string;
}

/**
 * For the one guard of this process. Which number a call has its guard says, on a channel; that the number was sent, and with the
 * items that were asked for, the wire says. Items alone would not do: of two calls with the same, the second may be seen on the wire
 * before the first, whose first frame went to a stream that was gone.
 */
export function createCallNames(): CallNames {
  let current: Asked | null = null;
  const begun = new WeakMap<ObservedCall, Asked>();
  /** The last calls that each number was sent for: a session that begins counts from 1 again. */
  const sent = new Map<number, Asked>();

  subscribe("quorumguard.call.started", (message) => {
    if (current !== null) begun.set((message as CallStartedMessage).call, current);
  });
  subscribe("quorumguard.call.sent", (message) => {
    const { call, number } = message as CallSentMessage;
    const asked = begun.get(call);
    if (asked === undefined || number === 0) return;
    sent.delete(number);
    sent.set(number, asked);
    // What was sent again is not seen for the first time again.
    for (const [oldest] of sent) {
      if (sent.size <= KEPT_CALLS) break;
      sent.delete(oldest);
    }
  });

  return {
    asking(items, ask) {
      const call: Asked = { callId: null, text: JSON.stringify(items) };
      current = call;
      try {
        return { call, answer: ask() };
      } finally {
        current = null;
      }
    },
    numbered(callId, items) {
      const number = Number(callId.slice(callId.indexOf("#") + 1));
      const asked = sent.get(number);
      if (asked === undefined || asked.text !== JSON.stringify(items)) return;
      asked.callId = callId;
    },
  };
}
