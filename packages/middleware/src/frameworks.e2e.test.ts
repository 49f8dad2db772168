import { freePorts, type LocalCluster, startLocalCluster, until } from "@quorumguard/testbed";
import { afterAll, beforeAll, describe } from "vitest";
import { contractDocument, testMiddleware } from "./middleware.contract.ts";
import { frameworks } from "./testing/frameworks.ts";

let cluster: LocalCluster;
let deadEndpoint: string;

/** A leader that has not yet heard from a quorum in its term cannot tell what a change came to; the same change may be made again. */
async function putPolicies({ nodes }: LocalCluster): Promise<void> {
  await until("policies are not accepted", 15_000, async () => {
    const response = await fetch(`${nodes[0]!.httpUrl}/quorumguard.v1.PolicyService/PutPolicies`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ document: contractDocument }),
    });
    await response.text();
    return response.ok || null;
  });
}

beforeAll(async () => {
  cluster = await startLocalCluster();
  const [nobody] = await freePorts(1);
  deadEndpoint = `127.0.0.1:${nobody}`;
  await putPolicies(cluster);
}, 120_000);
afterAll(() => cluster?.stop());

describe.each(frameworks)("$name", (framework) => {
  testMiddleware(
    framework,
    () => cluster,
    () => deadEndpoint,
  );
});
