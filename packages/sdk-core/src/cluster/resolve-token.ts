import type { TokenSource } from "../surface/guard-options.ts";
import { TransportError } from "../transport.ts";

/**
 * The token to send with the next connection or call; null if none was configured.
 *
 * @throws {TransportError} `not-sent` when the caller's function fails, since it may succeed next time;
 * `misconfigured` when it returns anything but a non-empty string.
 */
export async function resolveToken(source: TokenSource | undefined): Promise<string | null> {
  if (source === undefined) return null;
  let token: unknown;
  try {
    token = typeof source === "string" ? source : await source();
  } catch (cause) {
    throw new TransportError("not-sent", `token: ${String(cause)}`, { cause });
  }
  if (typeof token === "string" && token !== "") return token;
  throw new TransportError("misconfigured", "unauthenticated: token: the function returned no non-empty string");
}
