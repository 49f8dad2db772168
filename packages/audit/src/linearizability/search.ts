import type { Model, Operation } from "./model.ts";
import { SearchPath } from "./search-path.ts";

/** What one search came to. */
export interface SearchResult {
  readonly verdict: "ok" | "illegal" | "unknown";
  /** Operations in the order found; if it is not ok, the longest order that the search could place. */
  readonly order: readonly number[];
  /** After that order, an operation whose outcome nothing leads to any more, if that was why it ended; else -1. */
  readonly ruledOut: number;
  /** Configurations tried. */
  readonly steps: number;
}

/** When to give up: asked every thousand steps, told how many there were. */
export type Patience = (steps: number) => boolean;

const stepsPerLook = 1024;

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
  const path = new SearchPath(model, operations);
  let longest: Pick<SearchResult, "order" | "ruledOut"> | null = null;
  let steps = 0;
  let frame = path.newFrame();
  const frames: (typeof frame)[] = [];
  while (!path.isComplete) {
    if (++steps % stepsPerLook === 0 && impatient(steps)) {
      const order = longest === null || path.order.length > longest.order.length ? path.order : longest.order;
      return { verdict: "unknown", order, ruledOut: -1, steps };
    }
    const candidate = frame.candidates[frame.at++];
    if (candidate !== undefined) {
      if (!path.place(candidate, frame)) continue;
      frames.push(frame);
      frame = path.newFrame();
      continue;
    }
    // Copied only where the search turns back, or a long history would be copied once per operation.
    if (longest === null || path.order.length > longest.order.length)
      longest = { order: path.order.slice(), ruledOut: frame.ruledOut };
    if (frames.length === 0) return { verdict: "illegal", ...longest, steps };
    path.takeBack();
    frame = frames.pop()!;
  }
  return { verdict: "ok", order: path.order, ruledOut: -1, steps };
}
