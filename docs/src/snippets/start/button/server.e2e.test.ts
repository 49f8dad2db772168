import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { createTokenIssuer, createTokenKey, nodeKeySet } from "@quorumguard/sdk-node/tokens";
import { createGuard } from "@quorumguard/sdk-web";
import { freePorts, type LocalCluster, startLocalCluster } from "@quorumguard/testbed";
import { afterAll, beforeAll, expect, test } from "vitest";

const snippets = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(snippets, "../../../../..");
/** Below docs, where the page's packages are found. */
const folder = path.resolve(snippets, "../../../../.astro/button");
let cluster: LocalCluster;
let server: ReturnType<typeof spawn>;
let origin: string;

/** What the page has its reader do, on ports that are free. */
beforeAll(async () => {
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  const key = await createTokenKey({ id: "2030-01" });
  fs.writeFileSync(path.join(folder, "token-key.json"), JSON.stringify(key.privateKey));
  const tokenKeys = path.join(folder, "token-keys.json");
  fs.writeFileSync(tokenKeys, JSON.stringify(nodeKeySet([key])));
  const token = await createTokenIssuer({ key: key.privateKey }).mintForServer({ operations: ["admin"] });
  cluster = await startLocalCluster({ arguments: ["--token-keys", tokenKeys], token });
  await cluster.waitForLeader();

  const main = path.join(root, "packages/cluster/dist/cli/main.js");
  const flags = [
    main,
    "policy",
    "put",
    path.join(snippets, "policies.yaml"),
    "--endpoints",
    cluster.endpoints.join(","),
  ];
  const put = spawnSync(process.execPath, flags, {
    env: { ...process.env, QUORUMGUARD_TOKEN: token },
    encoding: "utf8",
  });
  expect(put.status, put.stderr).toBe(0);

  const [port] = await freePorts(1);
  origin = `http://127.0.0.1:${port}`;
  const text = fs.readFileSync(path.join(snippets, "server.mjs"), "utf8");
  const node = cluster.nodes[0]!.httpUrl;
  const ours = text.replace("listen(3000", `listen(${port}`).replaceAll("http://127.0.0.1:7402", node);
  fs.writeFileSync(path.join(folder, "server.mjs"), ours);
  server = spawn(process.execPath, ["server.mjs"], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  await once(server.stdout!, "data");
}, 120_000);

afterAll(async () => {
  server?.kill();
  await cluster?.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

test("the page's server lets its visitor press five times, and nobody else", { timeout: 120_000 }, async () => {
  await using guard = createGuard({
    endpoints: `${origin}/limits`,
    token: async () => {
      const response = await fetch(`${origin}/token`, { method: "POST" });
      if (!response.ok) throw new Error(`/token answered ${response.status}`);
      return response.text();
    },
    onUnavailable: "throw",
    timeoutMs: 20_000,
  });
  const pressed = await Promise.all(Array.from({ length: 6 }, () => guard.allow("user:42", "button")));
  expect(pressed.map(({ allowed }) => allowed)).toEqual([true, true, true, true, true, false]);
  expect(guard.denialOf("user:42", "button")?.retryAtMs).toBeGreaterThan(performance.now());
  await expect(guard.allow("user:43", "button")).rejects.toMatchObject({
    code: "permission_denied",
    details: { reason: "key_forbidden" },
  });
});
