import { createGuard } from "@quorumguard/sdk-node";

export const policies = /** @type {const} */ ({
  api: { limit: 100, window: "1m" },
  quote: { limit: 5, window: "1m" },
});

const create = () => createGuard({ policies }); // finds the cluster by $QUORUMGUARD_ENDPOINTS
const shared = /** @type {{ quorumguard?: ReturnType<typeof create> }} */ (globalThis);

shared.quorumguard ??= create();

/** One guard for the process: Next bundles this module into the proxy and into each route anew. */
export const guard = shared.quorumguard;
