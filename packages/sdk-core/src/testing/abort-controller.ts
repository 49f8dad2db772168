import type { AbortSignalLike } from "../surface/guard.ts";

type Platform = {
  readonly AbortController: new () => { readonly signal: AbortSignalLike; abort(reason?: unknown): void };
};

/** The platform's AbortController: every runtime has one, and the package compiles without the types of any. */
export const { AbortController } = globalThis as unknown as Platform;
