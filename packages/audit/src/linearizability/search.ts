import { createEventList } from "./event-list.ts";
import type { Model, Operation } from "./model.ts";
import { createStateCache } from "./state-cache.ts";

/** What one search came to. */
export interface SearchResult {
  readonly verdict: "ok" | "illegal" | "unknown";
  /** Operations in the order found; if it is not ok, the longest order that the search could place. */
  readonly order: readonly number[];
  /** Configurations tried. */
  readonly steps: number;
}

/** When to give up: asked every thousand steps, told how many there were. */
export type Patience = (steps: number) => boolean;

const stepsPerLook = 1024;

/** Mixes a number into 32 well spread bits. */
function scramble(value: number): number {
  let mixed = (value + 0x9e3779b9) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

/**
 * Looks for an order of the operations that respects real time and the model: the depth-first search of Wing & Gong
 * (1993) with the cache of Lowe (2017), on an explicit stack.
 *
 * Operations that never returned are tried only when nothing else fits, and need not be placed at all: that they never
 * took effect is one of the things that may have become of them. So a hundred of them cost nothing until one is needed.
 */
export function searchOrder<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
  impatient: Patience,
): SearchResult {
  const count = operations.length;
  const events = createEventList(operations);
  const { head, tail, next, rank } = events;
  const open = operations
    .map((_, at) => at)
    .filter((at) => operations[at]!.returnAt === Number.POSITIVE_INFINITY)
    .sort((one, other) => rank[one * 2]! - rank[other * 2]!);
  const openPlace = new Int32Array(count).fill(-1);
  for (const [place, at] of open.entries()) openPlace[at] = place;

  const placed = new Uint32Array(Math.max(1, Math.ceil(count / 32)));
  const cache = createStateCache<State>(placed.length, (one, other) => model.equal(one, other));
  const marks = Int32Array.from({ length: count }, (_, at) => scramble(at + 1));
  const stack: number[] = [];
  const states: State[] = [];
  let placedHash = 0;
  let state = model.initial();
  let longest: number[] = [];
  let steps = 0;

  const isPlaced = (at: number) => (placed[at >>> 5]! & (1 << (at & 31))) !== 0;
  const flip = (at: number) => {
    placed[at >>> 5]! ^= 1 << (at & 31);
    placedHash ^= marks[at]!;
  };
  /** The first operation from this place on that never returned, is not placed, and was called by then. */
  const openFrom = (place: number, untilRank: number): number => {
    for (let at = place; at < open.length; at++) {
      const operation = open[at]!;
      if (rank[operation * 2]! > untilRank) return -1;
      if (!isPlaced(operation)) return operation;
    }
    return -1;
  };
  /** The earliest return in the list: nothing that was called after it may come before it. */
  const firstReturnRank = (from: number): number => {
    let event = from;
    while (event !== tail && (event & 1) === 0) event = next[event]!;
    return rank[event]!;
  };
  /** What may come next after `after` was tried and given up; -1 for `after` begins; -1 as result: nothing is left. */
  const candidateAfter = (after: number): number => {
    if (after >= 0 && openPlace[after]! >= 0) return openFrom(openPlace[after]! + 1, firstReturnRank(next[head]!));
    const event = after < 0 ? next[head]! : next[after * 2]!;
    if (event !== tail && (event & 1) === 0) return event >> 1;
    return openFrom(0, event === tail ? rank[tail]! : rank[event]!);
  };

  let candidate = candidateAfter(-1);
  while (next[head] !== tail) {
    if (++steps % stepsPerLook === 0 && impatient(steps)) {
      const order = stack.length > longest.length ? stack : longest;
      return { verdict: "unknown", order, steps };
    }
    if (candidate >= 0) {
      const { input, output } = operations[candidate]!;
      const after = model.step(state, input, output);
      if (after !== null) {
        flip(candidate);
        const hash = (placedHash ^ (model.hash === undefined ? 0 : scramble(model.hash(after)))) | 0;
        if (cache.add(hash, placed, after)) {
          stack.push(candidate);
          states.push(state);
          state = after;
          if (openPlace[candidate]! < 0) events.lift(candidate);
          candidate = candidateAfter(-1);
          continue;
        }
        flip(candidate);
      }
      candidate = candidateAfter(candidate);
      continue;
    }
    // Copied only where the search turns back, or a long history would be copied once per operation.
    if (stack.length > longest.length) longest = stack.slice();
    const undone = stack.pop();
    if (undone === undefined) return { verdict: "illegal", order: longest, steps };
    state = states.pop()!;
    flip(undone);
    if (openPlace[undone]! < 0) events.unlift(undone);
    candidate = candidateAfter(undone);
  }
  return { verdict: "ok", order: stack, steps };
}
