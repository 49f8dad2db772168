import type { FlagSpec } from "./command-spec.ts";

/** The flag that every command has. */
export const help = { name: "help", short: "h", text: "this text" } as const satisfies FlagSpec;

/** The exit status that every command has. */
export const used = { status: 2, text: "wrong usage: standard error says what to write" } as const;
