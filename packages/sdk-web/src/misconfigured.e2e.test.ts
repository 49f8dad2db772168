import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { TestAuthority } from "../../cluster/src/server/certificates.fixture.ts";
import { leaderKnown } from "../../cluster/src/server/leader-known.fixture.ts";
import { type RunningServer, startServer } from "../../cluster/src/server/start-server.ts";
import { createGuard, type GuardError } from "./edge.ts";

const folders: string[] = [];
let plain: RunningServer;
let secure: RunningServer;

async function startNode(tls: boolean): Promise<RunningServer> {
  const any = { host: "127.0.0.1", port: 0 };
  const dataFolder = await mkdtemp(join(tmpdir(), "quorumguard-web-"));
  folders.push(dataFolder);
  const listeners = { grpc: any, http: any, peer: any };
  const certificate = { ...new TestAuthority("nobody's").issue("node"), clientCa: null };
  const options = { nodeId: 1, cluster: [{ nodeId: 1, ...any }], dataFolder, ...listeners };
  const server = await startServer({ ...options, ...(tls ? { tls: certificate } : {}) });
  await leaderKnown(server);
  return server;
}

beforeAll(async () => {
  [plain, secure] = await Promise.all([startNode(false), startNode(true)]);
}, 120_000);
afterAll(async () => {
  await Promise.all([plain.stop(), secure.stop()]);
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true })));
});

const open: net.Server[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

async function listen(server: net.Server): Promise<number> {
  open.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** What comes within half of it did not wait for it. */
const deadlineMs = 60_000;

async function firstCall(endpoints: string | readonly string[], timeoutMs = deadlineMs): Promise<GuardError> {
  const guard = createGuard({ endpoints, onUnavailable: "throw", timeoutMs });
  const error = await guard.allow("k", 5, "1m").then(
    () => Promise.reject(new Error("it was decided")),
    (thrown: GuardError) => thrown,
  );
  await guard.close();
  return error;
}

describe("a wrong port or scheme is misconfigured, promptly, with what to write", () => {
  const http1 = "http://127.0.0.1";
  test.each<[string, () => string, RegExp]>([
    ["the gRPC port", () => `${http1}:${plain.grpcPort}`, /gRPC port\? Give the HTTP port \(7402/],
    ["the peer port", () => `${http1}:${plain.peerPort}`, /HTTP 400.*7402/],
    ["a plain URL of a TLS port", () => `${http1}:${secure.httpPort}`, /TLS is spoken there; write https:\/\/127/],
    ["a plain URL of the gRPC port with TLS", () => `${http1}:${secure.grpcPort}`, /TLS is spoken there/],
    ["https:// at a plain port", () => `https://127.0.0.1:${plain.httpPort}`, /no TLS is spoken there; write http:/],
    ["https:// at the gRPC port with TLS", () => `https://127.0.0.1:${secure.grpcPort}`, /no HTTP\/1\.1.*7402/],
    ["a certificate of nobody's", () => `https://127.0.0.1:${secure.httpPort}`, /NODE_EXTRA_CA_CERTS/],
  ])("%s", async (_, endpoint, message) => {
    const startMs = performance.now();
    const error = await firstCall(endpoint());
    expect(error).toMatchObject({ code: "misconfigured", applied: "no", retry: "no" });
    expect(error.message).toMatch(message);
    expect(performance.now() - startMs).toBeLessThan(deadlineMs / 2);
  });

  test("an ordinary web server", async () => {
    const port = await listen(http.createServer((_, response) => response.writeHead(404).end("<html>")));
    expect(await firstCall(`${http1}:${port}`)).toMatchObject({ code: "misconfigured" });
  });

  test("beside the right port: no call fails", { timeout: 120_000 }, async () => {
    const endpoints = [`${http1}:${plain.grpcPort}`, `${http1}:${plain.httpPort}`];
    const guard = createGuard({ endpoints, onUnavailable: "throw", timeoutMs: 15_000 });
    for (let i = 0; i < 3; i++) expect((await guard.allow("beside", 5, "1m")).allowed).toBe(true);
    await guard.close();
  });
});

describe("an outage stays an outage", () => {
  test.each<[string, (socket: net.Socket) => void]>([
    ["hangs up", (socket) => socket.destroy()],
    ["resets", (socket) => void socket.once("data", () => socket.resetAndDestroy())],
  ])("a listener that %s, under both schemes", async (_, take) => {
    const port = await listen(net.createServer((socket) => take(socket.on("error", () => {}))));
    for (const scheme of ["http", "https"]) {
      const { code } = await firstCall(`${scheme}://127.0.0.1:${port}`, 500);
      expect(["unavailable", "timed_out"]).toContain(code);
    }
  });
});
