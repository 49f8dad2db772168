import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestAuthority } from "../../cluster/src/server/certificates.fixture.ts";
import { createGuard, type GuardEvent } from "./index.ts";
import { type SecureCluster, startSecureCluster } from "./secure-cluster.fixture.ts";
import { startSteadyLoad } from "./steady-load.fixture.ts";

let cluster: SecureCluster;
beforeAll(async () => {
  cluster = await startSecureCluster({ mutual: true });
}, 120_000);
afterAll(() => cluster.stop());

const exact = { onUnavailable: "throw", timeoutMs: 3_000 } as const;
const credentials = () => ({ ca: cluster.authority.ca, ...cluster.authority.issue("service") });

test("the whole contract holds over mutual TLS, in a process that ends by itself", { timeout: 120_000 }, async () => {
  const { endpoints, clientFiles } = cluster;
  await using guard = createGuard({ ...exact, endpoints, tls: credentials() });
  await guard.ready({ timeoutMs: 20_000 });
  const entry = fileURLToPath(new URL("./contract/contract-main.ts", import.meta.url));
  const flags = ["--conditions=quorumguard-source", entry, endpoints.join(","), "tls", ...clientFiles];
  const { stdout } = await promisify(execFile)(process.execPath, flags);
  expect(JSON.parse(stdout)).toMatchObject({ failed: 0, failures: [] });
});

test("another authority is misconfigured, whatever onUnavailable says", async () => {
  const stranger = new TestAuthority("stranger");
  const own = cluster.authority.issue("service");
  for (const tls of [
    { ca: stranger.ca, ...own },
    { ca: cluster.authority.ca },
    { ca: cluster.authority.ca, ...stranger.issue("me") },
  ]) {
    await using guard = createGuard({ endpoints: cluster.endpoints, onUnavailable: "allow", timeoutMs: 3_000, tls });
    await expect(guard.allow("k", 5, "1m")).rejects.toMatchObject({ code: "misconfigured", applied: "no" });
    await expect(guard.ready()).rejects.toMatchObject({ code: "misconfigured" });
  }
});

test("the leader is killed under load: no call fails, and none is degraded", { timeout: 40_000 }, async () => {
  await using guard = createGuard({ ...exact, endpoints: cluster.endpoints, tls: credentials() });
  let leaderId = 0;
  guard.on("topology", (event: GuardEvent) => {
    if (event.type === "topology") leaderId = event.leaderId;
  });
  await guard.ready();
  const load = startSteadyLoad(guard, 32);
  await load.more(500);
  const before = leaderId;
  await cluster.kill(before);
  await load.more(2_000);
  await load.end();
  expect(load.failures).toEqual([]);
  expect(load.degraded).toBe(0);
  expect(leaderId).not.toBe(before);
});
