import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import net, { type AddressInfo } from "node:net";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { TestAuthority } from "../../cluster/src/server/certificates.fixture.ts";
import { type RunningServer, startServer } from "../../cluster/src/server/start-server.ts";
import { startGrpcFixture } from "./grpc-server.fixture.ts";
import { createGuard, type GuardError, type GuardEvent, type NodeGuardOptions } from "./index.ts";

const authority = new TestAuthority("nodes");
const stranger = new TestAuthority("stranger");
const ca = authority.ca;
const good = authority.issue("node");

const open: (() => unknown)[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((close) => close()));
});

/** A listener on loopback that ends with the test. */
async function listen(server: net.Server): Promise<number> {
  const sockets = new Set<net.Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("tlsClientError", () => {});
  server.on("sessionError", () => {});
  open.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** What comes within half of it did not wait for it. */
const deadlineMs = 60_000;

/** The first call's end, and how long it took: whatever `onUnavailable` says, a mistake throws, long before the deadline. */
async function firstCall(options: NodeGuardOptions): Promise<{ error: GuardError; tookMs: number }> {
  await using guard = createGuard({ onUnavailable: "throw", timeoutMs: deadlineMs, ...options });
  const startMs = performance.now();
  const error: GuardError = await guard.allow("k", 5, "1m").then(
    () => Promise.reject(new Error("it was decided")),
    (thrown) => thrown,
  );
  return { error, tookMs: performance.now() - startMs };
}

async function expectMistake(options: NodeGuardOptions, message: RegExp): Promise<void> {
  const { error, tookMs } = await firstCall({ onUnavailable: "local", ...options });
  expect(error).toMatchObject({ code: "misconfigured", applied: "no", retry: "no" });
  expect(error.message).toMatch(message);
  expect(tookMs).toBeLessThan(deadlineMs / 2);
}

async function expectOutage(options: NodeGuardOptions): Promise<void> {
  const { error } = await firstCall({ timeoutMs: 700, ...options });
  expect(["unavailable", "timed_out"]).toContain(error.code);
}

describe("a node's other ports", () => {
  let plain: RunningServer;
  let secure: RunningServer;
  beforeAll(async () => {
    const any = { host: "127.0.0.1", port: 0 };
    const options = { nodeId: 1, dataFolder: "", cluster: [{ nodeId: 1, ...any }], grpc: any, http: any, peer: any };
    const { mkdtemp, rm } = await import("node:fs/promises");
    const folders = await Promise.all([mkdtemp("/tmp/quorumguard-"), mkdtemp("/tmp/quorumguard-")]);
    plain = await startServer({ ...options, dataFolder: folders[0] });
    secure = await startServer({ ...options, dataFolder: folders[1], tls: { ...good, clientCa: null } });
    return async () => {
      await Promise.all([plain.stop(), secure.stop()]);
      await Promise.all(folders.map((folder) => rm(folder, { recursive: true })));
    };
  });
  const at = (port: number, scheme = "") => ({ endpoints: `${scheme}127.0.0.1:${port}` });

  test("the HTTP port: says so, and gives the gRPC address", () =>
    expectMistake(
      at(plain.httpPort),
      new RegExp(`HTTP port of node 1, whose gRPC address is 127.0.0.1:${plain.grpcPort}`),
    ));
  test("the peer port", () => expectMistake(at(plain.peerPort), /peer port.*7400/));
  test("a plain client at the TLS port", () =>
    expectMistake(at(secure.grpcPort), new RegExp(`TLS is spoken there.*write https://127.0.0.1:${secure.grpcPort}`)));
  test("a plain client at the HTTPS port", () => expectMistake(at(secure.httpPort), /TLS with HTTP\/1\.1.*7400/));
  test("a TLS client at the plain port", () =>
    expectMistake(
      { ...at(plain.grpcPort, "https://"), tls: { ca } },
      new RegExp(`plain HTTP/2 is spoken there, without TLS; write 127.0.0.1:${plain.grpcPort}`),
    ));
  test("a TLS client at the plain HTTP port", () =>
    expectMistake({ ...at(plain.httpPort, "https://"), tls: { ca } }, /gRPC address is/));
  test("a TLS client at the peer port", () =>
    expectMistake({ ...at(plain.peerPort, "https://"), tls: { ca } }, /peer port/));
  test("a TLS client at the HTTPS port", () =>
    expectMistake({ ...at(secure.httpPort, "https://"), tls: { ca } }, /TLS is spoken there, but no HTTP\/2.*7400/));

  test("a mistake beside a good endpoint fails no call, and is told once", async () => {
    const endpoints = [`127.0.0.1:${plain.httpPort}`, `127.0.0.1:${plain.grpcPort}`];
    await using guard = createGuard({ endpoints, onUnavailable: "throw", timeoutMs: deadlineMs });
    const told: GuardEvent[] = [];
    const first = new Promise<void>((resolve) => {
      guard.on("misconfigured", (event) => {
        told.push(event);
        resolve();
      });
    });
    for (let i = 0; i < 3; i++) expect((await guard.allow("beside", 5, "1m")).allowed).toBe(true);
    await first;
    for (let i = 0; i < 2; i++) expect((await guard.allow("beside", 5, "1m")).allowed).toBe(true);
    expect(told).toMatchObject([{ type: "misconfigured", endpoint: endpoints[0] }]);
  });
});

describe("certificates", () => {
  const node = (cert = good, options: http2.SecureServerOptions = {}) =>
    listen(http2.createSecureServer({ ...cert, ...options }));
  const at = (port: number, tls: NodeGuardOptions["tls"] = { ca }) => ({ endpoints: `https://127.0.0.1:${port}`, tls });
  const mutual = { ca, requestCert: true, rejectUnauthorized: true };

  test("expired", async () =>
    expectMistake(at(await node(authority.issue("node", { untilMs: Date.now() - 60_000 }))), /has expired.*renew/));
  test("of an unknown authority", async () => expectMistake(at(await node(stranger.issue("node"))), /tls\.ca/));
  test("of our authority, which nobody was told", async () => expectMistake(at(await node(), {}), /tls\.ca/));
  test("for another host", async () =>
    expectMistake(
      at(await node(authority.issue("node", { host: "node1.example" }))),
      /127\.0\.0\.1.*certificate for this host/,
    ));
  test("none of ours, where one is asked for", async () =>
    expectMistake(at(await node(good, mutual)), /client certificate: give tls\.cert and tls\.key/));
  test("one of ours that the node does not trust", async () =>
    expectMistake(at(await node(good, mutual), { ca, ...stranger.issue("me") }), /refused the client certificate/));
});

describe("what is not ours", () => {
  test("an ordinary web server", async () => {
    const port = await listen(http.createServer((_, response) => response.end("<html>")));
    await expectMistake({ endpoints: `127.0.0.1:${port}` }, /HTTP\/1\.1 is spoken there, not gRPC.*7400/);
  });
  test("an ordinary web server with TLS", async () => {
    const port = await listen(https.createServer(good, (_, response) => response.end("<html>")));
    await expectMistake({ endpoints: `https://127.0.0.1:${port}`, tls: { ca } }, /no HTTP\/2/);
  });
  test("a web server that speaks HTTP/2", async () => {
    const server = http2.createServer((_, response) => {
      response.writeHead(404, { "content-type": "text/html" });
      response.end("<html>");
    });
    await expectMistake(
      { endpoints: `127.0.0.1:${await listen(server as net.Server)}` },
      /HTTP 404 text\/html, not gRPC/,
    );
  });
  test("a service that greets first", async () => {
    const port = await listen(net.createServer((socket) => socket.write("SSH-2.0-OpenSSH\r\n")));
    await expectMistake({ endpoints: `127.0.0.1:${port}` }, /neither HTTP\/2 nor TLS/);
  });
});

describe("an outage stays an outage", () => {
  const connection = (take: (socket: net.Socket) => void) => listen(net.createServer(take));

  test.each([
    ["hangs up at once", (socket: net.Socket) => socket.destroy()],
    ["resets", (socket: net.Socket) => socket.once("data", () => socket.resetAndDestroy())],
    ["never answers", () => {}],
  ] as const)("a listener that %s, plain and with TLS", async (_, take) => {
    const port = await connection(take);
    await expectOutage({ endpoints: `127.0.0.1:${port}` });
    await expectOutage({ endpoints: `https://127.0.0.1:${port}`, tls: { ca } });
  });

  test.each([502, 503, 504])("a proxy that answers %i with a page", async (status) => {
    const server = http2.createServer((_, response) => {
      response.writeHead(status, { "content-type": "text/html" });
      response.end("<html>");
    });
    await expectOutage({ endpoints: `127.0.0.1:${await listen(server as net.Server)}` });
  });

  test("a mistake beside endpoints that are down", async () => {
    const port = await listen(http.createServer((_, response) => response.end("<html>")));
    await expectOutage({ endpoints: [`127.0.0.1:${port}`, "127.0.0.1:1"] });
  });

  test("a node that dies after it served", async () => {
    const server = await startGrpcFixture();
    await using guard = createGuard({ endpoints: server.endpoint, onUnavailable: "throw", timeoutMs: 500 });
    await guard.allow("k", 5, "1m");
    server.stop();
    await expect(guard.allow("k", 5, "1m")).rejects.toMatchObject({
      code: expect.stringMatching(/unavailable|timed_out/),
    });
  });
});

describe("tls options", () => {
  const at = { endpoints: "https://127.0.0.1:1" };
  test.each<[string, object, RegExp]>([
    ["a path for a certificate", { ...at, tls: { ca: "/etc/ca.pem" } }, /^tls\.ca: .*not its path/],
    ["an unknown field", { ...at, tls: { cafile: "x" } }, /^tls\.cafile: .*did you mean ca\?; known are ca, cert, key/],
    ["a certificate without its key", { ...at, tls: { cert: good.cert } }, /^tls\.key: .*belong together/],
    ["another's key", { ...at, tls: { cert: good.cert, key: stranger.issue("x").key } }, /^tls: .*key values mismatch/],
    ["no endpoint with TLS", { endpoints: "127.0.0.1:1", tls: { ca } }, /^tls: no endpoint begins with https/],
  ])("%s is refused", (_, options, message) => {
    expect(() => createGuard(options)).toThrow(message);
  });
});
