import type { Operation } from "./model.ts";

/**
 * Calls and returns of a history in order of time, as a doubly linked list in typed arrays. Event 2k is the call of
 * operation k, event 2k + 1 its return; two sentinels end the list. An operation is lifted out when the search places it,
 * and put back exactly where it was when the search takes it back (Lowe 2017).
 */
export interface EventList {
  /** Before the first event. */
  readonly head: number;
  /** After the last event. */
  readonly tail: number;
  readonly next: Int32Array;
  /** Place of each event in time, from 0. */
  readonly rank: Int32Array;
  lift(operation: number): void;
  /** The inverse of the latest `lift` that was not undone yet. */
  unlift(operation: number): void;
}

/** Links the events of all operations that returned; calls at the time of a return come before it (closed intervals). */
export function createEventList(operations: readonly Operation<unknown, unknown>[]): EventList {
  const count = operations.length;
  const timeOf = (event: number) => {
    const { callAt, returnAt } = operations[event >> 1]!;
    return (event & 1) === 0 ? callAt : returnAt;
  };
  const order = Array.from({ length: count * 2 }, (_, event) => event);
  order.sort((one, other) => {
    const [first, second] = [timeOf(one), timeOf(other)];
    // Infinity minus Infinity is no number.
    if (first !== second) return first < second ? -1 : 1;
    return (one & 1) - (other & 1) || one - other;
  });
  const head = count * 2;
  const tail = head + 1;
  const next = new Int32Array(count * 2 + 2);
  const previous = new Int32Array(count * 2 + 2);
  const rank = new Int32Array(count * 2 + 2);
  let last = head;
  for (const [at, event] of order.entries()) {
    rank[event] = at;
    // What never returned is no part of the list: no order follows from it.
    if (operations[event >> 1]!.returnAt === Number.POSITIVE_INFINITY) continue;
    next[last] = event;
    previous[event] = last;
    last = event;
  }
  next[last] = tail;
  previous[tail] = last;
  rank[head] = -1;
  rank[tail] = count * 2;

  const cut = (event: number) => {
    next[previous[event]!] = next[event]!;
    previous[next[event]!] = previous[event]!;
  };
  const join = (event: number) => {
    next[previous[event]!] = event;
    previous[next[event]!] = event;
  };
  return {
    head,
    tail,
    next,
    rank,
    lift(operation) {
      cut(operation * 2);
      cut(operation * 2 + 1);
    },
    unlift(operation) {
      join(operation * 2 + 1);
      join(operation * 2);
    },
  };
}
