import { UsageError } from "./usage-error.ts";

/** The whole number that was written behind a flag, or `otherwise` if it was not given. @throws {UsageError} naming flag, value and bounds. */
export function wholeFlag(
  flag: string,
  text: string | boolean | undefined,
  otherwise: number,
  least: number,
  most: number,
): number {
  const value = text === undefined ? otherwise : Number(text);
  if (Number.isInteger(value) && value >= least && value <= most && text !== "") return value;
  throw new UsageError(`--${flag} is ${JSON.stringify(text)}: it must be a whole number from ${least} to ${most}`);
}
