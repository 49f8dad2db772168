import { Buffer } from "node:buffer";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { type ClientHttp2Stream, connect, type IncomingHttpHeaders } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { Client, type ClientReadableStream, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { ClusterService, GuardService, type TokenGrant } from "@quorumguard/proto";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { edgeLimits } from "../edge-limits.ts";
import { leaderKnown } from "../leader-known.fixture.ts";
import type { ServerOptions } from "../server-options.ts";
import { type RunningServer, startServer } from "../start-server.ts";
import { grpcClient, httpClient, type StrangersClient, toldBy } from "./token-client.fixture.ts";
import { ed25519Key, mint } from "./tokens.fixture.ts";

const key = ed25519Key("one");
const data = mkdtemp(join(tmpdir(), "quorumguard-overuse-"));
/** One that lets next to no call through, and one that a hundred watches at once do not use up, but four keys do. */
let server: RunningServer;
let roomy: RunningServer;
let clients: readonly StrangersClient[];

async function startNode(name: string, bounds: Partial<ServerOptions>): Promise<RunningServer> {
  const anyPort = { host: "127.0.0.1", port: 0 };
  const started = await startServer({
    nodeId: 1,
    cluster: [{ nodeId: 1, ...anyPort }],
    dataFolder: join(await data, name),
    grpc: anyPort,
    http: anyPort,
    processMetrics: false,
    tokenKeys: { keys: [key.jwk] },
    ...bounds,
  });
  await leaderKnown(started);
  return started;
}

beforeAll(async () => {
  server = await startNode("strict", { tokenCallsPerSecond: 1 });
  roomy = await startNode("roomy", { tokenCallsPerSecond: 1_000, visitorKeysPerMinute: 3 });
  clients = [httpClient(server), grpcClient(server)];
});

afterAll(async () => {
  for (const client of clients ?? []) client.close();
  await server?.stop();
  await roomy?.stop();
  await rm(await data, { recursive: true, force: true });
});

const { allow, allowBatch, peek } = GuardService.method;
const visitor: TokenGrant = { ops: ["check", "peek"], keyPrefix: "user:" };
const bearer = (sub: string, grant = visitor): string => `Bearer ${mint(key, grant, { sub })}`;
const check = { key: "user:1", rule: { policy: "button" } };
/** Takes a quarter of an hour of one call a second. */
const flood = {
  calls: [{ checks: Array.from({ length: edgeLimits.maxItems }, (_, at) => ({ ...check, key: `user:${at}` })) }],
};

it("who has asked too much is refused at both listeners and told when to come again; nobody else is", async () => {
  const [http] = clients;
  expect((await http!.call(allowBatch, flood, [bearer("alice")])).reason).not.toBe("TOKEN_OVERUSED");
  const { term, commitIndex } = server.node.status();
  for (const { name, call } of clients) {
    const refused = { status: name === "HTTP" ? 429 : 8, reason: "TOKEN_OVERUSED" };
    expect(await call(allow, { check }, [bearer("alice")])).toMatchObject(refused);
    expect(await call(peek, { check }, [bearer("alice")])).toMatchObject(refused);
  }
  expect(server.node.status()).toMatchObject({ term, commitIndex });
  const others = [
    bearer("bob"),
    bearer("alice", { ...visitor, ns: "shop" }),
    // A server's: bound to no key, no policy and no single call.
    bearer("alice", { ops: ["check"] }),
  ];
  for (const [at, other] of others.entries()) {
    const told = await http!.call(allow, { check, namespace: at === 1 ? "shop" : "" }, [other]);
    expect(told.reason).toBe("UNKNOWN_POLICY");
  }
});

it.each(["HTTP", "gRPC"])("what is refused counts as well, before anybody reads it: over %s", async (name) => {
  const { call } = clients.find((client) => client.name === name)!;
  const by = [bearer(`mallory-${name}`, { ...visitor, keyPrefix: "mallory:" })];
  const told: string[] = [];
  for (let at = 0; at < 100 && told.at(-1) !== "TOKEN_OVERUSED"; at++)
    told.push((await call(allow, { check }, by)).reason);
  expect([told.at(0), told.at(-1)]).toEqual(["KEY_FORBIDDEN", "TOKEN_OVERUSED"]);
  const debtor = [bearer(`debtor-${name}`, { ...visitor, keyPrefix: "mallory:" })];
  expect((await call(allowBatch, flood, debtor)).reason).toBe("KEY_FORBIDDEN");
  const torn = await call(allowBatch, { calls: Array.from({ length: 50_000 }, () => ({})) }, debtor);
  expect(torn.reason).toBe("TOKEN_OVERUSED");
});

describe("the size of a request", () => {
  /** A key of a megabyte: it is read, and then refused. */
  const large = { key: `user:${"1".repeat(edgeLimits.maxMessageBytes - 1_000)}`, rule: { policy: "button" } };
  const waitOf = (message: string): number => Number(/wait (\d+) ms/.exec(message)?.[1]);

  it.each(["HTTP", "gRPC"])(
    "counts as one call for each 4 KiB that it begins, whatever comes of it: over %s",
    async (name) => {
      const { call } = clients.find((client) => client.name === name)!;
      const by = [bearer(`large-${name}`)];
      expect((await call(allow, { check: large }, by)).reason).toBe("INVALID_ARGUMENT");
      // 256 calls, less what a second brings and a call may take at once.
      const { reason, message } = await call(allow, { check }, by);
      expect([reason, waitOf(message) > 100_000, waitOf(message) <= 252_000]).toEqual(["TOKEN_OVERUSED", true, true]);
    },
  );

  it("is paid once, by a request that also counts its checks", async () => {
    const by = [bearer("many")];
    const keys = Array.from({ length: edgeLimits.maxItems }, (_, at) => `user:${at}`.padEnd(500, "."));
    const calls = [{ checks: keys.map((key) => ({ ...check, key })) }];
    expect((await clients[0]!.call(allowBatch, { calls }, by)).reason).not.toBe("TOKEN_OVERUSED");
    const { reason, message } = await clients[0]!.call(allow, { check }, by);
    expect([reason, waitOf(message) <= (edgeLimits.maxItems - 5 + 1) * 1_000]).toEqual(["TOKEN_OVERUSED", true]);
  });

  it("counts where it was not told before: in chunks, and in an envelope", async () => {
    const body = JSON.stringify({ check: large });
    const envelope = Buffer.alloc(5);
    envelope.writeUInt32BE(body.length, 1);
    const sent: readonly (readonly [string, readonly string[]])[] = [
      ["application/json", [body.slice(0, 9), body.slice(9)]],
      ["application/json", [body, body]],
      ["application/grpc-web+json", [envelope.toString("latin1"), body]],
    ];
    for (const [at, [type, chunks]] of sent.entries()) {
      const by = bearer(`chunks-${at}`);
      const response = await fetch(`${server.addresses.httpUrl}/quorumguard.v1.GuardService/Allow`, {
        method: "POST",
        headers: { "Content-Type": type, Authorization: by },
        body: ReadableStream.from(chunks.map((chunk) => Buffer.from(chunk, "latin1"))),
        duplex: "half",
      } as RequestInit);
      await response.text();
      const { reason, message } = await clients[0]!.call(allow, { check }, [by]);
      expect([type, reason, waitOf(message) > 100_000]).toEqual([type, "TOKEN_OVERUSED", true]);
    }
  });

  /** A request whose headers have come, and whose body has not. */
  async function begun(by: string, headers: Record<string, string | number>): Promise<ClientRequest> {
    const { hostname, port } = new URL(server.addresses.httpUrl);
    const path = "/quorumguard.v1.GuardService/Allow";
    const all = { "Content-Type": "application/json", Authorization: by, Expect: "100-continue", ...headers };
    const asked = request({ host: hostname, port, method: "POST", path, headers: all }).on("error", () => {});
    asked.flushHeaders();
    await once(asked, "continue");
    return asked;
  }

  it("counts as soon as it is told, before any of it comes", async () => {
    const asked = await begun(bearer("teller"), { "Content-Length": edgeLimits.maxMessageBytes });
    const { reason, message } = await clients[0]!.call(allow, { check }, [bearer("teller")]);
    expect([reason, waitOf(message) > 100_000]).toEqual(["TOKEN_OVERUSED", true]);
    asked.destroy();
  });

  it("counts as it comes, in chunks too, should its sender never come to an end", async () => {
    const by = bearer("hanger-up");
    const asked = await begun(by, { "Transfer-Encoding": "chunked" });
    asked.write(Buffer.alloc(edgeLimits.maxMessageBytes - 1, " "));
    await vi.waitFor(
      async () => expect(waitOf((await clients[0]!.call(allow, { check }, [by])).message)).toBeGreaterThan(100_000),
      { timeout: 60_000 },
    );
    asked.destroy();
  });

  it("is refused once it is read, if its holder owes by then, and the refusal is counted once", async () => {
    const refusals = async (): Promise<number> => {
      const metrics = await (await fetch(`${server.addresses.httpUrl}/metrics`)).text();
      return Number(/^quorumguard_refused_tokens_total\{reason="token-overused"\} (\d+)/m.exec(metrics)?.[1]);
    };
    const by = bearer("late");
    expect((await clients[0]!.call(allow, { check }, [by])).reason).toBe("UNKNOWN_POLICY");
    const asked = await begun(by, { "Transfer-Encoding": "chunked" });
    expect((await clients[0]!.call(allowBatch, flood, [by])).reason).not.toBe("TOKEN_OVERUSED");
    const before = await refusals();
    asked.end(JSON.stringify({ check: large }));
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    expect([response.statusCode, await refusals()]).toEqual([429, before + 1]);
    response.resume();
  });
});

describe("a request over gRPC that comes in pieces", () => {
  const waitOf = (message: string): number => Number(/wait (\d+) ms/.exec(message)?.[1]);
  const path = "/quorumguard.v1.GuardService/Allow";

  function begin(session: ReturnType<typeof connect>, to: string, headers: Record<string, string>): ClientHttp2Stream {
    const all = {
      ":method": "POST",
      ":path": to,
      "content-type": "application/grpc+proto",
      te: "trailers",
      ...headers,
    };
    return session.request(all).on("error", () => {});
  }

  /** A message's head, and so much of it. */
  function piece(bytes: number, told: number, flag = 0): Buffer {
    const head = Buffer.alloc(5 + bytes);
    head[0] = flag;
    head.writeUInt32BE(told, 1);
    return head;
  }

  const statusOf = async (stream: ClientHttp2Stream): Promise<string | undefined> => {
    const [headers] = (await once(stream, "response")) as [IncomingHttpHeaders];
    return headers["grpc-status"] as string | undefined;
  };

  it("counts as it comes; who owes by then is cut off, and what has come is let go", async () => {
    const session = connect(`http://${server.addresses.grpcEndpoint}`);
    const by = bearer("piecemeal");
    const [first, second] = [0, 1].map(() => begin(session, path, { authorization: by })) as [
      ClientHttp2Stream,
      ClientHttp2Stream,
    ];
    // What has been sent was read, but for a window of 64 KiB: by then both have knocked.
    await new Promise((sent) => second.write(piece(600_000, 1_000_000), sent));
    const { message } = await clients[1]!.call(allow, { check }, [by]);
    expect(waitOf(message)).toBeGreaterThan(100_000);
    first.write(piece(10_000, 1_000_000));
    const ended = once(first, "close");
    expect(await statusOf(first)).toBe("8");
    await ended;
    session.destroy();
  });

  it("counts by what it is once it is decompressed", async () => {
    const session = connect(`http://${server.addresses.grpcEndpoint}`);
    const by = bearer("compressed");
    const zipped = gzipSync(Buffer.alloc(1_000_000));
    const stream = begin(session, path, { authorization: by, "grpc-encoding": "gzip" });
    stream.end(Buffer.concat([piece(0, zipped.length, 1), zipped]));
    expect(await statusOf(stream)).toBe("3");
    expect(waitOf((await clients[1]!.call(allow, { check }, [by])).message)).toBeGreaterThan(100_000);
    session.destroy();
  });

  it("needs no token for a question of health, and is small then", async () => {
    const session = connect(`http://${server.addresses.grpcEndpoint}`);
    const stream = begin(session, "/grpc.health.v1.Health/Check", {});
    stream.write(piece(10_000, 1_000_000));
    const ended = once(stream, "close");
    const [headers] = (await once(stream, "response")) as [IncomingHttpHeaders];
    const told = [headers["grpc-status"], decodeURIComponent(String(headers["grpc-message"]))];
    expect(told).toEqual(["3", "the request has more than 4096 bytes"]);
    await ended;
    session.destroy();
  });
});

it("a topology that is asked for counts as a call", async () => {
  const told: string[] = [];
  for (let at = 0; at < 100 && told.at(-1) !== "TOKEN_OVERUSED"; at++) {
    told.push((await clients[0]!.call(ClusterService.method.getTopology, {}, [bearer("trent")])).reason);
  }
  expect([told.at(0), told.at(-1)]).toEqual(["ok", "TOKEN_OVERUSED"]);
});

it.each(["HTTP", "gRPC"])(
  "a request of fifty thousand empty calls is refused by their number: over %s",
  async (name) => {
    const { call } = clients.find((client) => client.name === name)!;
    const told = await call(allowBatch, { calls: Array.from({ length: 50_000 }, () => ({})) }, [
      bearer(`sybil-${name}`),
    ]);
    expect(told).toEqual({
      status: name === "HTTP" ? 400 : 3,
      reason: "INVALID_ARGUMENT",
      message: "the body is more than 4,096 objects: a request has at most 1,024 checks; split it",
    });
  },
);

describe("gRPC-Web, which the library decodes", () => {
  const envelope = (message: Buffer): Buffer => {
    const head = Buffer.alloc(5);
    head.writeUInt32BE(message.length, 1);
    return Buffer.concat([head, message]);
  };
  const send = async (body: Buffer, headers: Record<string, string>): Promise<string> => {
    const response = await fetch(`${server.addresses.httpUrl}/quorumguard.v1.GuardService/AllowBatch`, {
      method: "POST",
      headers: { "Content-Type": "application/grpc-web+proto", ...headers },
      body: new Uint8Array(body),
    });
    expect(response.status).toBe(200);
    return decodeURIComponent(await response.text());
  };
  const empties = Buffer.alloc(100_000, Buffer.from([0x0a, 0x00]));
  const noMessage = Buffer.alloc(100, 0xff);

  it("reaches it without the message of a stranger, who is told so in its words", async () => {
    expect(await send(envelope(noMessage), {})).toContain("grpc-status: 16");
    expect(await send(envelope(noMessage), { Authorization: bearer("web") })).not.toContain("grpc-status: 16");
  });

  it("is held to as many parts, in one message that is not compressed", async () => {
    const more = await send(envelope(empties), { Authorization: bearer("web-1") });
    expect(more).toContain("grpc-status: 3");
    expect(more).toContain("the body is more than 4,096 objects");
    const two = Buffer.concat([envelope(Buffer.alloc(0)), envelope(empties)]);
    expect(await send(two, { Authorization: bearer("web-2") })).toContain("more than one message");
    const headers = { Authorization: bearer("web-3"), "Grpc-Encoding": "gzip" };
    expect(await send(envelope(gzipSync(empties)), headers)).toContain("grpc-status: 12");
  });
});

it("one holder's keys are counted over both listeners, and only those that a request may open", async () => {
  const [http, grpc] = [httpClient(roomy), grpcClient(roomy)];
  const bys = {
    prefix: [bearer("frank")],
    key: [bearer("frank", { ops: ["check"], key: "user:4" })],
    server: [bearer("frank", { ops: ["check"] })],
  };
  const ask = async (client: StrangersClient, user: number, by = bys.prefix, method = allow) =>
    (await client.call(method, { check: { ...check, key: `user:${user}` } }, by)).reason;
  // A cluster without policies opens nothing: that it was asked for counts.
  expect([await ask(http, 1), await ask(grpc, 2), await ask(grpc, 3)]).toEqual(Array(3).fill("UNKNOWN_POLICY"));
  for (const client of [http, grpc]) {
    const { reason, message } = await client.call(allow, { check: { ...check, key: "user:4" } }, bys.prefix);
    expect([reason, message]).toEqual([
      "TOKEN_OVERUSED",
      expect.stringContaining("more keys on this node than 3 a minute"),
    ]);
    expect([
      await ask(client, 3),
      await ask(client, 4, bys.prefix, peek as never),
      await ask(client, 4, bys.key),
      await ask(client, 5, bys.server),
    ]).toEqual(Array(4).fill("UNKNOWN_POLICY"));
  }
  grpc.close();
});

it("the refusal says in HTTP's own words when to come again, and is counted", async () => {
  await clients[0]!.call(allowBatch, flood, [bearer("carol")]);
  const response = await fetch(`${server.addresses.httpUrl}/quorumguard.v1.GuardService/Allow`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: bearer("carol") },
    body: JSON.stringify({ check }),
  });
  expect([response.status, await response.json()]).toMatchObject([429, { code: "resource_exhausted" }]);
  expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(60);
  const metrics = await (await fetch(`${server.addresses.httpUrl}/metrics`)).text();
  expect(metrics).toMatch(/^quorumguard_refused_tokens_total\{reason="token-overused"\} [1-9]/m);
});

it("one holder's watches are counted over both listeners, and one that ends makes room", async () => {
  const client = new Client(roomy.addresses.grpcEndpoint, credentials.createInsecure());
  const asIs = (bytes: Buffer): Buffer => bytes;
  const watch = (sub: string): ClientReadableStream<Buffer> => {
    const metadata = new Metadata();
    metadata.set("authorization", bearer(sub));
    const path = "/quorumguard.v1.ClusterService/WatchTopology";
    return client.makeServerStreamRequest(path, asIs, asIs, Buffer.alloc(0), metadata).on("error", () => {});
  };
  const open = Array.from({ length: 100 }, () => watch("dave"));
  await Promise.all(open.map((stream) => once(stream, "data")));
  const [told] = await once(watch("dave"), "data").catch((error: ServiceError) => [toldBy(error)]);
  expect(told).toMatchObject({ status: 8, reason: "TOKEN_OVERUSED" });
  await once(watch("erin"), "data");
  const transport = createConnectTransport({ httpVersion: "1.1", baseUrl: roomy.addresses.httpUrl });
  const overHttp = async () => {
    const ending = new AbortController();
    const options = { headers: { authorization: bearer("dave") }, signal: ending.signal };
    try {
      for await (const _topology of createClient(ClusterService, transport).watchTopology({}, options)) return "seen";
      return "ended";
    } catch (failure) {
      return ConnectError.from(failure).code;
    } finally {
      ending.abort();
    }
  };
  expect(await overHttp()).toBe(Code.ResourceExhausted);
  open[0]!.cancel();
  // Twice: what the first of them took, it has given back.
  for (const _attempt of [1, 2])
    await vi.waitFor(async () => expect(await overHttp()).toBe("seen"), { timeout: 60_000 });
  client.close();
});
