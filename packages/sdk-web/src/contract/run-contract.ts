import { type GuardContractReport, runGuardContract } from "@quorumguard/sdk-core/contract";
import { createGuard } from "../edge.ts";

/**
 * Runs the guard's contract over fetch: what Node, a worker and a page have in common. `endpoints` are URLs of nodes'
 * HTTP ports or of a proxy, separated by commas.
 */
export function runContract(runtime: string, endpoints: string): Promise<GuardContractReport> {
  return runGuardContract(runtime, {
    createGuard: ({ routing: _, ...options } = {}) => createGuard({ endpoints, ...options }),
    deadEndpoint: "http://127.0.0.1:1",
    prefix: `contract:${Date.now()}:${Math.random()}`,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  });
}
