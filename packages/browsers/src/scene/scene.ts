import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createTokenIssuer,
  createTokenKey,
  nodeKeySet,
  type TokenIssuer,
  type TokenKey,
} from "@quorumguard/sdk-node/tokens";
import {
  freePorts,
  type LocalCluster,
  startLocalCluster,
  startTlsProxy,
  type TlsProxy,
  until,
} from "@quorumguard/testbed";
import { TestAuthority } from "../../../cluster/src/server/certificates.fixture.ts";
import type { Host } from "./hosts.ts";
import { policies } from "./policies.ts";
import { type Site, startSite } from "./site.ts";

/** Three real nodes that want tokens, nginx with TLS before them, and a site behind the same nginx that mints. */
export interface Scene {
  readonly cluster: LocalCluster;
  readonly issuer: TokenIssuer;
  readonly tokenKey: TokenKey;
  readonly site: Site;
  /** nginx's port; each of its hosts is served alike. */
  readonly port: number;
  /** Such as https://shop.test:PORT. */
  origin(host: Host): string;
  /** Asks the leader itself, by a token for what operators do. Resolves with the JSON of the answer. @throws {Error} unless it is 200. */
  operate(method: string, body: unknown): Promise<unknown>;
  /** `kill -9` to whoever leads, and resolves with its id when another node does. */
  killLeader(): Promise<number>;
  /** Starts a killed node again, and resolves when it answers. */
  bringBack(nodeId: number): Promise<void>;
  stopProxy(): Promise<void>;
  /** On the same ports. */
  startProxy(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts all of it, and resolves when the policies are in force. */
export async function startScene(): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), "quorumguard-scene-"));
  const tokenKey = await createTokenKey({ id: "scene" });
  const issuer = createTokenIssuer({ key: tokenKey.privateKey });
  const tokenKeys = join(folder, "token-keys.json");
  await writeFile(tokenKeys, JSON.stringify(nodeKeySet([tokenKey])));
  const token = await issuer.mintForServer({ operations: ["admin", "peek", "reset"], expiresIn: "1d" });

  const cluster = await startLocalCluster({ arguments: ["--token-keys", tokenKeys], token });
  const undo: (() => Promise<unknown>)[] = [() => cluster.stop(), () => rm(folder, { recursive: true, force: true })];
  const stop = async () => {
    for (const one of undo.splice(0)) await one();
  };
  try {
    const site = await startSite({ issuer });
    undo.unshift(() => site.stop());
    const [http = 0, grpc = 0] = await freePorts(2);
    const origin = (host: Host) => `https://${host}:${http}`;
    const certificate = new TestAuthority("scene").issue("shop.test", { host: "shop.test" });
    const start = () =>
      startTlsProxy({
        nodes: cluster.nodes,
        certificate,
        origins: [origin("listed.test")],
        site: `location / { proxy_pass ${site.url}; proxy_set_header Host $host; }\n`,
        ports: { http, grpc },
      });
    let proxy: TlsProxy | null = await start();
    const stopProxy = async () => {
      const running = proxy;
      proxy = null;
      await running?.stop();
    };
    undo.unshift(stopProxy);
    const operate = (method: string, body: unknown) => askLeader(cluster, token, method, body);
    const named = Object.entries(policies).map(([name, rule]) => ({ name, ...rule }));
    await operate("PolicyService/PutPolicies", { document: { policies: named } });
    return {
      ...{ cluster, issuer, tokenKey, site, port: http, origin, operate, stopProxy, stop },
      async killLeader() {
        const { nodeId } = await cluster.waitForLeader();
        await cluster.kill(nodeId);
        await cluster.waitForLeader();
        return nodeId;
      },
      async bringBack(nodeId) {
        await cluster.restart(nodeId);
        await until(`node ${nodeId} does not answer`, 60_000, () => cluster.status(nodeId));
      },
      async startProxy() {
        proxy ??= await start();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Asks again while nobody leads: all that is asked here may be done twice. */
function askLeader(cluster: LocalCluster, token: string, method: string, body: unknown): Promise<unknown> {
  return until(`${method} is answered`, 60_000, async () => {
    const { nodeId } = await cluster.waitForLeader();
    const { httpUrl } = cluster.nodes[nodeId - 1]!;
    const response = await fetch(`${httpUrl}/quorumguard.v1.${method}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
    });
    if (response.ok) return (await response.json()) as object;
    const told = await response.text();
    if (told.includes("ERROR_REASON_UNAVAILABLE")) return null;
    throw new Error(`${method} is answered with ${response.status}: ${told}`);
  });
}
