/** A flag of a command: what it is called, what it takes and what it means. Parsing, help and the reference are made from it. */
export interface FlagSpec {
  /** Without its dashes. */
  readonly name: string;
  /** One letter that stands for it. */
  readonly short?: string;
  /** The placeholder of its value in help; absent: the flag takes none. */
  readonly value?: string;
  /** May be given any number of times; every value counts. */
  readonly repeatable?: true;
  /** Without it the command does nothing. */
  readonly required?: true;
  /** What it is for, in words that follow it in a list. */
  readonly text: string;
  /** The value that counts if it is not given. */
  readonly default?: string | number;
  /** What happens if it is not given, in words, where that is no fixed value. */
  readonly otherwise?: string;
  /** The variable that counts before the default does. */
  readonly environment?: string;
  /** What counts after that and before the default, if it is there now (else null), and what it is, in a few words. */
  readonly found?: { readonly what: string; readonly find: () => string | null };
  /** A whole number from the first to the second, both included. */
  readonly bounds?: readonly [low: number, high: number];
  /** One of these words. */
  readonly choices?: readonly string[];
}

/** A word that a command takes by its place. All are required. */
export interface OperandSpec {
  readonly name: string;
  readonly text: string;
}

/** A line to type, and what it does if that is not plain. */
export interface ExampleSpec {
  /** As it is typed; a long one has its line breaks behind backslashes. */
  readonly command: string;
  readonly text?: string;
}

/** A number that a command ends with, and when. */
export interface ExitStatusSpec {
  readonly status: number;
  readonly text: string;
}

/** A command of the program `quorumguard`, complete: nothing of it is said anywhere else. */
export interface CommandSpec {
  readonly name: string;
  /** One line, which begins in lower case and has no full stop. */
  readonly summary: string;
  readonly examples: readonly ExampleSpec[];
  readonly operands: readonly OperandSpec[];
  readonly flags: readonly FlagSpec[];
  /** Sentences below the flags. */
  readonly notes: readonly string[];
  readonly exitStatuses: readonly ExitStatusSpec[];
}
