import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { AllowRequestSchema, AllowResponseSchema, ClusterService, GuardService, Outcome } from "@quorumguard/proto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAdminHandlers } from "./admin-handlers.ts";
import { createClusterHandlers } from "./cluster-handlers.ts";
import { type HttpListener, startHttpServer } from "./http-server.ts";
import { createNodeMetrics } from "./metrics.ts";
import { createPolicyHandlers } from "./policy-handlers.ts";
import { answerAll, createScriptedNode, notLeader, type ScriptedNode } from "./scripted-node.fixture.ts";
import { createGuardHandlers } from "./unary-handlers.ts";

let node: ScriptedNode;
let listener: HttpListener;
let url: string;
const faults: string[] = [];

beforeEach(async () => {
  node = createScriptedNode();
  faults.length = 0;
  const metrics = createNodeMetrics(node, { process: false });
  listener = await startHttpServer({
    node,
    guard: createGuardHandlers(node, { meter: metrics.meter }),
    cluster: createClusterHandlers(node, "0.0.0-test"),
    policies: createPolicyHandlers(node),
    admin: createAdminHandlers(node),
    metrics,
    log: (_level, event) => void faults.push(event),
    host: "127.0.0.1",
    port: 0,
    tls: null,
    access: null,
    corsOrigins: ["https://shop.example"],
    maxConnections: 100,
  });
  url = `http://127.0.0.1:${listener.port}`;
});

afterEach(async () => {
  await listener.close(100);
  expect(faults).toEqual([]);
});

const allowPath = "/quorumguard.v1.GuardService/Allow";
const post = (path: string, body: string | Uint8Array<ArrayBuffer>, type = "application/json") =>
  fetch(url + path, { method: "POST", headers: { "Content-Type": type }, body });
const check = { key: "u1", rule: { limit: 5, windowUs: "1000000" } };

describe("JSON, as curl sends it", () => {
  it("gets a decision, zeros included", async () => {
    answerAll(node, Outcome.LIMITED);
    const response = await post(allowPath, JSON.stringify({ check }));
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      decision: {
        outcome: "OUTCOME_LIMITED",
        limit: 5,
        remaining: 0,
        resetAfterMs: "1000",
        retryAfterMs: "250",
        firmForMs: "200",
        source: "SOURCE_QUORUM",
      },
      index: "42",
      stampUs: "7000000",
    });
    expect(node.submissions[0]!.options).toEqual({ firstAttempt: false, noForward: false, deadlineMs: 5_000 });
  });

  it.each([
    { what: "key", body: JSON.stringify({ check }).replace('"key":', '"key":"another","key":') },
    { what: "check", body: `{"check":${JSON.stringify(check)},${JSON.stringify({ check }).slice(1)}` },
  ])("is refused if it names the $what twice", async ({ body }) => {
    expect((await post(allowPath, body)).status).toBe(400);
    expect(node.submissions).toEqual([]);
  });

  it("may reset, reserve, commit and cancel", async () => {
    answerAll(node, Outcome.ALLOWED);
    const bodies = {
      Reset: { check },
      Reserve: { check, ttlMs: "9000" },
      Commit: { check, handle: "12", actualCost: 7 },
      Cancel: { check, handle: 12 },
    };
    for (const [method, body] of Object.entries(bodies)) {
      const response = await post(`/quorumguard.v1.GuardService/${method}`, JSON.stringify(body));
      expect(await response.json()).toMatchObject({ decision: { outcome: "OUTCOME_ALLOWED" }, index: "42" });
    }
    expect(node.submissions.map(({ batch }) => [batch.verbs?.[0], batch.ttlsMs?.[0], batch.handles?.[0]])).toEqual([
      [1, 0, 0],
      [2, 9_000, 0],
      [3, 0, 12],
      [4, 0, 12],
    ]);
    const wrong = await post(
      "/quorumguard.v1.GuardService/Commit",
      JSON.stringify({ check, handle: "1", actualCost: -1 }),
    );
    expect(await wrong.json()).toMatchObject({
      code: "invalid_argument",
      message: "actual_cost is -1: it must be a whole number from 0 to 2,147,483,647",
    });
  });

  const withRule = (rule: string) => `{"check":{"key":"k","rule":{${rule}}}}`;
  it.each([
    ['{"check":{"key":"","rule":{"limit":5,"windowUs":"1000000"}}}', "check.key"],
    [withRule('"limit":-5'), "check.rule.limit is -5: it must be a whole number from 0 to 2,147,483,647"],
    [withRule('"limit":1.5'), "check.rule.limit is 1.5: it must be a whole number from 0 to 2,147,483,647"],
    [withRule('"limit":"many"'), 'check.rule.limit is "many": it must be a whole number from 0'],
    [withRule('"limit":true'), "check.rule.limit is true: it must be a whole number from 0"],
    [
      withRule('"limit":4294967296'),
      "check.rule.limit is 4294967296: it must be a whole number from 0 to 2,147,483,647",
    ],
    [withRule('"limit":3000000000,"windowUs":"1000000"'), "check.rule.limit is 3000000000: it must be a whole number"],
    [withRule('"windowUs":-1'), "check.rule.window_us is -1: it must be from 1,000 (1 ms)"],
    [withRule('"limit":5,"windowMs":"1000"'), "check.rule.windowMs is not a field: here is room for: limit, windowUs"],
    [withRule('"limit":5,"windowUs":"60"'), "check.rule.window_us is 60: it must be from 1,000 (1 ms)"],
    [
      withRule('"algorithm":"LEAKY"'),
      'check.rule.algorithm is "LEAKY": it must be one of ALGORITHM_SLIDING_WINDOW_LOG, ALGORITHM_TOKEN_BUCKET, ALGORITHM_SLIDING_WINDOW_COUNTER, ALGORITHM_FIXED_WINDOW, ALGORITHM_CONCURRENCY, or left out',
    ],
    [withRule('"policy":7'), "check.rule.policy is 7: it must be a string"],
    ['{"check":{"key":"\\ud800"}}', 'check.key is "\\ud800": it must be well-formed Unicode'],
    ['{"check":"u1"}', 'check is "u1": it must be an object, with any of: key, '],
    ['{"check":[]}', "check is a list: it must be an object"],
    ['{"noForward":1}', "no_forward is 1: it must be true or false"],
    ['{"checks":[]}', "checks is not a field: here is room for: check, "],
    ["{", "the body is not JSON: "],
    ["null", "the body is null: it must be an object"],
    ["[]", "the body is a list: it must be an object"],
    ["7", "the body is 7: it must be an object"],
    ["", "the body is empty: send an object as JSON, such as {"],
  ])("is refused by field, value and bound when it is wrong: %s", async (body, message) => {
    const response = await post(allowPath, body);
    expect(response.status).toBe(400);
    expect(response.headers.get("content-type")).toBe("application/json");
    const error = (await response.json()) as { code: string; message: string; details: { debug: object }[] };
    expect(error.code).toBe("invalid_argument");
    expect(error.message).toContain(message);
    expect(error.details).toMatchObject([
      {
        type: "quorumguard.v1.ErrorDetail",
        debug: { reason: "ERROR_REASON_INVALID_ARGUMENT", applied: "APPLIED_NO", message: error.message },
      },
    ]);
    expect(node.submissions).toEqual([]);
  });

  it("names the place in a list, and a name in snake case is as good as in camel case", async () => {
    const calls = [{ checks: [check, { key: "k", cost: -1, rule: check.rule }] }];
    const response = await post("/quorumguard.v1.GuardService/AllowBatch", JSON.stringify({ calls }));
    expect(response.status).toBe(400);
    const { message } = (await response.json()) as { message: string };
    expect(message).toBe("calls[0].checks[1].cost is -1: it must be a whole number from 1 to 2,147,483,647");
    answerAll(node, Outcome.ALLOWED);
    const snake = { check: { key: "k", rule: { limit: "5", window_us: 1_000_000, policy: null } }, no_forward: true };
    expect((await post(allowPath, JSON.stringify(snake))).status).toBe(200);
  });

  it.each(["application/json", "application/proto"])("decompresses nothing, and says so: %s", async (type) => {
    const response = await fetch(url + allowPath, {
      method: "POST",
      headers: { "Content-Type": type, "Content-Encoding": "gzip" },
      body: new Uint8Array(gzipSync(Buffer.alloc(500_000))),
    });
    expect([response.status, response.headers.get("accept-encoding")]).toEqual([415, "identity"]);
    expect(await response.json()).toEqual({
      code: "unimplemented",
      message: 'the content-encoding is "gzip": send the body as it is, since nodes decompress nothing',
    });
  });

  it("refuses a key whose bytes are no UTF-8, since different ones would share a counter", async () => {
    const body = new TextEncoder().encode('{"check":{"key":"m??","rule":{"limit":5,"windowUs":"60000000"}}}');
    const at = body.indexOf("?".charCodeAt(0));
    body.set([0xfe, 0xfe], at);
    const response = await post(allowPath, body);
    expect(response.status).toBe(400);
    expect(((await response.json()) as { message: string }).message).toContain("check.key");
    expect(node.submissions).toEqual([]);
  });

  it("carries the typed detail with an error", async () => {
    node.onSubmit = ({ sink }) => sink.failed(0, 1, notLeader);
    const response = await post(allowPath, JSON.stringify({ check, noForward: true }));
    expect(response.status).toBe(503);
    const error = (await response.json()) as { details: { type: string; debug: object }[] };
    expect(error).toMatchObject({ code: "unavailable", details: [{ type: "quorumguard.v1.ErrorDetail" }] });
    expect(error.details[0]!.debug).toMatchObject({
      reason: "ERROR_REASON_NOT_LEADER",
      applied: "APPLIED_NO",
      leaderHttpUrl: "http://node2.example:7402",
    });
  });
});

describe("a document of policies as JSON", () => {
  const put = (body: string) => post("/quorumguard.v1.PolicyService/PutPolicies", body);

  it("is taken as it stands in a file, and what came of it is told", async () => {
    const asked = put(
      '{"document":{"policies":[{"name":"login","limit":5,"window":"1m"}]},"options":{"changeId":"x"}}',
    );
    await expect.poll(() => node.operations.length).toBe(1);
    expect(node.operations[0]!.operation).toMatchObject({
      request: { changeId: "x", change: { document: { policies: [{ name: "login", limit: 5, windowMs: 60_000 }] } } },
    });
    node.operations[0]!.done({ kind: "administered", result: { version: 2, changed: 0, error: null } });
    expect(await (await asked).json()).toEqual({ result: { version: "2", changed: 0, edits: [] } });
  });

  it.each([
    ['{"document":5}', "document is 5: it must be an object: { … }"],
    [
      '{"document":{"policies":[{"name":"login","limit":"5","window":"1m"}]}}',
      'document.policies[0].limit is "5"; it must be',
    ],
    [
      `{"document":{"policies":${"[".repeat(5_000)}${"]".repeat(5_000)}}}`,
      "document is nested too deeply: at most 16 levels",
    ],
    ['{"document":{"maxKeys":1},"option":{}}', "option is not a field: here is room for: namespace, document, options"],
    ['{"document":{"tierKeys":[{"key":"\\ud800","tier":"a"}]}}', "it must be well-formed Unicode"],
  ])("is refused before the node is asked, by field, value and remedy: %.60s", async (body, message) => {
    const response = await put(body);
    expect(response.status).toBe(400);
    expect(((await response.json()) as { message: string }).message).toContain(message);
    expect(node.operations).toEqual([]);
  });

  it("that expects another version conflicts", async () => {
    const asked = put('{"document":{"maxKeys":1},"options":{"expectedVersion":"1"}}');
    await expect.poll(() => node.operations.length).toBe(1);
    const error = { code: "version-mismatch", field: "expectedVersion", message: "read it again" } as const;
    node.operations[0]!.done({ kind: "administered", result: { version: 2, changed: 0, error } });
    expect((await asked).status).toBe(409);
  });
});

it("a follower that is asked to hand leadership over says who leads, and where", async () => {
  node.transferLeadership = async () => Promise.reject(new Error("node 2 leads in term 5; ask it"));
  const response = await post("/quorumguard.v1.ClusterService/TransferLeadership", "{}");
  expect(await response.json()).toMatchObject({
    code: "failed_precondition",
    message: "node 2 leads in term 5; ask it",
    details: [
      {
        debug: {
          reason: "ERROR_REASON_NOT_LEADER",
          applied: "APPLIED_NO",
          leaderId: "2",
          term: "5",
          leaderGrpcEndpoint: "node2.example:7400",
          leaderHttpUrl: "http://node2.example:7402",
        },
      },
    ],
  });
});

describe("Connect and gRPC-Web", () => {
  it.each([
    ["Connect, binary", () => createConnectTransport({ baseUrl: url, httpVersion: "1.1", useBinaryFormat: true })],
    ["Connect, JSON", () => createConnectTransport({ baseUrl: url, httpVersion: "1.1", useBinaryFormat: false })],
    ["gRPC-Web", () => createGrpcWebTransport({ baseUrl: url, httpVersion: "1.1" })],
  ])("%s: every method answers", async (_name, transport) => {
    answerAll(node, Outcome.ALLOWED);
    const guard = createClient(GuardService, transport());
    const rule = { limit: 5, windowUs: 1_000_000n };
    expect((await guard.allow({ check: { key: "u1", rule } })).decision?.outcome).toBe(Outcome.ALLOWED);
    const { results } = await guard.allowBatch({ calls: [{ checks: [{ key: "u1", rule }] }] });
    expect(results).toMatchObject([{ allowed: true }]);
    expect((await guard.peek({ check: { key: "u1", rule } })).decision?.remaining).toBe(4);
    const cluster = createClient(ClusterService, transport());
    expect((await cluster.getTopology({})).topology?.groups[0]?.leaderId).toBe(2n);
    expect((await cluster.getStatus({})).appliedIndex).toBe(39n);
    expect((await cluster.transferLeadership({})).leaderId).toBe(3n);
    expect((await cluster.takeSnapshot({})).bytes).toBe(1_234n);
  });

  it("WatchTopology tells the topology now and after a change, and lets go of the node", async () => {
    const cluster = createClient(ClusterService, createConnectTransport({ baseUrl: url, httpVersion: "1.1" }));
    const leaders: (bigint | undefined)[] = [];
    const abort = new AbortController();
    for await (const { topology } of cluster.watchTopology({}, { signal: abort.signal })) {
      leaders.push(topology?.groups[0]?.leaderId);
      if (leaders.length === 2) break;
      node.currentTopology = { ...node.currentTopology, leaderId: 3, term: 6 };
      for (const listen of node.listeners) listen(node.currentTopology);
    }
    expect(leaders).toEqual([2n, 3n]);
    abort.abort();
    await expect.poll(() => node.listeners.size).toBe(0);
  });

  it("a caller's deadline reaches the node", async () => {
    answerAll(node, Outcome.ALLOWED);
    const guard = createClient(GuardService, createConnectTransport({ baseUrl: url, httpVersion: "1.1" }));
    await guard.allow({ check: { key: "u1", rule: { limit: 5, windowUs: 1_000_000n } } }, { timeoutMs: 300 });
    expect(node.submissions[0]!.options.deadlineMs).toBeGreaterThan(0);
    expect(node.submissions[0]!.options.deadlineMs).toBeLessThanOrEqual(300);
  });
});

describe("for operators", () => {
  it("/healthz answers while the process lives", async () => {
    const response = await fetch(`${url}/healthz`);
    expect([response.status, await response.json()]).toEqual([200, { alive: true }]);
  });

  it("/readyz and the metric say ready only if the node is and the server serves", async () => {
    const answer = async () => {
      const metrics = await (await fetch(`${url}/metrics`)).text();
      return [(await fetch(`${url}/readyz`)).status, /^quorumguard_ready (\d)$/m.exec(metrics)?.[1]];
    };
    expect(await answer()).toEqual([503, "0"]);
    listener.setServing(true);
    expect(await answer()).toEqual([200, "1"]);
    node.currentStatus = { ...node.currentStatus, ready: false };
    expect(await answer()).toEqual([503, "0"]);
    node.currentStatus = { ...node.currentStatus, ready: true };
    listener.setServing(false);
    expect(await answer()).toEqual([503, "0"]);
  });

  it("/metrics counts decisions and never names a key", async () => {
    answerAll(node, Outcome.ALLOWED);
    await post(allowPath, JSON.stringify({ check: { ...check, key: "secret-key" } }));
    const response = await fetch(`${url}/metrics`);
    expect(response.headers.get("content-type")).toContain("text/plain");
    const text = await response.text();
    expect(text).toContain('quorumguard_decisions_total{outcome="allowed",source="quorum"} 1');
    expect(text).not.toContain("secret-key");
  });

  it("any other path is a 404 that says what there is", async () => {
    const response = await fetch(`${url}/nope`);
    expect(response.status).toBe(404);
    const { message } = (await response.json()) as { message: string };
    expect(message).toContain("there is no GET /nope here; there is POST /quorumguard.v1.GuardService/Allow, ");
    for (const path of ["ClusterService/GetStatus", "GET /healthz", "GET /readyz", "GET /metrics"]) {
      expect(message).toContain(path);
    }
  });
});

describe("pages of other origins", () => {
  const preflight = (origin: string) =>
    fetch(url + allowPath, {
      method: "OPTIONS",
      headers: { Origin: origin, "Access-Control-Request-Method": "POST" },
    });

  it("are refused unless listed", async () => {
    const response = await preflight("https://evil.example");
    expect(response.status).toBe(403);
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
  });

  it("are let in when listed", async () => {
    const response = await preflight("https://shop.example");
    expect(response.status).toBe(204);
    expect(response.headers.get("access-control-allow-origin")).toBe("https://shop.example");
    expect(response.headers.get("access-control-allow-headers")).toContain("Content-Type");
    expect(response.headers.get("vary")).toBe("Origin");
  });
});

describe("pages that call a node without token keys", () => {
  const call = async (origin: string) => {
    const headers = { "Content-Type": "application/json", Origin: origin };
    const response = await fetch(url + allowPath, { method: "POST", headers, body: "{}" });
    return [response.status, ((await response.json()) as { code: string }).code];
  };

  it.each([`http://rebound.example:7402`, "https://localhost.example", "http://10.0.0.1.example", "null"])(
    "of %s are refused, though their name may lead here",
    async (origin) => {
      expect(await call(origin)).toEqual([403, "permission_denied"]);
    },
  );

  it.each([
    "https://shop.example",
    "http://localhost:5173",
    "http://app.localhost",
    "http://127.0.0.1:3000",
    "http://[::1]",
  ])("of %s are answered", async (origin) => {
    expect(await call(origin)).toEqual([400, "invalid_argument"]);
  });
});

describe("bad input", () => {
  it("garbage in the binary format is refused, and the next call works", async () => {
    const response = await post(allowPath, Uint8Array.of(0xff, 0xff, 0xff), "application/proto");
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining("the request cannot be decoded: parse binary"),
      details: [{ type: "quorumguard.v1.ErrorDetail", debug: { applied: "APPLIED_NO" } }],
    });
    answerAll(node, Outcome.ALLOWED);
    const request = create(AllowRequestSchema, { check: { key: "u1", rule: { limit: 5, windowUs: 1_000_000n } } });
    const good = await post(allowPath, new Uint8Array(toBinary(AllowRequestSchema, request)), "application/proto");
    const decided = fromBinary(AllowResponseSchema, new Uint8Array(await good.arrayBuffer()));
    expect(decided.decision?.outcome).toBe(Outcome.ALLOWED);
  });

  it("a body above 1 MiB is refused, with and without its length told", async () => {
    const body = JSON.stringify({ check: { ...check, key: "k".repeat(1_048_577) } });
    const told = await post(allowPath, body);
    expect(told.status).toBe(413);
    expect(await told.json()).toMatchObject({
      code: "invalid_argument",
      message: expect.stringMatching(/^the body is 1,048,\d{3} bytes: it must be at most 1,048,576 bytes \(1 MiB\)/),
      details: [{ debug: { applied: "APPLIED_NO" } }],
    });
    const chunks = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(body));
        controller.close();
      },
    });
    const init = { method: "POST", headers: { "Content-Type": "application/json" }, body: chunks, duplex: "half" };
    const untold = await fetch(url + allowPath, init as RequestInit);
    expect(untold.status).toBe(413);
    expect(((await untold.json()) as { message: string }).message).toContain("more than 1,048,576 bytes");
    expect(node.submissions).toEqual([]);
  });

  it.each([
    ["text/xml", `send POST ${allowPath} with "content-type: application/json"`],
    ["application/x-www-form-urlencoded", 'the content-type is "application/x-www-form-urlencoded": send POST'],
    ["application/grpc", "gRPC is spoken at this node's gRPC port, node1.example:7400"],
    ["application/grpc+proto", "gRPC is spoken at this node's gRPC port, node1.example:7400"],
  ])("the content type %s is 415, with what to send instead", async (type, message) => {
    const response = await post(allowPath, "{}", type);
    expect(response.status).toBe(415);
    expect(((await response.json()) as { message: string }).message).toContain(message);
  });

  it("JSON to a method that streams is 415, with the content types of a stream", async () => {
    const path = "/quorumguard.v1.ClusterService/WatchTopology";
    const response = await post(path, "{}");
    expect(response.status).toBe(415);
    const { message } = (await response.json()) as { message: string };
    expect(message).toMatch(
      /content-type is "application\/json": send POST .*application\/connect\+json.*grpc-web\+proto/,
    );
    expect(message).not.toContain("a JSON object");
  });

  it.each(["GET", "PUT", "DELETE"])("%s on the path of a call is 405, with how to call it", async (method) => {
    const response = await fetch(url + allowPath, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("POST");
    expect(((await response.json()) as { message: string }).message).toContain(`send POST ${allowPath} with`);
  });

  it.each([
    [
      "HTTP/2, as a gRPC client begins",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "HTTP/2, as gRPC needs it, is spoken at node1",
    ],
    ["a ClientHello of TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "this is not HTTP/1.1"],
  ])("%s is told which port this is", async (_name, first, message) => {
    const socket: Socket = connect(listener.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(first, "latin1");
    let answer = "";
    for await (const chunk of socket) answer += chunk;
    // Those who sent this cannot read it as what they speak, but it is what their error messages and traces show.
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer).toContain(message);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it("bytes that are not HTTP get a 400 and end their own connection only", async () => {
    const socket: Socket = connect(listener.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(new Uint8Array(4_096).fill(0xa5));
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).toContain("400 Bad Request");
    await once(socket, "close");
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it("a caller that hangs up half way disturbs nobody", async () => {
    const socket: Socket = connect(listener.port, "127.0.0.1");
    await once(socket, "connect");
    socket.write(
      `POST ${allowPath} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"che`,
    );
    const gone = once(socket, "close");
    socket.resetAndDestroy();
    await gone;
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });
});
