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

/** An operation of unknown outcome that was tried, and where it led. */
interface Opened<State, Input> {
  readonly input: Input;
  readonly after: State;
}

const stepsPerLook = 1024;

/** How far a model that can looks ahead. */
const eventsForeseen = 256;

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
  const isOpen = (at: number) => operations[at]!.returnAt === Number.POSITIVE_INFINITY;
  const open = operations
    .map((_, at) => at)
    .filter((at) => isOpen(at))
    .sort((one, other) => rank[one * 2]! - rank[other * 2]!);

  // A bit per operation that is placed; where there are open ones, as many again for those placed since the last other.
  const words = Math.max(1, Math.ceil(count / 32));
  const placed = new Uint32Array(open.length > 0 ? words * 2 : words);
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
  let trailHash = 0;
  /** Notes the open operations at the end of the order. */
  const markTrail = () => {
    if (open.length === 0) return;
    placed.fill(0, words);
    trailHash = 0;
    for (let at = stack.length - 1; at >= 0 && isOpen(stack[at]!); at--) {
      const operation = stack[at]!;
      placed[words + (operation >>> 5)]! |= 1 << (operation & 31);
      trailHash ^= scramble(marks[operation]!);
    }
  };
  /**
   * Open operations are placed only where they may matter: each conflicts with a later one of those placed just before
   * the next other operation, or with that one; else it could as well come after it. Independent ones come in one order.
   */
  const isUseful = (candidate: number): boolean => {
    const { conflicts } = model;
    if (conflicts === undefined) return true;
    const later = [operations[candidate]!.input];
    for (let at = stack.length - 1; at >= 0 && isOpen(stack[at]!); at--) {
      const before = operations[stack[at]!]!.input;
      if (later.some((input) => conflicts(before, input))) {
        if (isOpen(candidate)) return true;
      } else if (!isOpen(candidate) || candidate < stack[at]!) return false;
      if (!isOpen(candidate)) later.push(before);
    }
    return true;
  };
  /**
   * What may come next: whatever was called before the earliest return, the earliest return first, since that one must
   * come soonest; then, the latest first, what never returned.
   */
  const candidates = (): number[] => {
    const found: number[] = [];
    let event = next[head]!;
    for (; event !== tail && (event & 1) === 0; event = next[event]!) found.push(event >> 1);
    if (found.length > 1) found.sort((one, other) => rank[one * 2 + 1]! - rank[other * 2 + 1]!);
    const until = rank[event]!;
    for (let at = open.length - 1; at >= 0; at--) {
      const operation = open[at]!;
      if (rank[operation * 2]! < until && !isPlaced(operation)) found.push(operation);
    }
    return found;
  };

  /** Whether something ahead rules this state out. */
  const isHopeless = (): boolean => {
    const sight = model.foresee?.(state);
    if (sight === undefined) return false;
    for (const at of open) if (!isPlaced(at)) sight.mayCome(operations[at]!.input);
    let event = next[head]!;
    for (let looked = 0; event !== tail && looked < eventsForeseen; event = next[event]!, looked++) {
      const { input, output } = operations[event >> 1]!;
      if ((event & 1) === 0) sight.mayCome(input);
      else if (!sight.canReturn(input, output)) return true;
    }
    return false;
  };
  const newFrame = () => ({
    candidates: isHopeless() ? [] : candidates(),
    at: 0,
    opened: [] as Opened<State, Input>[],
  });
  let frame = newFrame();
  const frames: (typeof frame)[] = [];
  while (next[head] !== tail) {
    if (++steps % stepsPerLook === 0 && impatient(steps)) {
      const order = stack.length > longest.length ? stack : longest;
      return { verdict: "unknown", order, steps };
    }
    const candidate = frame.candidates[frame.at++];
    if (candidate !== undefined) {
      if (!isUseful(candidate)) continue;
      const { input, output } = operations[candidate]!;
      const after = model.step(state, input, output);
      if (after === null) continue;
      if (isOpen(candidate)) {
        // What need not be placed is not placed for nothing.
        if (after === state) continue;
        // Of two that are alike, whichever is not placed here can be placed wherever the other could.
        const alike = (other: Opened<State, Input>) =>
          model.alike?.(other.input, input) === true && model.equal(other.after, after);
        if (frame.opened.some(alike)) continue;
        frame.opened.push({ input, after });
      } else if (model.isReadOnly?.(input, output) === true) {
        // A read that fits here fits no worse here than later: no other choice needs to be tried.
        frame.candidates.length = 0;
      }
      flip(candidate);
      stack.push(candidate);
      markTrail();
      const hash = (placedHash ^ trailHash ^ (model.hash === undefined ? 0 : scramble(model.hash(after)))) | 0;
      if (!cache.add(hash, placed, after)) {
        flip(candidate);
        stack.pop();
        markTrail();
        continue;
      }
      states.push(state);
      frames.push(frame);
      state = after;
      if (!isOpen(candidate)) events.lift(candidate);
      frame = newFrame();
      continue;
    }
    // Copied only where the search turns back, or a long history would be copied once per operation.
    if (stack.length > longest.length) longest = stack.slice();
    const undone = stack.pop();
    if (undone === undefined) return { verdict: "illegal", order: longest, steps };
    state = states.pop()!;
    frame = frames.pop()!;
    flip(undone);
    markTrail();
    if (!isOpen(undone)) events.unlift(undone);
  }
  return { verdict: "ok", order: stack, steps };
}
