import { UsageError } from "./usage-error.ts";

/** The endpoints of `--endpoints`, each of which may be a list. */
export function clusterEndpoints(given: readonly string[]): readonly string[] {
  const endpoints = given
    .join(",")
    .split(",")
    .map((endpoint) => endpoint.trim())
    .filter((endpoint) => endpoint !== "");
  if (endpoints.length === 0) throw new UsageError("--endpoints is empty: give host:port, several separated by commas");
  return endpoints;
}
