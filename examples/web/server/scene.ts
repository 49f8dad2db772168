import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createAdaptorServer } from "@hono/node-server";
import { createTokenIssuer, createTokenKey, nodeKeySet } from "@quorumguard/sdk-node/tokens";
import { freePorts, type LocalCluster, startLocalCluster, startTlsProxy } from "@quorumguard/testbed";
import { TestAuthority } from "../../../packages/cluster/src/server/certificates.fixture.ts";
import { createApp } from "./app.ts";
import { createNodeSwitch } from "./node-switch.ts";
import { siteDirectives } from "./site-directives.ts";

const run = promisify(execFile);
const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const quorumguard = here("../../../packages/cluster/dist/cli/main.js");
const dayMs = 86_400_000;

/** Everything that the page needs, running. */
export interface Scene {
  /** Where the page is. */
  readonly url: string;
  /** Ends all of it, the last started first. */
  stop(): Promise<void>;
}

/** What is started, and where. */
export interface SceneOptions {
  /** The built site. */
  readonly folder: string;
  /** Of nginx, on localhost. */
  readonly port: number;
  /** Told what is being started. */
  readonly say: (text: string) => void;
}

/** Starts nodes that want tokens, puts the policies in force, and starts the server and nginx before all of it. */
export async function startScene({ folder, port, say }: SceneOptions): Promise<Scene> {
  await using started = new AsyncDisposableStack();
  const keys = await mkdtemp(join(tmpdir(), "quorumguard-web-"));
  started.defer(() => rm(keys, { recursive: true, force: true }));
  const tokenKey = await createTokenKey({ id: "web" });
  const keyFile = join(keys, "token-keys.json");
  await writeFile(keyFile, JSON.stringify(nodeKeySet([tokenKey])));
  const issuer = createTokenIssuer({ key: tokenKey.privateKey });
  const operatorToken = await issuer.mintForServer({ operations: ["admin"], expiresIn: "1d" });

  say("  Starting three nodes …");
  const cluster = await startLocalCluster({ arguments: ["--token-keys", keyFile], token: operatorToken });
  started.defer(async () => void (await cluster.stop()));
  await putPolicies(cluster, operatorToken);

  say("  Starting the server and nginx …");
  const nodes = await createNodeSwitch(cluster, () => issuer.mintForServer());
  started.defer(() => nodes.close());
  const url = `https://localhost:${port}`;
  const appPort = await serve(createApp({ issuer, nodes, origin: url }), started);
  const [grpc = 0] = await freePorts(1);
  const proxy = await startTlsProxy({
    nodes: cluster.nodes,
    certificate: new TestAuthority("QuorumGuard's web example").issue("localhost", {
      untilMs: Date.now() + 30 * dayMs,
    }),
    site: siteDirectives(folder, appPort),
    ports: { http: port, grpc },
  });
  started.defer(() => proxy.stop());
  const kept = started.move();
  return { url: proxy.url, stop: () => kept.disposeAsync() };
}

/** As an operator does it. */
async function putPolicies(cluster: LocalCluster, token: string): Promise<void> {
  const flags = ["policy", "put", here("../policies.yaml"), "--endpoints", cluster.endpoints.join(",")];
  const environment = { ...process.env, QUORUMGUARD_TOKEN: token };
  await run(process.execPath, [quorumguard, ...flags], { env: environment }).catch((error: { stderr: string }) => {
    throw new Error(error.stderr.trim());
  });
}

/** Serves the routes on a free port of this machine, for nginx. */
async function serve(app: ReturnType<typeof createApp>, started: AsyncDisposableStack): Promise<number> {
  const server = createAdaptorServer({ fetch: app.fetch }) as import("node:http").Server;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  started.defer(() => {
    server.close();
    // Streams of events have no end of their own.
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}
