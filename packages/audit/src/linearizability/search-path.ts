import { createEventList, type EventList } from "./event-list.ts";
import type { Model, Operation } from "./model.ts";
import { createStateCache, type StateCache } from "./state-cache.ts";

/** An operation of unknown outcome that was tried, and where it led. */
interface Opened<State, Input> {
  readonly input: Input;
  readonly after: State;
}

/** The choices at one place of the order, and how far they have been tried. */
export interface Frame<State, Input> {
  readonly candidates: number[];
  at: number;
  readonly opened: Opened<State, Input>[];
  /** An operation ahead whose outcome nothing leads to any more; -1: none was seen, the choices are to be tried. */
  readonly ruledOut: number;
}

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
 * The order that a search is trying: what is placed, the state it leads to, and what may come next. An operation is open
 * if it never returned.
 */
export class SearchPath<State, Input, Output> {
  readonly order: number[] = [];
  readonly #model: Model<State, Input, Output>;
  readonly #operations: readonly Operation<Input, Output>[];
  readonly #events: EventList;
  /** Open operations in order of their calls. */
  readonly #open: readonly number[];
  /** A bit per operation that is placed; where the trail matters, as many again for the open ones since the last other. */
  readonly #placed: Uint32Array;
  readonly #words: number;
  /** What may follow depends on the open operations at the end of the order, by what they conflict with. */
  readonly #hasTrail: boolean;
  readonly #cache: StateCache<State>;
  readonly #marks: Int32Array;
  readonly #states: State[] = [];
  #state: State;
  #doneHash = 0;
  #spentHash = 0;
  #trailHash = 0;

  constructor(model: Model<State, Input, Output>, operations: readonly Operation<Input, Output>[]) {
    const count = operations.length;
    this.#model = model;
    this.#operations = operations;
    this.#events = createEventList(operations);
    const { rank } = this.#events;
    this.#open = operations
      .map((_, at) => at)
      .filter((at) => this.#isOpen(at))
      .sort((one, other) => rank[one * 2]! - rank[other * 2]!);
    this.#words = Math.max(1, Math.ceil(count / 32));
    this.#hasTrail = model.conflicts !== undefined && this.#open.length > 0;
    this.#placed = new Uint32Array(this.#hasTrail ? this.#words * 2 : this.#words);
    // The trail is compared exactly: after another one, other operations are left out as useless.
    const optional = new Uint32Array(this.#placed.length);
    for (const at of this.#open) optional[at >>> 5]! |= 1 << (at & 31);
    this.#cache = createStateCache(optional, (one, other) => model.equal(one, other));
    this.#marks = Int32Array.from({ length: count }, (_, at) => scramble(at + 1));
    this.#state = model.initial();
  }

  /** Everything that returned is placed. */
  get isComplete(): boolean {
    return this.#events.next[this.#events.head] === this.#events.tail;
  }

  /** The choices from here; none if something ahead rules this state out. */
  newFrame(): Frame<State, Input> {
    const ruledOut = this.#findRuledOut();
    return { candidates: ruledOut < 0 ? this.#candidates() : [], at: 0, opened: [], ruledOut };
  }

  /** Places an operation next; false if it does not fit, or leads nowhere new, or cannot matter. */
  place(candidate: number, frame: Frame<State, Input>): boolean {
    if (!this.#isUseful(candidate)) return false;
    const model = this.#model;
    const { input, output } = this.#operations[candidate]!;
    const after = model.step(this.#state, input, output);
    if (after === null || this.#isDetour(candidate, after)) return false;
    if (this.#isOpen(candidate)) {
      // What need not be placed is not placed for nothing.
      if (after === this.#state) return false;
      // Of two that are alike, whichever is not placed here can be placed wherever the other could.
      const alike = (other: Opened<State, Input>) =>
        model.alike?.(other.input, input) === true && model.equal(other.after, after);
      if (frame.opened.some(alike)) return false;
      frame.opened.push({ input, after });
    } else if (model.isReadOnly?.(input, output) === true) {
      // A read that fits here fits no worse here than later: no other choice needs to be tried.
      frame.candidates.length = 0;
    }
    this.#flip(candidate);
    this.order.push(candidate);
    this.#markTrail();
    const stateHash = model.hash === undefined ? 0 : scramble(model.hash(after));
    const doneHash = (this.#doneHash ^ this.#trailHash ^ stateHash) | 0;
    if (!this.#cache.add(doneHash, this.#spentHash, this.#placed, after)) {
      this.#flip(candidate);
      this.order.pop();
      this.#markTrail();
      return false;
    }
    this.#states.push(this.#state);
    this.#state = after;
    if (!this.#isOpen(candidate)) this.#events.lift(candidate);
    return true;
  }

  /** Undoes the latest `place` that was not undone yet. */
  takeBack(): void {
    const undone = this.order.pop()!;
    this.#state = this.#states.pop()!;
    this.#flip(undone);
    this.#markTrail();
    if (!this.#isOpen(undone)) this.#events.unlift(undone);
  }

  #isOpen(at: number): boolean {
    return this.#operations[at]!.returnAt === Number.POSITIVE_INFINITY;
  }

  #isPlaced(at: number): boolean {
    return (this.#placed[at >>> 5]! & (1 << (at & 31))) !== 0;
  }

  #flip(at: number): void {
    this.#placed[at >>> 5]! ^= 1 << (at & 31);
    if (this.#isOpen(at)) this.#spentHash ^= this.#marks[at]!;
    else this.#doneHash ^= this.#marks[at]!;
  }

  /** Notes the open operations at the end of the order, where what may follow depends on them. */
  #markTrail(): void {
    if (!this.#hasTrail) return;
    this.#placed.fill(0, this.#words);
    this.#trailHash = 0;
    for (let at = this.order.length - 1; at >= 0 && this.#isOpen(this.order[at]!); at--) {
      const operation = this.order[at]!;
      this.#placed[this.#words + (operation >>> 5)]! |= 1 << (operation & 31);
      this.#trailHash ^= scramble(this.#marks[operation]!);
    }
  }

  /**
   * Open operations are placed only where they may matter: each conflicts with a later one of those placed just before
   * the next other operation, or with that one; else it could as well come after it. Independent ones come in one order.
   */
  #isUseful(candidate: number): boolean {
    const { conflicts } = this.#model;
    if (conflicts === undefined) return true;
    const later = [this.#operations[candidate]!.input];
    for (let at = this.order.length - 1; at >= 0 && this.#isOpen(this.order[at]!); at--) {
      const before = this.#operations[this.order[at]!]!.input;
      if (later.some((input) => conflicts(before, input))) {
        if (this.#isOpen(candidate)) return true;
      } else if (!this.#isOpen(candidate) || candidate < this.order[at]!) return false;
      if (!this.#isOpen(candidate)) later.push(before);
    }
    return true;
  }

  /**
   * Whether the operation before is open and made no difference to this one: without it the search comes to the same
   * state, and has it left. An order that fits and is as short as any has no such place, or can do without it. Where
   * operations may be independent, `#isUseful` has put them in an order of its own.
   */
  #isDetour(candidate: number, after: State): boolean {
    const model = this.#model;
    const before = this.order.at(-1);
    if (model.conflicts !== undefined || before === undefined || !this.#isOpen(before)) return false;
    const { input, output } = this.#operations[candidate]!;
    const without = model.step(this.#states.at(-1)!, input, output);
    return without !== null && model.equal(without, after);
  }

  /**
   * What may come next: whatever was called before the earliest return, the earliest return first, since that one must
   * come soonest; then, the latest first, what never returned.
   */
  #candidates(): number[] {
    const { head, tail, next, rank } = this.#events;
    const found: number[] = [];
    let event = next[head]!;
    for (; event !== tail && (event & 1) === 0; event = next[event]!) found.push(event >> 1);
    if (found.length > 1) found.sort((one, other) => rank[one * 2 + 1]! - rank[other * 2 + 1]!);
    const until = rank[event]!;
    for (let at = this.#open.length - 1; at >= 0; at--) {
      const operation = this.#open[at]!;
      if (rank[operation * 2]! < until && !this.#isPlaced(operation)) found.push(operation);
    }
    return found;
  }

  /** The first operation ahead whose outcome this state cannot lead to any more; -1: none that is seen. */
  #findRuledOut(): number {
    const sight = this.#model.foresee?.(this.#state);
    if (sight === undefined) return -1;
    for (const at of this.#open) if (!this.#isPlaced(at)) sight.mayCome(this.#operations[at]!.input);
    const { head, tail, next } = this.#events;
    let event = next[head]!;
    for (let looked = 0; event !== tail && looked < eventsForeseen; event = next[event]!, looked++) {
      const { input, output } = this.#operations[event >> 1]!;
      if ((event & 1) === 0) sight.mayCome(input);
      else if (!sight.canReturn(input, output)) return event >> 1;
    }
    return -1;
  }
}
