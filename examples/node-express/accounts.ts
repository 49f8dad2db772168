import type { Request } from "express";

/** API keys that were handed out, and to whom. In an application: a look-up in its own store. */
const accounts: ReadonlyMap<string, string> = new Map(
  ["amber", "birch", "cedar", "delta"].map((account) => [`demo-key-of-${account}`, account]),
);

/**
 * The account of a key that we issued; null: nobody's, and the request counts for its address. A key that nobody issued is no
 * identity: whoever could invent one per request would get a fresh limit with each.
 */
export function accountOf(request: Request): string | null {
  return accounts.get(request.get("x-api-key") ?? "") ?? null;
}
