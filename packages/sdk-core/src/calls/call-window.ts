import type { Call } from "./call.ts";

/**
 * The numbered calls of a session from the first unsettled one on. Numbers are given once and in order; everything
 * below the window is settled, which is what `ackedThrough` tells the cluster (SEMANTICS S2).
 */
export interface CallWindow {
  readonly ackedThrough: number;
  /** From the first unsettled call to the last number given. */
  readonly span: number;
  /** Gives the call the next number. */
  add(call: Call): void;
  /** The call with this number, also if it is settled; null below or beyond the window. */
  get(number: number): Call | null;
  /** Moves `ackedThrough` over settled calls. */
  advance(): void;
  /** Unsettled calls, in order of their numbers. */
  forEach(visit: (call: Call) => void): void;
  /** The first run of consecutive calls to be sent again, at most `maxItems` items long. Empty: none. */
  nextResend(maxItems: number): Call[];
}

/** The window of a new session: its first call has number 1. */
export function createCallWindow(): CallWindow {
  /** Below `head` all are null: a thousand settled calls would outlive collections of short-lived memory, and be moved for nothing. */
  let calls: (Call | null)[] = [];
  let head = 0;
  /** Number of `calls[head]`. */
  let base = 1;

  return {
    get ackedThrough() {
      return base - 1;
    },
    get span() {
      return calls.length - head;
    },
    add(call) {
      call.number = base + calls.length - head;
      calls.push(call);
    },
    get(number) {
      return number < base ? null : (calls[head + number - base] ?? null);
    },
    advance() {
      while (head < calls.length && calls[head]!.phase === "settled") {
        calls[head] = null;
        head += 1;
        base += 1;
      }
      if (head > 1_024 && head * 2 > calls.length) {
        calls = calls.slice(head);
        head = 0;
      }
    },
    forEach(visit) {
      for (const call of calls.slice(head)) if (call!.phase !== "settled") visit(call!);
    },
    nextResend(maxItems) {
      const run: Call[] = [];
      let items = 0;
      for (let at = head; at < calls.length; at++) {
        const call = calls[at]!;
        if (call.phase !== "toResend") {
          if (run.length > 0) break;
          continue;
        }
        items += call.group === null ? 1 : call.group.length;
        if (items > maxItems && run.length > 0) break;
        run.push(call);
      }
      return run;
    },
  };
}
