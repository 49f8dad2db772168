import { execFile } from "node:child_process";
import process from "node:process";
import tls from "node:tls";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type SecureCluster, startSecureCluster } from "../../sdk-node/src/secure-cluster.fixture.ts";
import { startSteadyLoad } from "../../sdk-node/src/steady-load.fixture.ts";
import { createGuard } from "./edge.ts";

let cluster: SecureCluster;
const trustedBefore = tls.getCACertificates("default");
beforeAll(async () => {
  cluster = await startSecureCluster();
}, 120_000);
afterAll(async () => {
  tls.setDefaultCACertificates(trustedBefore);
  await cluster.stop();
});

/** An election may take long on a machine that has much else to do. */
const exact = { onUnavailable: "throw", timeoutMs: 20_000 } as const;

test("an authority that the runtime does not trust is misconfigured, whatever onUnavailable says", {
  timeout: 120_000,
}, async () => {
  const guard = createGuard({ endpoints: cluster.urls, onUnavailable: "allow", timeoutMs: 15_000 });
  const call = guard.allow("k", 5, "1m");
  await expect(call).rejects.toMatchObject({ code: "misconfigured", applied: "no" });
  await expect(call).rejects.toThrow(/NODE_EXTRA_CA_CERTS/);
  await guard.close();
});

test("a plain URL of a TLS port is misconfigured, with the URL to write", { timeout: 120_000 }, async () => {
  const guard = createGuard({ endpoints: cluster.urls[0]!.replace("https:", "http:"), ...exact });
  await expect(guard.allow("k", 5, "1m")).rejects.toMatchObject({
    code: "misconfigured",
    message: expect.stringContaining(`write ${cluster.urls[0]}`),
  });
  await guard.close();
});

test("the whole contract holds in a process with $NODE_EXTRA_CA_CERTS", { timeout: 120_000 }, async () => {
  const entry = fileURLToPath(new URL("./contract/contract-main.ts", import.meta.url));
  const flags = ["--conditions=quorumguard-source", entry, cluster.urls.join(","), "tls"];
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: cluster.caFile };
  const { stdout } = await promisify(execFile)(process.execPath, flags, { env });
  expect(JSON.parse(stdout.trimEnd().split("\n").at(-1)!)).toMatchObject({ failed: 0, failures: [] });
});

test("the leader is killed under load: no call fails, and none is degraded", { timeout: 120_000 }, async () => {
  tls.setDefaultCACertificates([...trustedBefore, String(cluster.authority.ca)]);
  const guard = createGuard({ ...exact, endpoints: cluster.urls });
  await guard.ready({ timeoutMs: 60_000 });
  const load = startSteadyLoad(guard);
  await load.more(100);
  await cluster.kill(await cluster.leader());
  await load.more(500);
  await load.end();
  expect(load.failures).toEqual([]);
  expect(load.degraded).toBe(0);
  await guard.close();
});
