import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import type { CommandSpec, FlagSpec } from "./command-spec.ts";
import { nearestName } from "./nearest-name.ts";
import { UsageError } from "./usage-error.ts";

/** The names of a command's flags, so that a misspelt one does not compile. */
type Name<C extends CommandSpec> = C["flags"][number]["name"];
type Flag<C extends CommandSpec, N extends string> = Extract<C["flags"][number], { readonly name: N }>;
/** Absent only if the flag is neither required nor has a default. */
type Given<F, Value> = F extends { readonly required: true } | { readonly default: string | number }
  ? Value
  : Value | undefined;
type Choice<F> = F extends { readonly choices: readonly (infer Word)[] } ? Word : never;

/** What a command line held, once it is known to hold nothing else. */
export interface ParsedFlags<C extends CommandSpec> {
  readonly operands: readonly string[];
  has(flag: Name<C>): boolean;
  /** The flag's value, else that of its variable, else its default. @throws {UsageError} if it is required and absent. */
  text<N extends Name<C>>(flag: N): Given<Flag<C, N>, string>;
  /** As {@link text}, for a flag that may be given more than once. */
  all(flag: Name<C>): readonly string[];
  /** @throws {UsageError} unless it is a whole number within the flag's bounds. */
  whole<N extends Name<C>>(flag: N): Given<Flag<C, N>, number>;
  /** @throws {UsageError} unless it is one of the flag's choices. */
  choice<N extends Name<C>>(flag: N): Given<Flag<C, N>, Choice<Flag<C, N>>>;
}

/**
 * Reads a command line.
 * @throws {UsageError} on a flag that the command does not know, on one without its value, and on too many operands.
 */
export function parseFlags<const C extends CommandSpec>(args: readonly string[], command: C): ParsedFlags<C> {
  const { values, positionals } = parse(args, command);
  if (command.operands.length === 0 && positionals.length > 0) throw strayWord(positionals[0]!, command);
  const specs = new Map(command.flags.map((flag) => [flag.name, flag]));
  const reader = new FlagReader(specs, values, command.name);
  return {
    operands: positionals,
    has: (flag) => values[flag] === true,
    // The reader gives what the specification promises: a value where there is a default or must be one.
    text: (flag) => reader.text(flag) as never,
    all: (flag) => reader.all(flag),
    whole: (flag) => reader.whole(flag) as never,
    choice: (flag) => reader.choice(flag) as never,
  };
}

class FlagReader {
  readonly #specs: ReadonlyMap<string, FlagSpec>;
  readonly #values: ReturnType<typeof parse>["values"];
  readonly #command: string;

  constructor(specs: ReadonlyMap<string, FlagSpec>, values: ReturnType<typeof parse>["values"], command: string) {
    this.#specs = specs;
    this.#values = values;
    this.#command = command;
  }

  all(name: string): readonly string[] {
    const flag = this.#specs.get(name);
    const value = this.#values[name];
    if (Array.isArray(value)) return value.map(String);
    if (typeof value === "string") return [value];
    if (flag?.required === true) throw new UsageError(`--${name} is missing; see quorumguard ${this.#command} --help`);
    // An empty variable is as good as none.
    const set = flag?.environment === undefined ? "" : process.env[flag.environment];
    const fallback = set || (flag?.found?.find() ?? flag?.default);
    return fallback === undefined ? [] : [String(fallback)];
  }

  text(name: string): string | undefined {
    return this.all(name).at(-1);
  }

  whole(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const [low, high] = boundsOf(this.#specs.get(name));
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= low && number <= high) return number;
    throw outOfBounds({ ...this.#specs.get(name), name }, value);
  }

  choice(name: string): string | undefined {
    const value = this.text(name);
    const choices = this.#specs.get(name)?.choices ?? [];
    if (value === undefined || choices.includes(value)) return value;
    throw new UsageError(`--${name} is ${JSON.stringify(value)}: it must be one of ${choices.join(", ")}`);
  }
}

const boundsOf = (flag: Pick<FlagSpec, "bounds"> | undefined) => flag?.bounds ?? [0, Number.MAX_SAFE_INTEGER];

function outOfBounds(flag: Pick<FlagSpec, "name" | "bounds">, value: string): UsageError {
  const [low, high] = boundsOf(flag);
  return new UsageError(`--${flag.name} is ${JSON.stringify(value)}: it must be a whole number from ${low} to ${high}`);
}

function parse(args: readonly string[], command: CommandSpec) {
  const options = parseOptions(command.flags);
  try {
    const parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true, tokens: true });
    assertOnce(parsed.tokens, command);
    return parsed;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw unreadable(error as Error & { readonly code?: string }, command, args);
  }
}

/** Of two values one would be passed over without a word. @throws {UsageError} */
function assertOnce(tokens: readonly { readonly kind: string; readonly name?: string }[], command: CommandSpec): void {
  const seen = new Set<string>();
  for (const { kind, name } of tokens) {
    const flag = kind === "option" ? command.flags.find((known) => known.name === name) : undefined;
    if (flag?.value === undefined || flag.repeatable === true) continue;
    if (seen.has(flag.name)) throw new UsageError(`--${flag.name} is given twice; give it once`);
    seen.add(flag.name);
  }
}

/** A command's flags in the terms of Node's own parser. */
function parseOptions(flags: readonly FlagSpec[]): ParseArgsOptionsConfig {
  return Object.fromEntries(
    flags.map((flag) => [
      flag.name,
      {
        type: flag.value === undefined ? ("boolean" as const) : ("string" as const),
        ...(flag.short === undefined ? {} : { short: flag.short }),
        ...(flag.repeatable === true ? { multiple: true } : {}),
      },
    ]),
  );
}

function unreadable(
  { code, message }: Error & { readonly code?: string },
  command: CommandSpec,
  args: readonly string[],
): UsageError {
  const typed = /'(?:-\w, )?(-[^'\s]*)/.exec(message)?.[1] ?? "";
  const [name = ""] = typed.replace(/^-+/, "").split("=");
  const see = `see quorumguard ${command.name} --help`;
  if (code === "ERR_PARSE_ARGS_UNKNOWN_OPTION") {
    const meant = nearestName(
      name,
      command.flags.map((flag) => flag.name),
    );
    return new UsageError(
      `${typed} is not a flag of quorumguard ${command.name}; ${meant === null ? see : `did you mean --${meant}?`}`,
    );
  }
  const flag = command.flags.find((known) => known.name === name || known.short === name);
  if (flag?.value !== undefined) {
    const next = args[args.findIndex((arg) => arg === `--${flag.name}` || arg === `-${flag.short}`) + 1] ?? "";
    // The parser takes it for flags; who typed it meant a number.
    if (/^-\d/.test(next)) return outOfBounds(flag, next);
    return new UsageError(
      `--${flag.name} has no value: write --${flag.name} ${flag.value}, or --${flag.name}=${flag.value}; ${see}`,
    );
  }
  if (flag !== undefined) return new UsageError(`--${flag.name} takes no value: write --${flag.name} alone; ${see}`);
  return new UsageError(`${message.split(". ")[0]}; ${see}`);
}

function strayWord(word: string, command: CommandSpec): UsageError {
  const meant = nearestName(
    word,
    command.flags.map((flag) => flag.name),
  );
  const hint = meant === null ? `see quorumguard ${command.name} --help` : `did you mean --${meant}?`;
  return new UsageError(`${JSON.stringify(word)} is not a flag; ${hint}`);
}
