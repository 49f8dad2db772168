/** One change of one source file: the text must be there exactly once, or the registry is out of date. */
export interface Edit {
  /** Relative to `packages/`. */
  readonly file: string;
  readonly search: string;
  readonly replacement: string;
}

/** How a mutant is expected to be found. The ways are tried in this order, the cheapest first; one is enough. */
export interface Ways {
  /** Vitest files, relative to `packages/`: at least one of their tests must fail. */
  readonly tests?: readonly string[];
  /** The Raft core's own scripts: at least one must differ. */
  readonly scripts?: true;
  /** Seeds of the simulator, at most so many from 1 on: one must fail. */
  readonly seeds?: number;
}

/** A bug that somebody could write, and that the gate must find. */
export interface Mutant {
  readonly name: string;
  /** What it breaks, and the rule that it violates. */
  readonly breaks: string;
  readonly edits: readonly Edit[];
  readonly foundBy: Ways;
}
