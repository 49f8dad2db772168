import type { CallError } from "../call-error.ts";
import type { AccessGate } from "./access-gate.ts";
import type { VerifiedToken } from "./verify-token.ts";

/** A stream's token, which is looked at for as long as the stream lasts. */
export interface TokenLife {
  /** Looks now. False: the stream was ended. */
  check(): boolean;
  /** Ends the watch. */
  stop(): void;
}

/**
 * The same for a stream that takes no messages, which also counts among its holder's; null for either: nothing is watched. Returns
 * what stops it.
 *
 * @throws {CallError} TOKEN_OVERUSED
 */
export function whileGood(
  token: VerifiedToken | null,
  gate: AccessGate | null,
  end: (error: CallError) => void,
): () => void {
  if (token === null || gate === null) return () => {};
  const leave = gate.open(token);
  const { stop } = watchToken(token, gate, end);
  return () => {
    leave();
    stop();
  };
}

/** No timer may be set for longer, in milliseconds. */
const longestMs = 2 ** 31 - 1;

/**
 * Ends a stream when its token does, or when the key of its token goes out of force. A timer runs late on a machine that slept, so
 * who takes a message looks as well.
 */
export function watchToken(token: VerifiedToken, gate: AccessGate, end: (error: CallError) => void): TokenLife {
  const stop = (): void => {
    clearTimeout(timer);
    endKeys();
  };
  const check = (): boolean => {
    const objection = gate.objection(token);
    if (objection === null) return true;
    stop();
    gate.refused(objection);
    end(objection);
    return false;
  };
  // The wall clock decides, and timers know nothing of it: one that came too early is set again.
  const arm = (): NodeJS.Timeout =>
    setTimeout(
      () => {
        if (check()) timer = arm();
      },
      Math.min(longestMs, Math.max(1, gate.leftMs(token))),
    ).unref();
  let timer = arm();
  const endKeys = gate.onKeys(check);
  return { check, stop };
}
