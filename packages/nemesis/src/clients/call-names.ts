import type { AskedItem } from "@quorumguard/audit";

/** A call that its caller waits for, and the name that its session gave it. */
export interface NamedCall {
  /** Session and number; null: it was not sent. */
  callId: string | null;
}

/** Finds out which of the session's numbers belongs to which caller's call. */
export interface CallNames {
  /** Somebody asks for these items now, in the session. */
  asked(items: readonly AskedItem[]): NamedCall;
  /** It has its answer, or gave up. */
  ended(call: NamedCall, items: readonly AskedItem[]): void;
  /** A number was sent for the first time, with these items. */
  numbered(callId: string, items: readonly AskedItem[]): void;
}

/**
 * For one guard: it sends calls in the order in which they were asked, so of the calls with the same items the first that
 * has no number yet gets it. One that starts over in a new session gets another.
 */
export function createCallNames(): CallNames {
  const waiting = new Map<string, NamedCall[]>();
  return {
    asked(items) {
      const call: NamedCall = { callId: null };
      const text = JSON.stringify(items);
      const list = waiting.get(text);
      if (list === undefined) waiting.set(text, [call]);
      else list.push(call);
      return call;
    },
    ended(call, items) {
      const text = JSON.stringify(items);
      const left = (waiting.get(text) ?? []).filter((one) => one !== call);
      if (left.length === 0) waiting.delete(text);
      else waiting.set(text, left);
    },
    numbered(callId, items) {
      const list = waiting.get(JSON.stringify(items)) ?? [];
      const call = list.find((one) => one.callId === null) ?? list[0];
      if (call !== undefined) call.callId = callId;
    },
  };
}
