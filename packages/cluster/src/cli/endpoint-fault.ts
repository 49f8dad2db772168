import type { Buffer } from "node:buffer";

/** A look at what speaks there takes a few round trips. */
const LOOK_TIMEOUT_MS = 1_500;

/**
 * What is wrong with an endpoint, as the SDK sees it: another port of the node, another scheme, a certificate, something that
 * is no node. Null: nothing is proven, so it may as well be down.
 */
export async function endpointFault(endpoint: string, ca: Buffer | null): Promise<string | null> {
  const { createGuard } = await import("@quorumguard/sdk-node");
  const tls = ca === null ? {} : { tls: { ca: ca.toString() } };
  const guard = createGuard({ endpoints: endpoint, routing: "forward", onUnavailable: "throw", ...tls });
  try {
    await guard.ready({ timeoutMs: LOOK_TIMEOUT_MS });
    return null;
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string };
    const isMistake = code === "misconfigured" || code === "unauthenticated";
    return isMistake ? inCommandsTerms(endpoint, message) : null;
  } finally {
    await guard.close();
  }
}

/** Whoever reads it is told the endpoint already, and has flags where a program has options. */
function inCommandsTerms(endpoint: string, message: string): string {
  const own = message.startsWith(endpoint) ? message.slice(endpoint.length).replace(/^:? /, "") : message;
  return own
    .replace("as tls.ca", "as --tls-ca")
    .replace(/give tls\.cert and tls\.key.*/, "this command can show none, so ask a program that does");
}
