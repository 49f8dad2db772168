import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import { UsageError } from "./usage-error.ts";

/** What a command line held, once it is known to hold nothing else. */
export interface ParsedFlags {
  readonly positionals: readonly string[];
  has(flag: string): boolean;
  /** The flag's value, or undefined. */
  text(flag: string): string | undefined;
  all(flag: string): readonly string[];
  /** @throws {UsageError} unless it is a whole number within the bounds. */
  whole(flag: string, low: number, high: number): number | undefined;
}

/**
 * Reads a command line.
 * @throws {UsageError} on a flag that the command does not know, or one without its value.
 */
export function parseFlags(args: readonly string[], options: ParseArgsOptionsConfig): ParsedFlags {
  const { values, positionals } = parse(args, options);
  const all = (flag: string): readonly string[] => {
    const value = values[flag];
    if (Array.isArray(value)) return value.map(String);
    return typeof value === "string" ? [value] : [];
  };
  const text = (flag: string) => all(flag).at(-1);
  return {
    positionals,
    has: (flag) => values[flag] === true,
    text,
    all,
    whole(flag, low, high) {
      const value = text(flag);
      if (value === undefined) return undefined;
      const number = Number(value);
      if (/^\d+$/.test(value) && number >= low && number <= high) return number;
      throw new UsageError(`--${flag} is ${JSON.stringify(value)}: it must be a whole number from ${low} to ${high}`);
    },
  };
}

function parse(args: readonly string[], options: ParseArgsOptionsConfig) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    // The library's message names the flag; its second sentence is about a syntax that we do not use.
    const [message] = (error as Error).message.split(". ");
    throw new UsageError(message ?? "the command line cannot be read");
  }
}
