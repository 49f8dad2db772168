import type { Call } from "./call.ts";

/** Calls without a number, in order. Those that end while they wait are dropped without a search. */
export interface CallQueue {
  /** Entries, ended ones included. */
  readonly length: number;
  push(call: Call): void;
  /** The first call that still waits, which stays where it is; null: none. */
  peek(): Call | null;
  /** Removes what `peek` returned. */
  shift(): void;
  /** A waiting call has ended. */
  dropped(): void;
  /** Visits those that still wait; the visitor may end them. */
  forEach(visit: (call: Call) => void): void;
}

/** An empty queue. Ended calls are compacted away, so that an outage does not make it grow. */
export function createCallQueue(): CallQueue {
  /** Below `head` all are null: calls that have left are not to be held by it. */
  let calls: (Call | null)[] = [];
  let head = 0;
  let ended = 0;

  const compact = (): void => {
    calls = calls.slice(head).filter((call) => call!.phase === "queued");
    head = 0;
    ended = 0;
  };
  return {
    get length() {
      return calls.length - head;
    },
    push(call) {
      calls.push(call);
    },
    peek() {
      while (head < calls.length) {
        const call = calls[head]!;
        if (call.phase === "queued") return call;
        calls[head] = null;
        head += 1;
        ended -= 1;
      }
      if (head > 0) {
        calls = [];
        head = 0;
        ended = 0;
      }
      return null;
    },
    shift() {
      calls[head] = null;
      head += 1;
      if (head > 1_024 && head * 2 > calls.length) compact();
    },
    forEach(visit) {
      for (const call of calls.slice(head)) if (call!.phase === "queued") visit(call!);
    },
    dropped() {
      ended += 1;
      // During a long outage calls come and end without ever being taken out at the front.
      if (ended > 64 && ended * 2 > calls.length - head) compact();
    },
  };
}
