import { UsageError } from "./usage-error.ts";

/** Where a cluster is: the flags, else the environment, else this machine's first node. The SDK does the same. */
export function clusterEndpoints(given: readonly string[]): readonly string[] {
  const text = given.length > 0 ? given.join(",") : (process.env.QUORUMGUARD_ENDPOINTS ?? "127.0.0.1:7400");
  const endpoints = text
    .split(",")
    .map((endpoint) => endpoint.trim())
    .filter((endpoint) => endpoint !== "");
  if (endpoints.length === 0) throw new UsageError("--endpoints is empty: give host:port, several separated by commas");
  return endpoints;
}
