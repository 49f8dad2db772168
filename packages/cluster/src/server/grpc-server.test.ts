import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { Client, credentials, type ServiceError, type StatusObject, status } from "@grpc/grpc-js";
import {
  type AllowRequestSchema,
  Applied,
  ClusterService,
  decodeSessionResponse,
  type ErrorDetail,
  ErrorDetailSchema,
  ErrorReason,
  encodeFrame,
  encodeSessionRequest,
  GuardService,
  NodeRole,
  Outcome,
} from "@quorumguard/proto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAdminHandlers } from "./admin-handlers.ts";
import { createClusterHandlers } from "./cluster-handlers.ts";
import { type GrpcListener, startGrpcServer } from "./grpc-server.ts";
import { createPolicyHandlers } from "./policy-handlers.ts";
import { ReflectionClient } from "./reflection-client.fixture.ts";
import { answerAll, createScriptedNode, notLeader, type ScriptedNode } from "./scripted-node.fixture.ts";
import { createGuardHandlers } from "./unary-handlers.ts";

let node: ScriptedNode;
let listener: GrpcListener;
let client: Client;
const faults: string[] = [];

beforeEach(async () => {
  node = createScriptedNode();
  faults.length = 0;
  listener = await startGrpcServer({
    node,
    guard: createGuardHandlers(node),
    cluster: createClusterHandlers(node, "0.0.0-test"),
    policies: createPolicyHandlers(node),
    admin: createAdminHandlers(node),
    session: {},
    log: (_level, event) => void faults.push(event),
    host: "127.0.0.1",
    port: 0,
    tls: null,
    access: null,
    maxStreams: 2,
    maxConnections: 100,
    helloTimeoutMs: 500,
  });
  client = new Client(`127.0.0.1:${listener.port}`, credentials.createInsecure());
});

afterEach(async () => {
  client.close();
  await listener.close(100);
  expect(faults).toEqual([]);
});

const asIs = (bytes: Buffer) => bytes;

function send(path: string, bytes: Uint8Array, deadlineMs = 60_000): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + deadlineMs;
    client.makeUnaryRequest(path, asIs, asIs, Buffer.from(bytes), { deadline }, (error, response) => {
      if (error) reject(error);
      else resolve(response as Buffer);
    });
  });
}

async function call<I extends DescMessage, O extends DescMessage>(
  method: DescMethod & { input: I; output: O },
  request: MessageInitShape<I>,
): Promise<MessageShape<O>> {
  const path = `/${method.parent.typeName}/${method.name}`;
  return fromBinary(method.output, await send(path, toBinary(method.input, create(method.input, request))));
}

/** The error of a call that must fail. */
const failure = (answer: Promise<unknown>): Promise<ServiceError> =>
  answer.then(
    () => Promise.reject(new Error("the call should have failed")),
    (error: ServiceError) => error,
  );

/** The typed detail, read as any gRPC client would: out of google.rpc.Status. */
function detailOf(error: ServiceError): ErrorDetail {
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  // Field 3 of google.rpc.Status is its only message: everything after its tag and length is the Any.
  const rest = Buffer.from(bytes as Buffer);
  const typeUrl = "type.googleapis.com/quorumguard.v1.ErrorDetail";
  const any = fromBinary(AnySchema, rest.subarray(rest.indexOf(typeUrl) - 2));
  expect(any.typeUrl).toBe(typeUrl);
  return fromBinary(ErrorDetailSchema, any.value);
}

const check = { key: "u1", rule: { limit: 5, windowUs: 1_000_000n } };
const { allow, allowBatch, peek } = GuardService.method;

it("serves Reset, Reserve, Commit and Cancel", async () => {
  const { reset, reserve, commit, cancel } = GuardService.method;
  answerAll(node, Outcome.ALLOWED);
  expect(await call(reset, { check })).toMatchObject({ decision: { outcome: Outcome.ALLOWED }, index: 42n });
  expect(await call(reserve, { check, ttlMs: 9n })).toMatchObject({ decision: { remaining: 4 } });
  expect(await call(commit, { check, handle: 3n, actualCost: 2 })).toMatchObject({ stampUs: 7_000_000n });
  expect(await call(cancel, { check, handle: 3n })).toMatchObject({ index: 42n });
  expect(node.submissions.map(({ batch }) => batch.verbs?.[0])).toEqual([1, 2, 3, 4]);
});

describe("Allow", () => {
  it("decides", async () => {
    answerAll(node, Outcome.ALLOWED);
    const response = await call(allow, { check, namespace: "shop", firstAttempt: true });
    expect(response).toMatchObject({ index: 42n, stampUs: 7_000_000n });
    expect(response.decision).toMatchObject({
      outcome: Outcome.ALLOWED,
      limit: 5,
      remaining: 4,
      resetAfterMs: 1_000n,
      retryAfterMs: 0n,
    });
    const { origin, options, batch } = node.submissions[0]!;
    expect(origin).toEqual({ kind: "anonymous", namespace: "shop" });
    expect(options).toMatchObject({ firstAttempt: true, noForward: false });
    expect(options.deadlineMs).toBeGreaterThan(0);
    expect(options.deadlineMs).toBeLessThanOrEqual(60_000);
    expect([...(batch.costs ?? [])]).toEqual([1]);
  });

  it("keeps a request id as the call's identity (SEMANTICS S7)", async () => {
    answerAll(node, Outcome.LIMITED);
    const response = await call(allow, { check, requestId: "r-1" });
    expect(response.decision).toMatchObject({
      outcome: Outcome.LIMITED,
      remaining: 0,
      retryAfterMs: 250n,
      firmForMs: 200n,
    });
    expect(node.submissions[0]!.origin).toEqual({ kind: "request", namespace: "", identity: "", requestId: "r-1" });
  });

  it.each([
    [{}, "check is missing: give a key and a rule"],
    [{ check: { key: "k" } }, "check.rule is missing"],
    [{ check: { ...check, key: "" } }, 'check.key is "": it has 0 bytes'],
    [{ check: { ...check, key: "k".repeat(513) } }, "it has 513 bytes"],
    [{ check: { ...check, cost: 2 ** 31 } }, "check.cost is 2147483648"],
    [{ check: { key: "k", rule: { limit: 5, windowUs: 0n } } }, "check.rule.window_us is 0"],
    [{ check: { key: "k", rule: { limit: 5, windowUs: 2n ** 64n - 1n } } }, "check.rule.window_us is 1844674407370955"],
    [{ check: { key: "k", rule: { limit: 4_294_967_295, windowUs: 1_000n } } }, "check.rule.limit is 4294967295"],
    [{ check, namespace: "n".repeat(129) }, "namespace is"],
    [{ check, requestId: "r".repeat(129) }, "request_id is"],
  ])("refuses %o by name", async (request, message) => {
    const error = await failure(call(allow, request as MessageInitShape<typeof AllowRequestSchema>));
    expect(error.code).toBe(status.INVALID_ARGUMENT);
    expect(error.details).toContain(message);
    expect(detailOf(error)).toMatchObject({ reason: ErrorReason.INVALID_ARGUMENT, applied: Applied.NO });
    expect(node.submissions).toEqual([]);
  });

  it.each([
    ["not-leader", "no", "", status.UNAVAILABLE],
    ["unavailable", "no", "", status.UNAVAILABLE],
    ["unavailable", "unknown", "", status.UNKNOWN],
    ["unavailable", "unknown", "r-1", status.UNAVAILABLE],
    ["overloaded", "no", "", status.RESOURCE_EXHAUSTED],
  ] as const)(
    "tells %s (applied: %s, request id %j) so that a generic client's retry is safe",
    async (reason, applied, requestId, code) => {
      node.onSubmit = ({ sink }) => sink.failed(0, 1, { ...notLeader, reason, applied, retryAfterMs: 12.5 });
      const error = await failure(call(allow, { check, requestId }));
      expect(error.code).toBe(code);
      expect(detailOf(error)).toMatchObject({
        applied: applied === "no" ? Applied.NO : Applied.UNKNOWN,
        leaderId: 2n,
        leaderGrpcEndpoint: "node2.example:7400",
        retryAfterMs: 13n,
      });
    },
  );

  it.each([
    [Outcome.KEYS_FULL, status.RESOURCE_EXHAUSTED, ErrorReason.KEYS_FULL],
    [Outcome.REQUEST_ID_REUSED, status.ALREADY_EXISTS, ErrorReason.REQUEST_ID_REUSED],
    [Outcome.REQUEST_IDS_FULL, status.RESOURCE_EXHAUSTED, ErrorReason.OVERLOADED],
  ])("makes outcome %i, which is no decision, an error", async (outcome, code, reason) => {
    answerAll(node, outcome);
    const error = await failure(call(allow, { check, requestId: "r" }));
    expect(error.code).toBe(code);
    expect(detailOf(error)).toMatchObject({ reason, applied: Applied.NO });
  });
});

describe("AllowBatch", () => {
  it("batches calls without a request id, and sends those with one apart", async () => {
    answerAll(node, Outcome.ALLOWED);
    const pair = [check, { ...check, key: "u2" }];
    const calls = [{ checks: [check] }, { checks: pair }, { checks: [check], requestId: "r" }, { checks: [check] }];
    const { results } = await call(allowBatch, { calls });
    expect(results.map((result) => result.decisions.length)).toEqual([1, 2, 1, 1]);
    expect(results.every((result) => result.allowed)).toBe(true);
    expect(node.submissions.map(({ batch }) => [batch.calls, batch.items, batch.rules.length])).toEqual([
      [2, 3, 1],
      [1, 1, 1],
      [1, 1, 1],
    ]);
    expect([...(node.submissions[0]!.batch.sizes ?? [])]).toEqual([1, 2]);
    const { keyBytes, keyStarts, keyLengths } = node.submissions[0]!.batch;
    const keys = [...keyStarts].map((start, at) =>
      Buffer.from(keyBytes).toString("utf8", start, start + keyLengths[at]!),
    );
    expect(keys).toEqual(["u1", "u1", "u2"]);
  });

  it("keeps the answers of those that were decided when others met an overload", async () => {
    node.onSubmit = ({ sink, origin }) => {
      if (origin.kind === "request") sink.failed(0, 1, { ...notLeader, reason: "overloaded", retryAfterMs: 30 });
    };
    const answer = call(allowBatch, {
      calls: [
        { checks: [check], requestId: "r" },
        { checks: [check], requestId: "s" },
      ],
    });
    const { results } = await answer;
    expect(results.map((result) => result.allowed)).toEqual([false, false]);
    expect(results[0]!.decisions[0]).toMatchObject({ outcome: Outcome.OVERLOADED, retryAfterMs: 30n });
  });

  it("says UNKNOWN for the whole request when part of it was decided and part was not", async () => {
    node.onSubmit = (submission) => {
      if (submission.origin.kind === "request") return submission.sink.failed(0, 1, notLeader);
      answerAll(node, Outcome.ALLOWED);
      node.onSubmit(submission);
    };
    const error = await failure(
      call(allowBatch, { calls: [{ checks: [check], requestId: "r" }, { checks: [check] }] }),
    );
    expect(error.code).toBe(status.UNKNOWN);
    expect(detailOf(error).applied).toBe(Applied.UNKNOWN);
  });

  it.each([
    [[], "calls is empty"],
    [[{ checks: [] }], "calls[0].checks is empty"],
    [[{ checks: Array(1_025).fill(check) }], "at most 1024"],
    [[{ checks: [check] }, { checks: [{ ...check, key: "" }] }], "calls[1].checks[0].key"],
    [
      [
        { checks: [check], requestId: "r" },
        { checks: [check], requestId: "r" },
      ],
      "calls[1].request_id",
    ],
  ])("refuses a batch out of bounds: %#", async (calls, message) => {
    const error = await failure(call(allowBatch, { calls }));
    expect(error.code).toBe(status.INVALID_ARGUMENT);
    expect(error.details).toContain(message);
    expect(node.submissions).toEqual([]);
  });
});

describe("the other methods", () => {
  it("Peek asks and charges nothing", async () => {
    answerAll(node, Outcome.LIMITED);
    const response = await call(peek, { check: { ...check, cost: 3 }, namespace: "shop" });
    expect(response).toMatchObject({ stampUs: 7_000_000n, decision: { outcome: Outcome.LIMITED } });
    expect(node.submissions).toEqual([]);
    expect(node.peeks[0]).toMatchObject({ origin: { namespace: "shop" } });
  });

  it("ClusterService tells topology and status, hands over and snapshots", async () => {
    const { getTopology, getStatus, transferLeadership, takeSnapshot } = ClusterService.method;
    expect((await call(getTopology, {})).topology?.members.length).toBe(3);
    expect(await call(getStatus, {})).toMatchObject({
      role: NodeRole.FOLLOWER,
      term: 5n,
      keys: 11n,
      maxKeys: 14n,
      holds: 15n,
      maxHolds: 18n,
      version: "0.0.0-test",
    });
    expect(await call(transferLeadership, { targetNodeId: 2n })).toMatchObject({ leaderId: 2n, term: 6n });
    expect(await call(takeSnapshot, {})).toMatchObject({ index: 40n, bytes: 1_234n });
    const error = await failure(call(transferLeadership, { targetNodeId: 2n ** 60n }));
    expect(error.code).toBe(status.INVALID_ARGUMENT);
  });

  it("health follows setServing", async () => {
    const path = "/grpc.health.v1.Health/Check";
    const answer = async () => [...(await send(path, new Uint8Array()))];
    expect(await answer()).toEqual([8, 2]);
    listener.setServing(true);
    expect(await answer()).toEqual([8, 1]);
  });

  it("reflection names the services to a client that has no .proto files", async () => {
    const reflected = new ReflectionClient(`127.0.0.1:${listener.port}`);
    expect((await reflected.services()).sort()).toEqual([
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      "quorumguard.v1.AdminService",
      "quorumguard.v1.ClusterService",
      "quorumguard.v1.GuardService",
      "quorumguard.v1.PolicyService",
    ]);
    answerAll(node, Outcome.ALLOWED);
    const body = { check: { key: "u1", rule: { limit: 5, windowUs: 1_000_000 } } };
    const response = await reflected.call("quorumguard.v1.GuardService", "Allow", body);
    expect(response).toMatchObject({ decision: { outcome: "OUTCOME_ALLOWED", limit: 5, remaining: 4 } });
    const health = () => reflected.call("grpc.health.v1.Health", "Check", { service: GuardService.typeName });
    expect(await health()).toEqual({ status: "NOT_SERVING" });
    listener.setServing(true);
    expect(await health()).toEqual({ status: "SERVING" });
    expect(await reflected.call("grpc.health.v1.Health", "List", {})).toEqual({
      statuses: { "": { status: "SERVING" }, [GuardService.typeName]: { status: "SERVING" } },
    });
    reflected.close();
  });
});

describe("bad input", () => {
  it.each(["Allow", "AllowBatch", "Peek"])("garbage for %s is INVALID_ARGUMENT", async (name) => {
    const error = await failure(
      send(`/${GuardService.typeName}/${name}`, Buffer.from("\xff\xff\xffgarbage", "latin1")),
    );
    expect(error.code).toBe(status.INVALID_ARGUMENT);
    expect(error.details).toContain("the request is not a quorumguard.v1.");
  });

  it("a message above 1 MiB is refused, and the next call works", async () => {
    const error = await failure(send(`/${GuardService.typeName}/Allow`, Buffer.alloc(1_048_577)));
    expect(error.code).toBe(status.RESOURCE_EXHAUSTED);
    answerAll(node, Outcome.ALLOWED);
    expect((await call(allow, { check })).decision?.outcome).toBe(Outcome.ALLOWED);
  });

  it("an unknown method is UNIMPLEMENTED", async () => {
    expect((await failure(send("/quorumguard.v1.GuardService/Refill", new Uint8Array()))).code).toBe(
      status.UNIMPLEMENTED,
    );
  });

  it("bytes that are not HTTP/2 end their own connection only", async () => {
    const socket: Socket = connect(listener.port, "127.0.0.1");
    // Not by `once` of node:events, which would reject: a reset is as good an end as any.
    socket.on("error", () => {});
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.write(Buffer.alloc(4_096, 0xa5));
    socket.resume();
    await closed;
    expect((await call(ClusterService.method.getTopology, {})).topology?.nodeId).toBe(1n);
  });
});

describe("Session", () => {
  const path = `/${GuardService.typeName}/Session`;
  const openStream = () => client.makeBidiStreamRequest(path, asIs, asIs);
  const nextMessage = async (stream: ReturnType<typeof openStream>) => {
    const [bytes] = (await once(stream, "data")) as [Buffer];
    return decodeSessionResponse(bytes);
  };
  const statusOf = (stream: ReturnType<typeof openStream>): Promise<StatusObject> =>
    new Promise((resolve) => {
      stream.on("error", () => {});
      stream.on("status", resolve);
      stream.resume();
    });
  const hello = Buffer.from(encodeSessionRequest({ case: "hello", value: { client: "test" } }));
  const nonce = new Uint8Array(16);

  it("carries hello, resume, a frame and its reply", async () => {
    const stream = openStream();
    node.knownSessions.add(9);
    answerAll(node, Outcome.ALLOWED);
    stream.write(hello);
    expect(await nextMessage(stream)).toMatchObject({ kind: "message", message: { message: { case: "welcome" } } });
    stream.write(
      Buffer.from(encodeSessionRequest({ case: "resume", value: { session: { index: 9n, position: 0, nonce } } })),
    );
    expect(await nextMessage(stream)).toMatchObject({ message: { message: { case: "resumed" } } });
    const rules = [{ limit: 5, windowUs: 1_000_000, algorithm: 0, burst: 0, policy: "" }];
    const columns = { firstNumber: 1, ackedThrough: 0, firstAttempt: true, deadlineMs: 0, rules, keys: ["a", "b"] };
    const takes = { ruleIndexes: null, costs: null, sizes: null, verbs: null, ttlsMs: null, handles: null };
    stream.write(Buffer.from(encodeFrame({ ...columns, ...takes })));
    expect(await nextMessage(stream)).toMatchObject({
      kind: "reply",
      reply: { firstNumber: 1, calls: 2, items: 2, index: 42 },
    });
    stream.end();
    const end = await statusOf(stream);
    expect(end.code).toBe(status.OK);
    expect(node.listeners.size).toBe(0);
  });

  it("is pushed what its namespace must forget, and one word for all that came while it did not read", async () => {
    const stream = openStream();
    stream.on("error", () => {});
    stream.write(hello);
    await nextMessage(stream);
    const forgotten: { readonly index: bigint; readonly all: boolean }[] = [];
    const last = new Promise<void>((resolve) => {
      stream.on("data", (bytes: Buffer) => {
        const decoded = decodeSessionResponse(bytes);
        if (decoded.kind !== "message" || decoded.message.message.case !== "forget") return;
        const { index, all } = decoded.message.message.value;
        forgotten.push({ index, all });
        if (index === 1_000n) resolve();
      });
    });
    // All in one turn: nothing of it can have been read meanwhile.
    for (let index = 1; index <= 1_000; index++) {
      node.namespaceListeners.get("")!.forget({ index, policyVersion: 0, keys: [] });
    }
    await last;
    expect(forgotten.length).toBeLessThan(300);
    expect(forgotten[0]).toEqual({ index: 1n, all: false });
    expect(forgotten.at(-1)).toEqual({ index: 1_000n, all: true });
    stream.cancel();
  });

  it("ends with a reason on garbage", async () => {
    const stream = openStream();
    stream.write(Buffer.from([0xff, 0xff]));
    const end = await statusOf(stream);
    expect(end.code).toBe(status.INVALID_ARGUMENT);
    expect(end.details).not.toBe("");
  });

  it("that says nothing is ended, and gives its place back", async () => {
    const silent = await statusOf(openStream());
    expect(silent.code).toBe(status.INVALID_ARGUMENT);
    expect(silent.details).toBe("nothing was said within 500 ms; begin with hello");
    for (let i = 0; i < 3; i++) {
      const stream = openStream();
      stream.on("error", () => {});
      stream.write(hello);
      expect(await nextMessage(stream)).toMatchObject({ kind: "message" });
      const ended = statusOf(stream);
      stream.end();
      expect((await ended).code).toBe(status.OK);
    }
  });

  it("beyond maxStreams is refused", async () => {
    const streams = [openStream(), openStream()];
    for (const stream of streams) {
      stream.on("error", () => {});
      stream.write(hello);
      await nextMessage(stream);
    }
    const third = openStream();
    const end = await statusOf(third);
    expect(end.code).toBe(status.RESOURCE_EXHAUSTED);
    expect(end.details).toContain("2 streams");
    for (const stream of streams) stream.cancel();
  });

  it("is told to drain, and ends when the listener closes", async () => {
    const stream = openStream();
    stream.on("error", () => {});
    stream.write(hello);
    await nextMessage(stream);
    const told = nextMessage(stream);
    listener.drain();
    expect(await told).toMatchObject({ message: { message: { case: "drain" } } });
    const ended = statusOf(stream);
    await listener.close(1_000);
    const end = await ended;
    expect(end.code).toBe(status.UNAVAILABLE);
    expect(node.listeners.size).toBe(0);
  });
});
