import { Buffer } from "node:buffer";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DescMessage, DescMethodUnary } from "@bufbuild/protobuf";
import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import { AdminService, ClusterService, GuardService, PolicyService, type TokenGrant } from "@quorumguard/proto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { leaderKnown } from "../leader-known.fixture.ts";
import { type RunningServer, startServer } from "../start-server.ts";
import { grpcClient, httpClient, type StrangersClient } from "./token-client.fixture.ts";
import { claimsOf, ed25519Key, headerOf, mint, secretKey, tokenOf } from "./tokens.fixture.ts";

const [key, secret, stolen] = [ed25519Key("2030-01"), secretKey("shared"), ed25519Key("2030-01")];
const logged: string[] = [];
let folder: string;
let server: RunningServer;
let clients: readonly StrangersClient[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "quorumguard-tokens-"));
  const anyPort = { host: "127.0.0.1", port: 0 };
  server = await startServer({
    nodeId: 1,
    cluster: [{ nodeId: 1, ...anyPort }],
    dataFolder: folder,
    grpc: anyPort,
    http: anyPort,
    processMetrics: false,
    tokenKeys: { keys: [key.jwk, secret.jwk] },
    log: (_level, event, fields) => void logged.push(`${event} ${JSON.stringify(fields)}`),
  });
  await leaderKnown(server);
  clients = [httpClient(server), grpcClient(server)];
  const document = { policies: [{ name: "button", limit: 5, window: "1h" }] };
  const put = clients[0]!.call(PolicyService.method.putPolicies, { document }, [bearer(mint(key, { ops: ["admin"] }))]);
  expect(await put).toMatchObject({ reason: "ok" });
});

afterAll(async () => {
  for (const client of clients ?? []) client.close();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

const bearer = (token: string): string => `Bearer ${token}`;
const scope: TokenGrant = { ops: ["check", "peek"], keyPrefix: "user:1:", policies: ["button"] };
const { allow, allowBatch, peek, reset, reserve, getTerms } = GuardService.method;
const check = { key: "user:1:a", rule: { policy: "button" } };
const other = { ...check, key: "user:2:a" };
const nowS = Math.floor(Date.now() / 1_000);
const sound = claimsOf(scope);
const signed = (claims: object | string, header: object | string = headerOf(key)) => tokenOf(key, header, claims);
const [, payload = "", signature = ""] = mint(key, scope).split(".");
const admin = Buffer.from(JSON.stringify({ ...sound, qg: { ops: ["admin"] } })).toString("base64url");
const head = Buffer.from(JSON.stringify(headerOf(key))).toString("base64url");
const publicBytes = secretKey("2030-01", Buffer.from(key.jwk.x ?? "", "base64url"));

/** Every way in without a token that counts: HTTP 401, gRPC 16. */
const strangers: readonly (readonly [name: string, authorization: readonly string[], reason: string])[] = [
  ["no header", [], "TOKEN_MISSING"],
  ["an empty header", [""], "TOKEN_MISSING"],
  ["another scheme", ["Basic dXNlcjpwYXNz"], "TOKEN_MISSING"],
  ["the token without its scheme", [mint(key, scope)], "TOKEN_MISSING"],
  ["a scheme without a token", ["Bearer"], "TOKEN_MALFORMED"],
  ["garbage", ["Bearer garbage"], "TOKEN_MALFORMED"],
  ["5 KB", [bearer(`${"a".repeat(5_120)}`)], "TOKEN_MALFORMED"],
  ["5 KB that are signed", [bearer(mint(key, scope, { sub: "s".repeat(5_000) }))], "TOKEN_MALFORMED"],
  ["two tokens in one header", [`${bearer(mint(key, scope))}, ${bearer(mint(key, scope))}`], "TOKEN_MALFORMED"],
  ["alg none", [bearer(signed(sound, { ...headerOf(key), alg: "none" }))], "TOKEN_WRONG_ALGORITHM"],
  ["alg none and no signature", [bearer(`${head}.${payload}.`)], "TOKEN_MALFORMED"],
  [
    "HS256 with the public key's bytes",
    [bearer(tokenOf(publicBytes, headerOf(publicBytes), sound))],
    "TOKEN_WRONG_ALGORITHM",
  ],
  [
    "EdDSA whose header says HS256",
    [bearer(signed(sound, { ...headerOf(key), alg: "HS256" }))],
    "TOKEN_WRONG_ALGORITHM",
  ],
  [
    "a secret's signature whose header says EdDSA",
    [bearer(tokenOf(secret, { ...headerOf(secret), alg: "EdDSA" }, sound))],
    "TOKEN_WRONG_ALGORITHM",
  ],
  ["a key id that there is not", [bearer(signed(sound, { ...headerOf(key), kid: "2031-01" }))], "TOKEN_UNKNOWN_KEY"],
  ["no key id", [bearer(signed(sound, { ...headerOf(key), kid: undefined }))], "TOKEN_UNKNOWN_KEY"],
  ["a path for a key id", [bearer(signed(sound, { ...headerOf(key), kid: "../../2030-01" }))], "TOKEN_UNKNOWN_KEY"],
  ["__proto__ for a key id", [bearer(signed(sound, { ...headerOf(key), kid: "__proto__" }))], "TOKEN_UNKNOWN_KEY"],
  ["constructor for a key id", [bearer(signed(sound, { ...headerOf(key), kid: "constructor" }))], "TOKEN_UNKNOWN_KEY"],
  ["another's key under the same id", [bearer(mint(stolen, scope))], "TOKEN_BAD_SIGNATURE"],
  ["a changed payload", [bearer(`${head}.${admin}.${signature}`)], "TOKEN_BAD_SIGNATURE"],
  ["a changed signature", [bearer(`${head}.${payload}.${"A".repeat(86)}`)], "TOKEN_BAD_SIGNATURE"],
  ["another audience", [bearer(mint(key, scope, { aud: "staging" }))], "TOKEN_WRONG_AUDIENCE"],
  ["a list of audiences", [bearer(signed({ ...sound, aud: ["quorumguard"] }))], "TOKEN_WRONG_AUDIENCE"],
  ["an end in the past", [bearer(mint(key, scope, { iat: nowS - 600, exp: nowS - 300 }))], "TOKEN_EXPIRED"],
  ["a life of more than a day", [bearer(mint(key, scope, { exp: nowS + 90_000 }))], "TOKEN_EXPIRED"],
  [
    "a beginning in the future",
    [bearer(mint(key, scope, { iat: nowS + 600, exp: nowS + 900 }))],
    "TOKEN_NOT_YET_VALID",
  ],
  ["nbf in the future", [bearer(signed({ ...sound, nbf: nowS + 600 }))], "TOKEN_NOT_YET_VALID"],
  ["typ JWT", [bearer(signed(sound, { ...headerOf(key), typ: "JWT" }))], "TOKEN_MALFORMED"],
  ["crit", [bearer(signed(sound, { ...headerOf(key), crit: ["exp"] }))], "TOKEN_MALFORMED"],
  [
    "a key of its own in its header",
    [bearer(tokenOf(stolen, { ...headerOf(key), jwk: stolen.jwk }, sound))],
    "TOKEN_MALFORMED",
  ],
  [
    "the address of a key in its header",
    [bearer(tokenOf(stolen, { ...headerOf(key), jku: "http://127.0.0.1:1/keys.json" }, sound))],
    "TOKEN_MALFORMED",
  ],
  [
    "the address of a certificate",
    [bearer(signed(sound, { ...headerOf(key), x5u: "http://127.0.0.1:1/" }))],
    "TOKEN_MALFORMED",
  ],
  ["a field of qg that nobody knows", [bearer(signed({ ...sound, qg: { ...scope, limit: 9 } }))], "TOKEN_MALFORMED"],
  [
    "__proto__ in qg",
    [bearer(signed(JSON.stringify(sound).replace('"ops"', '"__proto__":{"ops":["admin"]},"ops"')))],
    "TOKEN_MALFORMED",
  ],
  ["no operations", [bearer(signed({ ...sound, qg: { ...scope, ops: [] } }))], "TOKEN_MALFORMED"],
];

describe.each(["HTTP", "gRPC"] as const)("over %s, a stranger is refused", (name) => {
  it.each(strangers)("with %s", async (_name, authorization, reason) => {
    const client = clients.find((each) => each.name === name)!;
    const told = await client.call(allow, { check }, authorization);
    expect(told).toMatchObject({ reason, status: name === "HTTP" ? 401 : 16 });
  });
});

type Call = readonly [method: DescMethodUnary<DescMessage, DescMessage>, request: Record<string, unknown>];
const numbers = { limit: 5, windowUs: 1_000_000n };

/** What the holder of a token for `user:1:…` under `button` may not ask: HTTP 403, gRPC 7. */
const forbidden: readonly (readonly [name: string, call: Call, reason: string])[] = [
  ["another user's key", [allow, { check: other }], "KEY_FORBIDDEN"],
  ["the prefix in capitals", [allow, { check: { ...check, key: "USER:1:a" } }], "KEY_FORBIDDEN"],
  ["the prefix in another form", [allow, { check: { ...check, key: "user:\uff11:a" } }], "KEY_FORBIDDEN"],
  ["less than the prefix", [allow, { check: { ...check, key: "user:1" } }], "KEY_FORBIDDEN"],
  ["the prefix further on", [allow, { check: { ...check, key: "x/user:1:a" } }], "KEY_FORBIDDEN"],
  ["another policy", [allow, { check: { ...check, rule: { policy: "login" } } }], "POLICY_FORBIDDEN"],
  ["a limit of its own", [allow, { check: { ...check, rule: numbers } }], "INLINE_LIMIT_FORBIDDEN"],
  [
    "its policy with a limit",
    [allow, { check: { ...check, rule: { policy: "button", ...numbers } } }],
    "INLINE_LIMIT_FORBIDDEN",
  ],
  ["another namespace", [allow, { check, namespace: "shop" }], "NAMESPACE_FORBIDDEN"],
  ["a look at another's count", [peek, { check: other }], "KEY_FORBIDDEN"],
  ["a reset", [reset, { check }], "OPERATION_FORBIDDEN"],
  ["a reservation", [reserve, { check }], "OPERATION_FORBIDDEN"],
  [
    "a batch whose second call is another's",
    [allowBatch, { calls: [{ checks: [check] }, { checks: [other] }] }],
    "KEY_FORBIDDEN",
  ],
  ["a group with another's key", [allowBatch, { calls: [{ checks: [check, other] }] }], "KEY_FORBIDDEN"],
  ["a reset in a batch", [allowBatch, { calls: [{ checks: [check], verb: 1 }] }], "OPERATION_FORBIDDEN"],
  ["a lease in a batch", [allowBatch, { calls: [{ checks: [check], verb: 5 }] }], "OPERATION_FORBIDDEN"],
  ["the terms of another policy", [getTerms, { names: ["login"] }], "POLICY_FORBIDDEN"],
  ["the status of the cluster", [ClusterService.method.getStatus, {}], "OPERATION_FORBIDDEN"],
  ["another leader", [ClusterService.method.transferLeadership, {}], "OPERATION_FORBIDDEN"],
  ["a member less", [ClusterService.method.removeMember, { nodeId: 1n }], "OPERATION_FORBIDDEN"],
  ["to put policies", [PolicyService.method.putPolicies, { document: {} }], "OPERATION_FORBIDDEN"],
  ["to read policies", [PolicyService.method.getPolicies, {}], "OPERATION_FORBIDDEN"],
  ["to lift a ban", [AdminService.method.liftBan, { policy: "button", key: "user:1:a" }], "OPERATION_FORBIDDEN"],
  ["the keys that are limited most", [AdminService.method.listTopKeys, {}], "OPERATION_FORBIDDEN"],
];

describe.each(["HTTP", "gRPC"] as const)("over %s, a visitor may not ask", (name) => {
  const token = bearer(mint(key, scope));
  it.each(forbidden)("%s", async (_name, [method, ask], reason) => {
    const client = clients.find((each) => each.name === name)!;
    const told = await client.call(method, ask, [token]);
    expect(told).toMatchObject({ reason, status: name === "HTTP" ? 403 : 7 });
    expect(told.message).not.toContain("user:2");
  });
});

describe.each(["HTTP", "gRPC"] as const)("over %s, an operator of one namespace", (name) => {
  const team = bearer(mint(key, { ops: ["admin"], ns: "team" }));
  const { getPolicies, putPolicies } = PolicyService.method;
  const { liftBan, listTopKeys } = AdminService.method;
  const { getStatus, takeSnapshot, transferLeadership } = ClusterService.method;
  const ask = (method: Call[0], request: Call[1]) =>
    clients.find((each) => each.name === name)!.call(method, request, [team]);

  it.each<readonly [string, ...Call]>([
    ["puts policies of the default one", putPolicies, { document: {} }],
    ["puts policies of another one", putPolicies, { document: {}, namespace: "shop" }],
    ["reads policies of another one", getPolicies, { namespace: "shop" }],
    ["lifts a ban of the default one", liftBan, { policy: "button", key: "user:1:a" }],
    ["lists the keys of all", listTopKeys, {}],
    ["moves the leader", transferLeadership, {}],
    ["takes a snapshot", takeSnapshot, {}],
    ["asks for the status of the cluster", getStatus, {}],
  ])("never %s", async (_name, method, request) => {
    const told = await ask(method, request);
    expect(told).toMatchObject({ reason: "NAMESPACE_FORBIDDEN", status: name === "HTTP" ? 403 : 7 });
  });

  it("does there what operators do", async () => {
    expect(await ask(getPolicies, { namespace: "team" })).toMatchObject({ reason: "ok" });
    expect(await ask(listTopKeys, { namespace: "team" })).toMatchObject({ reason: "ok" });
  });
});

it("an operator of no namespace administers every one", async () => {
  const told = await clients[0]!.call(PolicyService.method.getPolicies, { namespace: "shop" }, [
    bearer(mint(key, { ops: ["admin"] })),
  ]);
  expect(told).toMatchObject({ reason: "ok" });
});

it("two authorization headers are refused, whichever of them is sound", async () => {
  const call = request(`${server.addresses.httpUrl}/quorumguard.v1.GuardService/Allow`, { method: "POST" });
  call.setHeader("Content-Type", "application/json");
  call.setHeader("Authorization", [bearer(mint(key, scope)), bearer("garbage")]);
  call.end("{}");
  const [response] = (await once(call, "response")) as [import("node:http").IncomingMessage];
  response.resume();
  expect(response.statusCode).toBe(401);
  expect(response.headers["www-authenticate"]).toBe('Bearer error="invalid_token"');
});

it("is told how to come again, and what was wrong only if something was", async () => {
  const url = `${server.addresses.httpUrl}/quorumguard.v1.GuardService/Allow`;
  const headers = { "Content-Type": "application/json" };
  const bare = await fetch(url, { method: "POST", headers, body: "{}" });
  expect(bare.headers.get("www-authenticate")).toBe("Bearer");
  expect(await bare.json()).toMatchObject({ code: "unauthenticated", message: expect.stringContaining("no token") });
});

it("over gRPC-Web the refusal is one that its clients read", async () => {
  const response = await fetch(`${server.addresses.httpUrl}/quorumguard.v1.GuardService/Allow`, {
    method: "POST",
    headers: { "Content-Type": "application/grpc-web+proto" },
    body: Buffer.from([0, 0, 0, 0, 0]),
  });
  const trailers = `${[...response.headers].join("\n")}\n${await response.text()}`;
  expect(trailers).toMatch(/grpc-status[:,]\s*16/);
});

it("a stranger who speaks gRPC to the HTTP port is not told where gRPC is spoken", async () => {
  const headers = { "Content-Type": "application/grpc" };
  const url = `${server.addresses.httpUrl}/quorumguard.v1.GuardService/Allow`;
  const misled = await fetch(url, { method: "POST", headers, body: "" });
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  const answers = [await misled.text(), (await socket.toArray()).join("")];
  for (const answer of answers) {
    expect(answer).toMatch(/gRPC.* is spoken at/);
    expect(answer).not.toContain(server.addresses.grpcEndpoint);
  }
});

it("a long body of a stranger is refused before it is read", async () => {
  const call = request(`${server.addresses.httpUrl}/quorumguard.v1.GuardService/Allow`, { method: "POST" });
  call.setHeader("Content-Type", "application/json");
  call.setHeader("Content-Length", 1_000_000);
  call.flushHeaders();
  const [response] = (await once(call, "response")) as [import("node:http").IncomingMessage];
  expect(response.statusCode).toBe(401);
  call.destroy();
});

it("over gRPC the health service is open, and reflection is the operators'", async () => {
  const client = new Client(server.addresses.grpcEndpoint, credentials.createInsecure());
  const asIs = (bytes: Buffer): Buffer => bytes;
  const ask = (path: string, authorization?: string): Promise<number> => {
    const metadata = new Metadata();
    if (authorization !== undefined) metadata.set("authorization", authorization);
    const stream = client.makeBidiStreamRequest(path, asIs, asIs, metadata);
    const ended = new Promise<number>((resolve) => {
      stream.on("data", () => {});
      stream.on("status", ({ code }) => resolve(code));
      stream.on("error", () => {});
    });
    stream.end();
    return ended;
  };
  const reflection = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
  expect(await ask(reflection)).toBe(status.UNAUTHENTICATED);
  expect(await ask(reflection, bearer(mint(key, scope)))).toBe(status.PERMISSION_DENIED);
  expect(await ask(reflection, bearer(mint(key, { ops: ["admin"] })))).toBe(status.OK);
  const health = new Promise((resolve, reject) => {
    client.makeUnaryRequest("/grpc.health.v1.Health/Check", asIs, asIs, Buffer.alloc(0), (error, answer) => {
      if (error === null) resolve(answer);
      else reject(error);
    });
  });
  // Field 1 is the status; 1: SERVING.
  expect(await health).toEqual(Buffer.from([8, 1]));
  client.close();
});

it("balancers and Prometheus need no token, and the page counts who was refused", async () => {
  const pages = await Promise.all(
    ["/healthz", "/readyz", "/metrics"].map((path) => fetch(server.addresses.httpUrl + path)),
  );
  expect(pages.map(({ status }) => status)).toEqual([200, 200, 200]);
  const text = await pages[2]!.text();
  expect(text).toMatch(/^quorumguard_refused_tokens_total\{reason="token-bad-signature"\} [1-9]/m);
  expect(text).toMatch(/^quorumguard_refused_tokens_total\{reason="key-forbidden"\} [1-9]/m);
});

it("none of all this was charged, and nothing of a token was logged", async () => {
  expect(server.node.status().limiter.keys).toBe(0);
  const tellTale = [signature, payload, admin].map((part) => part.slice(0, 24));
  expect(logged.filter((line) => tellTale.some((part) => line.includes(part)))).toEqual([]);
  expect(logged.filter((line) => line.startsWith("token-refused")).length).toBeGreaterThan(0);
});

describe("the same token", () => {
  it("opens what it is for, over both listeners", async () => {
    const token = bearer(mint(key, scope));
    for (const client of clients) {
      const asks: Call[] = [
        [allow, { check }],
        [allowBatch, { calls: [{ checks: [check] }, { checks: [{ ...check, key: "user:1:b" }] }] }],
        [peek, { check }],
        [getTerms, { names: ["button"] }],
        [ClusterService.method.getTopology, {}],
      ];
      for (const [method, ask] of asks) {
        expect(await client.call(method, ask, [token])).toMatchObject({ reason: "ok" });
      }
    }
    expect(server.node.status().limiter.keys).toBe(2);
  });

  it("for one call is no good for another one, and charges the first once", async () => {
    const claims = { jti: "call-1", exp: nowS + 29, iat: nowS };
    const token = bearer(mint(secret, { ...scope, ops: ["check"], once: true }, claims));
    const call = { check: { ...check, key: "user:1:once" }, requestId: "call-1" };
    const [http, grpc] = clients;
    expect(await http!.call(allow, call, [token])).toMatchObject({ reason: "ok" });
    expect(await grpc!.call(allow, call, [token])).toMatchObject({ reason: "ok" });
    const replays = [
      { ...call, requestId: "call-2" },
      { ...call, requestId: "" },
      { ...call, check },
    ];
    for (const replay of replays) {
      expect(await http!.call(allow, replay, [token])).toMatchObject({ reason: "TOKEN_REPLAYED", status: 401 });
      expect(await grpc!.call(allow, replay, [token])).toMatchObject({ reason: "TOKEN_REPLAYED", status: 16 });
    }
  });

  it("for one call that was denied is no good for another one", async () => {
    const spent = { ...check, key: "user:1:spent", cost: 5 };
    expect(await clients[0]!.call(allow, { check: spent }, [bearer(mint(key, scope))])).toMatchObject({ reason: "ok" });
    const claims = { jti: "call-3", exp: nowS + 29, iat: nowS };
    const token = bearer(mint(secret, { ...scope, ops: ["check"], once: true }, claims));
    const call = { check: spent, requestId: "call-3", firstAttempt: true };
    for (const client of clients) {
      expect(await client.call(allow, call, [token])).toMatchObject({ reason: "ok" });
      const other = { ...call, check: { ...check, key: "user:1:unspent" } };
      expect(await client.call(allow, other, [token])).toMatchObject({ reason: "TOKEN_REPLAYED" });
    }
  });

  it("for one call that came to no decision makes one other call, and no third", async () => {
    const claims = { jti: "call-4", exp: nowS + 29, iat: nowS };
    const grant: TokenGrant = { ...scope, policies: ["button", "gone"], ops: ["check"], once: true };
    const token = bearer(mint(secret, grant, claims));
    const of = (name: string, policy: string) => ({ check: { key: name, rule: { policy } }, requestId: "call-4" });
    const [http, grpc] = clients;
    expect(await http!.call(allow, of("user:1:undecided", "gone"), [token])).toMatchObject({
      reason: "UNKNOWN_POLICY",
    });
    const counted = of("user:1:decided", "button");
    for (const client of [http!, grpc!])
      expect(await client.call(allow, counted, [token])).toMatchObject({ reason: "ok" });
    for (const third of [of("user:1:undecided", "gone"), of("user:1:undecided", "button")]) {
      expect(await grpc!.call(allow, third, [token])).toMatchObject({ reason: "TOKEN_REPLAYED" });
    }
    const left = await fetch(`${server.addresses.httpUrl}/quorumguard.v1.GuardService/Peek`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: bearer(mint(key, scope)) },
      body: JSON.stringify({ check: counted.check }),
    });
    expect(await left.json()).toMatchObject({ decision: { remaining: 4 } });
  });

  it("keeps request ids of one subject apart from another's", async () => {
    const call = { check: { ...check, key: "user:1:ids" }, requestId: "1" };
    const otherCall = { check: { ...check, key: "user:1:ids2" }, requestId: "1" };
    const [alice, bob] = ["alice", "bob"].map((sub) => bearer(mint(key, scope, { sub })));
    const [http] = clients;
    expect(await http!.call(allow, call, [alice!])).toMatchObject({ reason: "ok" });
    expect(await http!.call(allow, otherCall, [bob!])).toMatchObject({ reason: "ok" });
    expect(await http!.call(allow, otherCall, [alice!])).toMatchObject({ reason: "REQUEST_ID_REUSED" });
  });
});
