/**
 * One operation of a concurrent history: a closed interval in which it took effect, at one instant of its own
 * (Herlihy & Wing 1990). An operation whose outcome nobody learned has `returnAt` Infinity: it may have taken effect at
 * any later time, or never.
 */
export interface Operation<Input, Output> {
  readonly clientId: string;
  readonly input: Input;
  readonly output: Output;
  readonly callAt: number;
  readonly returnAt: number;
}

/**
 * What can still become of a state, learned from the events ahead of it in order of time. It may see less than is so,
 * never more: what it rules out must be impossible.
 */
export interface Foresight<Input, Output> {
  /** From here on this operation may be placed. */
  mayCome(input: Input): void;
  /** False if no order of what may come by now leads to this outcome. */
  canReturn(input: Input, output: Output): boolean;
}

/** The sequential object that a history is held against. States are values: `step` never changes the one it is given. */
export interface Model<State, Input, Output> {
  /** Splits a history into parts that cannot influence each other; a history is right if each part is (Lowe 2017). */
  partition?(history: readonly Operation<Input, Output>[]): readonly (readonly Operation<Input, Output>[])[];
  initial(): State;
  /** The state after the operation, or null if it cannot have this output here. */
  step(state: State, input: Input, output: Output): State | null;
  equal(one: State, other: State): boolean;
  /** True for an operation that changes no state whatever, when it comes out so; the search need not ask when it comes. */
  isReadOnly?(input: Input, output: Output): boolean;
  /**
   * Looks ahead from a state, so that the search can turn back at once where an answer soon to come has become impossible,
   * instead of when it gets there.
   */
  foresee?(state: State): Foresight<Input, Output>;
  /** Equal states have equal hashes; any 32-bit integer. Without it, states of equal progress are compared one by one. */
  hash?(state: State): number;
  /**
   * False if two operations have the same outcomes and the same effect in either order, whatever the state; it spares the
   * search most of what it would do for operations of unknown outcome. Without it, any two may conflict.
   */
  conflicts?(one: Input, other: Input): boolean;
  /**
   * True if, once both may come next and lead to the same state, either could stand wherever the other does. Spares the
   * search to try operations of unknown outcome that are as good as each other; without it, none are.
   */
  alike?(one: Input, other: Input): boolean;
  /** One line for people. */
  describe(input: Input, output: Output): string;
}
