/**
 * Asks this container's node whether it is well, for HEALTHCHECK: the image has no curl. Exit status 0: yes.
 *
 *   node health-check.mjs /healthz    the process answers
 *   node health-check.mjs /readyz     and it has caught up and knows a leader
 */
import { hostname } from "node:os";

const path = process.argv[2] ?? "/healthz";
// A container's own name leads to the address that the node listens on, whether it listens there or everywhere.
const url = `${process.env.QUORUMGUARD_HEALTH_URL ?? `http://${hostname()}:7402`}${path}`;

try {
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  console.log(`${response.status} ${(await response.text()).trim()}`);
  process.exitCode = response.ok ? 0 : 1;
} catch (error) {
  console.log(`${url}: ${error.cause?.message ?? error.message}`);
  process.exitCode = 1;
}
