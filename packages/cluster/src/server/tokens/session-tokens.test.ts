import { Buffer } from "node:buffer";
import { once } from "node:events";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { Client, type ClientDuplexStream, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import {
  ClusterService,
  decodeSessionResponse,
  encodeFrame,
  encodeSessionRequest,
  GuardService,
  type TokenClaims,
  type TokenGrant,
} from "@quorumguard/proto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { TestAuthority } from "../certificates.fixture.ts";
import { leaderKnown } from "../leader-known.fixture.ts";
import { createScriptedNode } from "../scripted-node.fixture.ts";
import type { ServerOptions } from "../server-options.ts";
import { createSessionHandler } from "../session-handler.ts";
import { type RunningServer, startServer } from "../start-server.ts";
import { grpcClient, httpClient, reasonOf, type Told, toldBy } from "./token-client.fixture.ts";
import { checkTokenKeys } from "./token-keys.ts";
import { ed25519Key, mint, type TestKey } from "./tokens.fixture.ts";

const [one, two] = [ed25519Key("one"), ed25519Key("two")];
const anyPort = { host: "127.0.0.1", port: 0 };
const server: ServerOptions = {
  nodeId: 1,
  cluster: [{ nodeId: 1, ...anyPort }],
  grpc: anyPort,
  http: anyPort,
  processMetrics: false,
};
const whole: TokenGrant = { ops: ["check", "peek", "reset", "reserve", "inline-limits"] };

let folder: string;
let running: RunningServer | null = null;
let client: Client | null = null;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "quorumguard-session-tokens-"));
});

afterEach(async () => {
  client?.close();
  await running?.stop();
  running = client = null;
  await rm(folder, { recursive: true, force: true });
});

async function start(over: Partial<ServerOptions>): Promise<RunningServer> {
  running = await startServer({ ...server, dataFolder: join(folder, "data"), ...over });
  await leaderKnown(running);
  return running;
}

const asIs = (bytes: Buffer): Buffer => bytes;

/** Opens a Session stream with a token; `said` has what it brings, `ended` how it ends. */
function open({ addresses }: RunningServer, authorization: string | null) {
  client = new Client(addresses.grpcEndpoint, credentials.createInsecure());
  const metadata = new Metadata();
  if (authorization !== null) metadata.set("authorization", `Bearer ${authorization}`);
  const stream: ClientDuplexStream<Buffer, Buffer> = client.makeBidiStreamRequest(
    "/quorumguard.v1.GuardService/Session",
    asIs,
    asIs,
    metadata,
  );
  const ended = new Promise<Told>((resolve) => {
    stream.on("error", (error: ServiceError) => resolve(toldBy(error)));
  });
  const first = new Promise<string>((resolve) => {
    stream.once("data", (bytes: Buffer) => {
      const said = decodeSessionResponse(bytes);
      resolve(said.kind === "message" ? (said.message.message.case ?? "") : said.kind);
    });
  });
  const hello = (namespace = "") => {
    const value = { clusterId: "", namespace, client: "test" };
    stream.write(Buffer.from(encodeSessionRequest({ case: "hello", value })));
  };
  return { stream, ended, first, hello };
}

describe("a Session stream", () => {
  const data = mkdtemp(join(tmpdir(), "quorumguard-session-tokens-"));
  let node: RunningServer;

  beforeAll(async () => {
    node = await startServer({ ...server, dataFolder: await data, tokenKeys: { keys: [one.jwk, two.jwk] } });
    await leaderKnown(node);
  });

  afterAll(async () => {
    await node?.stop();
    await rm(await data, { recursive: true, force: true });
  });

  const soon = () => Math.floor(Date.now() / 1_000) + 25;

  it.each<[string, string | null, object]>([
    ["a caller without a token", null, { status: 16, reason: "TOKEN_MISSING" }],
    ["a token of nobody", mint(ed25519Key("one"), whole), { status: 16, reason: "TOKEN_BAD_SIGNATURE" }],
    ["a token that is bound to a key", mint(one, { ops: ["check"], key: "a" }), { status: 7, reason: "KEY_FORBIDDEN" }],
    [
      "a token that is bound to a prefix",
      mint(one, { ops: ["check"], keyPrefix: "a:" }),
      { status: 7, reason: "KEY_FORBIDDEN" },
    ],
    [
      "a token that is bound to policies",
      mint(one, { ops: ["check"], policies: ["p"] }),
      { status: 7, reason: "POLICY_FORBIDDEN" },
    ],
    [
      "a token for one call",
      mint(one, { ops: ["check"], once: true }, { jti: "r", exp: soon() }),
      { status: 16, reason: "TOKEN_REPLAYED" },
    ],
  ])("is refused to %s", async (_name, token, told) => {
    const { ended } = open(node, token);
    expect(await ended).toMatchObject(told);
  });

  it("welcomes a token without such bounds, in its own namespace only", async () => {
    const token = mint(one, { ...whole, ns: "shop" });
    const own = open(node, token);
    own.hello("shop");
    expect(await own.first).toBe("welcome");
    own.stream.cancel();
    client?.close();
    const foreign = open(node, token);
    foreign.hello("");
    expect(await foreign.ended).toMatchObject({ status: 7, reason: "NAMESPACE_FORBIDDEN" });
  });

  /** Over already, but for what clocks may be apart: a second or two are left. */
  const dying = (): Partial<TokenClaims> => {
    const nowS = Math.floor(Date.now() / 1_000);
    return { iat: nowS - 60, exp: nowS - 3 };
  };

  it("of topologies ends with its token, over both listeners", async () => {
    const authorization = `Bearer ${mint(one, whole, dying())}`;
    client = new Client(node.addresses.grpcEndpoint, credentials.createInsecure());
    const metadata = new Metadata();
    metadata.set("authorization", authorization);
    const path = "/quorumguard.v1.ClusterService/WatchTopology";
    const stream = client.makeServerStreamRequest(path, asIs, asIs, Buffer.alloc(0), metadata);
    const ended = new Promise<Told>((resolve) => {
      stream.on("data", () => {}).on("error", (error: ServiceError) => resolve(toldBy(error)));
    });
    const transport = createConnectTransport({ httpVersion: "1.1", baseUrl: node.addresses.httpUrl });
    const watching = async () => {
      let seen = 0;
      const watch = createClient(ClusterService, transport).watchTopology({}, { headers: { authorization } });
      try {
        for await (const _topology of watch) seen++;
        return null;
      } catch (error) {
        expect(seen).toBe(1);
        return ConnectError.from(error).code;
      }
    };
    expect(await watching()).toBe(Code.Unauthenticated);
    expect(await ended).toMatchObject({ status: 16, reason: "TOKEN_EXPIRED" });
  });

  it("ends when its token does, with the reason to fetch a new one", async () => {
    const over = dying();
    const { hello, first, ended } = open(node, mint(one, whole, over));
    hello();
    expect(await first).toBe("welcome");
    expect(await ended).toMatchObject({ status: 16, reason: "TOKEN_EXPIRED" });
  });
});

describe("keys that change", () => {
  const file = () => join(folder, "keys.json");
  const write = async (...keys: TestKey[]) => {
    await writeFile(`${file()}.new`, JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }));
    await rename(`${file()}.new`, file());
  };
  const call = { check: { key: "a", rule: { limit: 1_000, windowUs: 60_000_000n } } };

  it("let the tokens of the new one in, and end the streams of the one that went", async () => {
    await write(one);
    const inForce: string[] = [];
    let told = () => {};
    const node = await start({
      tokenKeys: file(),
      log: (_level, event, fields) => {
        if (event !== "token-keys") return;
        inForce.push(String(fields.ids));
        told();
      },
    });
    const now = (ids: string) =>
      new Promise<void>((resolve) => {
        told = () => {
          if (inForce.at(-1) === ids) resolve();
        };
        told();
      });
    const [old, next] = [`Bearer ${mint(one, whole)}`, `Bearer ${mint(two, whole)}`];
    const http = httpClient(node);
    const ask = async (token: string) => (await http.call(GuardService.method.allow, call, [token])).reason;
    expect([await ask(old), await ask(next)]).toEqual(["ok", "TOKEN_UNKNOWN_KEY"]);
    const { hello, first, ended } = open(node, mint(one, whole));
    hello();
    expect(await first).toBe("welcome");
    await write(one, two);
    await now("one,two");
    expect([await ask(old), await ask(next)]).toEqual(["ok", "ok"]);
    await write(two);
    await now("two");
    expect([await ask(old), await ask(next)]).toEqual(["TOKEN_UNKNOWN_KEY", "ok"]);
    expect(await ended).toMatchObject({ status: 16, reason: "TOKEN_UNKNOWN_KEY" });
  });

  it("are needed from the beginning: a node does not start without them", async () => {
    await expect(start({ tokenKeys: file() })).rejects.toThrow(`tokenKeys is ${JSON.stringify(file())}: ENOENT`);
  });
});

describe("beside certificates of callers", () => {
  const authority = new TestAuthority("callers");
  const stranger = new TestAuthority("somebody else");
  const call = { check: { key: "a", rule: { limit: 1_000, windowUs: 60_000_000n } } };
  const { allow } = GuardService.method;

  it("either opens the gate, a bad token closes it again, and a stranger's certificate counts as none", async () => {
    const tls = { ...authority.issue("node 1"), clientCa: authority.ca };
    const node = await start({ tls, tokenKeys: { keys: [one.jwk] } });
    const as = async (channel: ReturnType<typeof credentials.createSsl>, ...authorization: string[]) => {
      const caller = grpcClient(node, channel);
      const { reason } = await caller.call(allow, call, authorization);
      caller.close();
      return reason;
    };
    const shows = (by: TestAuthority) => {
      const { key, cert } = by.issue("service a");
      return credentials.createSsl(authority.ca, key, cert);
    };
    const bare = credentials.createSsl(authority.ca);
    const token = `Bearer ${mint(one, whole)}`;
    expect(await as(shows(authority))).toBe("ok");
    expect(await as(bare, token)).toBe("ok");
    expect(await as(shows(stranger), token)).toBe("ok");
    expect(await as(bare)).toBe("TOKEN_MISSING");
    expect(await as(shows(stranger))).toBe("TOKEN_MISSING");
    expect(await as(shows(authority), "Bearer garbage")).toBe("TOKEN_MALFORMED");
    const overHttp = async (options: object, authorization?: string) => {
      const headers = {
        "Content-Type": "application/json",
        ...(authorization === undefined ? {} : { Authorization: authorization }),
      };
      const url = `${node.addresses.httpUrl}/quorumguard.v1.GuardService/GetTerms`;
      const asked = request(url, { method: "POST", agent: false, ca: authority.ca, headers, ...options });
      asked.end('{"names":["button"]}');
      const [response] = (await once(asked, "response")) as [IncomingMessage];
      response.resume();
      return response.statusCode;
    };
    expect(await overHttp(authority.issue("service a"))).toBe(200);
    expect(await overHttp({}, token)).toBe(200);
    expect(await overHttp(stranger.issue("service b"), token)).toBe(200);
    expect(await overHttp({})).toBe(401);
    expect(await overHttp(stranger.issue("service b"))).toBe(401);
    expect(await overHttp(authority.issue("service a"), "Bearer garbage")).toBe(401);
  });
});

describe("a frame", () => {
  const session = { index: 7n, position: 0, nonce: new Uint8Array(16) };
  const key = checkTokenKeys({ keys: [one.jwk] }).get("one")!;
  const numbers = { limit: 5, windowUs: 1_000_000, algorithm: 0, burst: 0, policy: "" };
  const name = { limit: 0, windowUs: 0, algorithm: 0, burst: 0, policy: "button" };

  function frame(grant: TokenGrant, rule: object, verbs: Uint8Array | null) {
    const node = createScriptedNode();
    node.knownSessions.add(7);
    const errors: string[] = [];
    const nobodys = { identity: "", account: "", onlyRequestId: null };
    const token = { grant, ...nobodys, key, expiresAtMs: Number.POSITIVE_INFINITY };
    const send = (bytes: Uint8Array) => {
      const said = decodeSessionResponse(bytes);
      if (said.kind !== "message" || said.message.message.case !== "error") return;
      const { firstNumber, calls, detail } = said.message.message.value;
      errors.push(`${firstNumber}+${calls} ${detail === undefined ? "" : reasonOf(detail)}`);
    };
    const refusals: unknown[] = [];
    const options = { token, refused: (error: unknown) => void refusals.push(error) };
    const handler = createSessionHandler(node, { send, end: () => {} }, options);
    handler.onMessage(encodeSessionRequest({ case: "hello", value: { clusterId: "", namespace: "", client: "t" } }));
    handler.onMessage(encodeSessionRequest({ case: "resume", value: { session } }));
    handler.onMessage(
      encodeFrame({
        ...{ firstNumber: 1, ackedThrough: 0, firstAttempt: true, deadlineMs: 800, rules: [rule as typeof numbers] },
        ...{ keys: ["a", "b"], ruleIndexes: null, costs: null, sizes: null, verbs, ttlsMs: null, handles: null },
      }),
    );
    return { submitted: node.submissions.length, errors, refusals: refusals.length };
  }

  it.each<[string, TokenGrant, object, Uint8Array | null, string]>([
    ["numbers", { ops: ["check"] }, numbers, null, "INLINE_LIMIT_FORBIDDEN"],
    ["a policy with numbers", { ops: ["check"] }, { ...numbers, policy: "button" }, null, "INLINE_LIMIT_FORBIDDEN"],
    ["takes", { ops: ["reset"] }, name, null, "OPERATION_FORBIDDEN"],
    ["a reset among takes", { ops: ["check"] }, name, Uint8Array.of(0, 1), "OPERATION_FORBIDDEN"],
    ["a reservation", { ops: ["check"] }, name, Uint8Array.of(2, 0), "OPERATION_FORBIDDEN"],
    ["a lease", { ops: ["check", "reserve"] }, name, Uint8Array.of(5, 5), "OPERATION_FORBIDDEN"],
  ])("with %s is refused whole to a token that is not for it", (_name, grant, rule, verbs, reason) => {
    expect(frame(grant, rule, verbs)).toEqual({ submitted: 0, errors: [`1+2 ${reason}`], refusals: 1 });
  });

  it("that the token is for goes through", () => {
    expect(frame({ ops: ["check"] }, name, null)).toEqual({ submitted: 1, errors: [], refusals: 0 });
    expect(frame(whole, numbers, Uint8Array.of(0, 5))).toEqual({ submitted: 1, errors: [], refusals: 0 });
  });
});
