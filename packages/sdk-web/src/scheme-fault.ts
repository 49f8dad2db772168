import { TransportError } from "@quorumguard/sdk-core";
import { provesTls } from "./connect-error.ts";
import type { Fetch } from "./connect-transport.ts";

/** A listener says its first word within a round trip; longer is not worth a caller's time. */
const LOOK_TIMEOUT_MS = 500;

/**
 * Whether an endpoint that hung up without a word speaks under the other scheme, as a plain client at a TLS port meets
 * it. Null if that is not proven: it may as well be an outage. Never rejects.
 */
export async function schemeFault(endpoint: string, fetch: Fetch, signal: AbortSignal): Promise<TransportError | null> {
  // A browser tells nothing by the errors of fetch, and complains aloud of a look that the page's content policy forbids.
  if ("location" in globalThis) return null;
  const secure = /^https:/i.test(endpoint);
  const other = endpoint.replace(/^https?:/i, secure ? "http:" : "https:");
  if (other === endpoint) return null;
  const controller = new AbortController();
  const stop = () => controller.abort(new Error("no answer"));
  const timer = setTimeout(stop, LOOK_TIMEOUT_MS);
  signal.addEventListener("abort", stop, { once: true });
  try {
    const response = await fetch(`${other}/healthz`, { method: "GET", redirect: "manual", signal: controller.signal });
    await response.body?.cancel();
  } catch (error) {
    if (secure || !provesTls(error)) return null;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
  const message = secure
    ? `${endpoint}: no TLS is spoken there; write ${other}, or start the node with --tls-cert and --tls-key`
    : `${endpoint}: TLS is spoken there; write ${other}`;
  return new TransportError("misconfigured", message);
}
