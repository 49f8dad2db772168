import { Buffer } from "node:buffer";
import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import { AllowRequestSchema, AllowResponseSchema, Outcome } from "@quorumguard/proto";
import { freePorts } from "@quorumguard/testbed";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FileHandle, FileSystem } from "../storage/file-system.ts";
import { openNodeFileSystem } from "../storage/node-file-system.ts";
import { TestAuthority } from "./certificates.fixture.ts";
import { leaderKnown } from "./leader-known.fixture.ts";
import type { ServerOptions } from "./server-options.ts";
import { type RunningServer, startServer } from "./start-server.ts";

let folder: string;
const running: RunningServer[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "quorumguard-server-"));
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
  await rm(folder, { recursive: true, force: true });
});

const anyPort = { host: "127.0.0.1", port: 0 };
const check = { key: "u1", rule: { limit: 2, windowUs: 3_600_000_000n } };

const base: ServerOptions = {
  nodeId: 1,
  cluster: [{ nodeId: 1, host: "127.0.0.1", port: 0 }],
  grpc: anyPort,
  http: anyPort,
  processMetrics: false,
};

async function start(over: Partial<ServerOptions> = {}): Promise<RunningServer> {
  const server = await startServer({ ...base, dataFolder: folder, ...over });
  running.push(server);
  await leaderKnown(server);
  return server;
}

const asIs = (bytes: Buffer) => bytes;

function allowOver(client: Client): Promise<Outcome | undefined> {
  const bytes = Buffer.from(toBinary(AllowRequestSchema, create(AllowRequestSchema, { check })));
  return new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + 60_000 };
    client.makeUnaryRequest("/quorumguard.v1.GuardService/Allow", asIs, asIs, bytes, options, (error, response) => {
      client.close();
      if (error) reject(error);
      else resolve(fromBinary(AllowResponseSchema, response as Buffer).decision?.outcome);
    });
  });
}

function readyOver(url: string, options: object): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const call = request(`${url}/readyz`, { agent: false, ...options }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode));
    });
    call.on("error", reject).end();
  });
}

describe("a server of one", () => {
  it("decides over both listeners, and remembers after a stop and a start", async () => {
    const first = await start();
    expect(await allowOver(new Client(first.addresses.grpcEndpoint, credentials.createInsecure()))).toBe(
      Outcome.ALLOWED,
    );
    const json = '{"check":{"key":"u1","rule":{"limit":2,"windowUs":"3600000000"}}}';
    const post = (server: RunningServer) =>
      fetch(`${server.addresses.httpUrl}/quorumguard.v1.GuardService/Allow`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: json,
      }).then((response) => response.json() as Promise<{ decision: { outcome: string } }>);
    expect((await post(first)).decision.outcome).toBe("OUTCOME_ALLOWED");
    await first.stop();
    const second = await start();
    expect((await post(second)).decision.outcome).toBe("OUTCOME_LIMITED");
  });

  it("stops as often as it is told, and lets go of its ports", async () => {
    const first = await start();
    await Promise.all([first.stop(), first.stop()]);
    await first.stop();
    await expect(fetch(`${first.addresses.httpUrl}/healthz`)).rejects.toThrow();
    const again = await start({
      grpc: { host: "127.0.0.1", port: first.grpcPort },
      http: { host: "127.0.0.1", port: first.httpPort },
    });
    expect([again.grpcPort, again.httpPort]).toEqual([first.grpcPort, first.httpPort]);
  });

  it("tells clients the addresses that it is told to advertise", async () => {
    const advertised = { advertiseGrpc: "guard.example:443", advertiseHttp: "https://guard.example" };
    const server = await start(advertised);
    expect(server.addresses).toEqual({ grpcEndpoint: "guard.example:443", httpUrl: "https://guard.example" });
    expect(server.node.topology().members).toMatchObject([{ nodeId: 1, ...server.addresses }]);
  });

  it("that cannot start leaves nothing behind: the folder and the ports are free again", async () => {
    const first = await start();
    const taken = { host: "127.0.0.1", port: first.httpPort };
    const other = join(folder, "other");
    await expect(start({ dataFolder: other, http: taken })).rejects.toThrow(
      `HTTP: cannot listen on 127.0.0.1:${first.httpPort}: another process has this port (EADDRINUSE)`,
    );
    expect((await start({ dataFolder: other })).node.topology().leaderId).toBe(1);
  });
});

describe("a disk that fails", () => {
  it("stops the node at once, with the reason; nothing more is acknowledged, and health says so", async () => {
    const disk = await openNodeFileSystem({ root: folder });
    let full = false;
    const failing = (handle: FileHandle): FileHandle => ({
      size: () => handle.size(),
      read: (position, length) => handle.read(position, length),
      write: (position, pieces) =>
        full ? Promise.reject(new Error("ENOSPC: no space left")) : handle.write(position, pieces),
      flush: () => handle.flush(),
      close: () => handle.close(),
    });
    const files: FileSystem = {
      open: async (path, options) => failing(await disk.open(path, options)),
      list: (path) => disk.list(path),
      makeFolder: (path) => disk.makeFolder(path),
      rename: (from, to) => disk.rename(from, to),
      remove: (path) => disk.remove(path),
      flushFolder: (path) => disk.flushFolder(path),
    };
    const server = await start({ files });
    const client = () => new Client(server.addresses.grpcEndpoint, credentials.createInsecure());
    expect(await allowOver(client())).toBe(Outcome.ALLOWED);
    full = true;
    await expect(allowOver(client())).rejects.toThrow();
    expect((await server.failed).message).toContain("ENOSPC");
    expect((await fetch(`${server.addresses.httpUrl}/readyz`)).status).toBe(503);
    await expect(allowOver(client())).rejects.toThrow("UNAVAILABLE");
    await server.stop();
    await disk.close();
  });
});

describe("TLS", () => {
  const authority = new TestAuthority("clients and nodes");
  const stranger = new TestAuthority("somebody else");

  it("serves both listeners; plain text and unknown authorities get nothing", async () => {
    const server = await start({ tls: { ...authority.issue("node 1"), clientCa: null } });
    expect(server.addresses.httpUrl).toMatch(/^https:/);
    const { grpcEndpoint, httpUrl } = server.addresses;
    expect(await allowOver(new Client(grpcEndpoint, credentials.createSsl(authority.ca)))).toBe(Outcome.ALLOWED);
    expect(await readyOver(httpUrl, { ca: authority.ca })).toBe(200);
    await expect(allowOver(new Client(grpcEndpoint, credentials.createInsecure()))).rejects.toThrow();
    await expect(allowOver(new Client(grpcEndpoint, credentials.createSsl(stranger.ca)))).rejects.toThrow();
    await expect(readyOver(httpUrl, { ca: stranger.ca })).rejects.toThrow();
  });

  it("with an authority for callers, lets in only who shows its certificate", async () => {
    const server = await start({ tls: { ...authority.issue("node 1"), clientCa: authority.ca } });
    const { grpcEndpoint, httpUrl } = server.addresses;
    const [friend, foe] = [authority.issue("service a"), stranger.issue("service b")];
    const grpcAs = ({ key, cert }: typeof friend) =>
      new Client(grpcEndpoint, credentials.createSsl(authority.ca, key, cert));
    expect(await allowOver(grpcAs(friend))).toBe(Outcome.ALLOWED);
    expect(await readyOver(httpUrl, { ca: authority.ca, ...friend })).toBe(200);
    await expect(allowOver(grpcAs(foe))).rejects.toThrow();
    await expect(allowOver(new Client(grpcEndpoint, credentials.createSsl(authority.ca)))).rejects.toThrow();
    await expect(readyOver(httpUrl, { ca: authority.ca, ...foe })).rejects.toThrow();
    await expect(readyOver(httpUrl, { ca: authority.ca })).rejects.toThrow();
  });

  it("between nodes: a cluster forms over mutual TLS, and a stranger's node is no part of it", {
    timeout: 120_000,
  }, async () => {
    const ports = await freePorts(3);
    const cluster = ports.map((port, at) => ({ nodeId: at + 1, host: "127.0.0.1", port }));
    const options = (nodeId: number, by: TestAuthority): Partial<ServerOptions> => ({
      nodeId,
      cluster,
      dataFolder: join(folder, String(nodeId)),
      peerTls: { ...by.issue(`node ${nodeId}`), ca: by.ca },
    });
    const foreign = await startServer({ ...base, ...options(3, stranger) });
    running.push(foreign);
    const [first, second] = [
      startServer({ ...base, ...options(1, authority) }),
      startServer({ ...base, ...options(2, authority) }),
    ];
    running.push(await first, await second);
    // Founding needs all three: two friends and a stranger are not a cluster.
    await foreign.stop();
    expect([(await first).node.status().role, (await second).node.status().role]).toEqual(["forming", "forming"]);
    await start({ ...options(3, authority), dataFolder: join(folder, "3-again") });
    await Promise.all([first, second].map(async (server) => leaderKnown(await server)));
    const client = new Client((await second).addresses.grpcEndpoint, credentials.createInsecure());
    expect(await allowOver(client)).toBe(Outcome.ALLOWED);
  });
});
