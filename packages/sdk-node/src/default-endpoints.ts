import { devEndpoints } from "./dev-clusters.ts";
import { DEFAULT_GRPC_PORT } from "./endpoint.ts";

/** Where a guard looks for its cluster that was told no endpoint. */
export interface DefaultEndpoints {
  readonly endpoints: string | readonly string[];
  /** What to do if nobody is there; empty: somebody was, a moment ago. */
  readonly remedy: string;
}

/** What to do if nobody is where somebody said that there is. */
export function remedyOfNamed(environment: Readonly<Record<string, string | undefined>>): string {
  return environment.NODE_ENV === "production"
    ? "is the cluster running, and are endpoints or QUORUMGUARD_ENDPOINTS right?"
    : "is a cluster running there? `npx quorumguard dev` starts one; else mend endpoints or QUORUMGUARD_ENDPOINTS";
}

/**
 * What the environment says, else a `quorumguard dev` that runs here, else a node at the default port. In production no
 * cluster is taken that somebody is trying things out with.
 */
export function defaultEndpoints(
  environment: Readonly<Record<string, string | undefined>>,
  findDev: () => readonly string[] | null = devEndpoints,
): DefaultEndpoints {
  const named = environment.QUORUMGUARD_ENDPOINTS;
  if (named !== undefined && named !== "") return { endpoints: named, remedy: remedyOfNamed(environment) };
  const isProduction = environment.NODE_ENV === "production";
  const dev = isProduction ? null : findDev();
  if (dev !== null) return { endpoints: dev, remedy: "" };
  const name = "name your nodes with endpoints or QUORUMGUARD_ENDPOINTS";
  return {
    endpoints: `127.0.0.1:${DEFAULT_GRPC_PORT}`,
    remedy: isProduction
      ? `nobody said where the cluster is: ${name}`
      : `nobody said where the cluster is, and no quorumguard dev runs here: run \`npx quorumguard dev\`, or ${name}`,
  };
}
