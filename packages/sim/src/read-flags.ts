import { type ParseArgsConfig, parseArgs } from "node:util";

/** Reads the flags of this process. What it was not made for ends it with status 2: 1 is for what a run found. */
export function readFlags<const Flags extends NonNullable<ParseArgsConfig["options"]>>(options: Flags, usage: string) {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    if (!String((error as { code?: unknown }).code).startsWith("ERR_PARSE_ARGS")) throw error;
    console.error(`${(error as Error).message}\n\n${usage}`);
    process.exit(2);
  }
}
