import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tokenBounds } from "@quorumguard/proto";
import { type LocalCluster, startLocalCluster } from "@quorumguard/testbed";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createGuard } from "./index.ts";
import { startSteadyLoad } from "./steady-load.fixture.ts";
import { createTokenIssuer, createTokenKey, nodeKeySet } from "./tokens/index.ts";

const exact = { onUnavailable: "throw", timeoutMs: 10_000 } as const;
const { privateKey, nodeKey } = await createTokenKey({ id: "one" });
const issuer = createTokenIssuer({ key: privateKey });

let folder: string;
let cluster: LocalCluster;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "quorumguard-tokens-"));
  const file = join(folder, "token-keys.json");
  await writeFile(file, JSON.stringify(nodeKeySet([nodeKey])));
  const token = await issuer.mintForServer({ operations: ["admin"], expiresIn: "1h" });
  cluster = await startLocalCluster({ arguments: ["--token-keys", file], token });
}, 120_000);
afterAll(async () => {
  await cluster?.stop();
  await rm(folder, { recursive: true, force: true });
});

test("traffic across several lives of tokens: no call fails, and each is counted once", {
  timeout: 120_000,
}, async () => {
  // Nodes bear with clocks that are seconds apart: an issuer that is that much behind has its tokens end as soon as they say.
  const behindMs = tokenBounds.clockToleranceS * 1_000;
  const late = createTokenIssuer({ key: privateKey, wallMs: () => Date.now() - behindMs });
  let asked = 0;
  let sixLives = () => {};
  const lived = new Promise<void>((resolve) => {
    sixLives = resolve;
  });
  const { endpoints } = cluster;
  await using guard = createGuard({
    ...exact,
    endpoints,
    token: () => {
      asked += 1;
      if (asked > 6) sixLives();
      return late.mintForServer({ expiresIn: "2s" });
    },
  });
  const callers = 8;
  const load = startSteadyLoad(guard, callers);
  await Promise.race([lived, load.more(Number.POSITIVE_INFINITY)]);
  await load.end();
  expect(load.failures).toEqual([]);
  expect(load.degraded).toBe(0);

  let counted = 0;
  for (let caller = 0; caller < callers; caller++) {
    const { limit, remaining } = await guard.peek({ key: `load-${caller}`, limit: 1_000_000, window: "1h" });
    counted += limit - remaining!;
  }
  expect(counted).toBe(load.decided);
  const metrics = await Promise.all(cluster.nodes.map(async ({ metricsUrl }) => (await fetch(metricsUrl)).text()));
  expect(metrics.join("\n"), "streams that ended with their tokens").toMatch(
    /^quorumguard_refused_tokens_total\{reason="token-expired"\} [1-9]/m,
  );
});

test("a token of somebody else's key, or none, is refused whatever onUnavailable says", async () => {
  const stranger = createTokenIssuer({ key: (await createTokenKey({ id: "one" })).privateKey });
  const { endpoints } = cluster;
  await using forged = createGuard({ endpoints, onUnavailable: "allow", token: () => stranger.mintForServer() });
  await expect(forged.allow("k", 5, "1m")).rejects.toMatchObject({
    code: "unauthenticated",
    applied: "no",
    details: { reason: "token_bad_signature" },
  });
  await using nobody = createGuard({ endpoints, onUnavailable: "allow" });
  await expect(nobody.ready()).rejects.toMatchObject({
    code: "unauthenticated",
    details: { reason: "token_missing" },
  });
});

test("a token for one key opens no session, and says so", async () => {
  const { endpoints } = cluster;
  const token = () => issuer.mint({ key: "user:42", policies: ["button"] });
  await using guard = createGuard({ endpoints, onUnavailable: "allow", token });
  await expect(guard.ready()).rejects.toMatchObject({
    code: "permission_denied",
    details: { reason: "key_forbidden" },
  });
});
