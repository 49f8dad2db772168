import { Buffer } from "node:buffer";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { create, toBinary } from "@bufbuild/protobuf";
import { Metadata, status } from "@grpc/grpc-js";
import { Applied, ErrorDetailSchema, ErrorReason } from "@quorumguard/proto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { announceDevCluster, devFolder } from "./dev-clusters.ts";
import { type GrpcFixture, startGrpcFixture } from "./grpc-server.fixture.ts";
import { createGrpcTransport } from "./grpc-transport.ts";
import { createGuard, GuardError } from "./index.ts";

let server: GrpcFixture;
beforeEach(async () => {
  server = await startGrpcFixture();
});
afterEach(() => server.stop());

const exact = { onUnavailable: "throw", timeoutMs: 60_000 } as const;

test("a call reaches a grpc-js server and its answer comes back", async () => {
  await using guard = createGuard({ ...exact, endpoints: server.endpoint, token: async () => "secret" });
  await guard.ready();
  expect(await guard.allow("user:1", 5, "10s")).toMatchObject({ allowed: true, remaining: 4, source: "quorum" });
  expect(server.metadata[0]!.get("authorization")).toEqual(["Bearer secret"]);
});

test("a frame and a reply larger than HTTP/2's window and frame sizes pass whole", async () => {
  await using guard = createGuard({ ...exact, endpoints: server.endpoint });
  const calls = Array.from({ length: 1_000 }, (_, i) => guard.allow(`${i}`.padEnd(500, "k"), 5, "10s"));
  const decisions = await Promise.all(calls);
  expect(decisions.every(({ allowed }) => allowed)).toBe(true);
  expect(server.frames.reduce((items, frame) => items + frame.items, 0)).toBe(1_000);
});

/** A process takes long to start on a machine that has much else to do. */
const ofProcesses = { timeout: 120_000 } as const;

/** Runs a module in a process of its own to its end. */
async function runScript(
  script: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; output: string; errors: string }> {
  const source = `import { createGuard } from ${JSON.stringify(new URL("./index.ts", import.meta.url).href)};\n${script}`;
  const child = spawn(process.execPath, ["--conditions=quorumguard-source", "--input-type=module", "-e", source], {
    cwd: fileURLToPath(new URL(".", import.meta.url)),
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...environment },
  });
  let output = "";
  let errors = "";
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  const [code] = await once(child, "close");
  return { code, output, errors };
}

test("a script ends by itself after its last call, without close", ofProcesses, async () => {
  const script = `
    const guard = createGuard({ endpoints: ${JSON.stringify(server.endpoint)}, onUnavailable: "throw", timeoutMs: 20000 });
    console.log((await guard.allow("user:1", 5, "10s")).allowed);`;
  expect(await runScript(script)).toEqual({ code: 0, output: "true\n", errors: "" });
});

test("a script that waits for peek does not end before the answer, even if nobody is there", ofProcesses, async () => {
  const script = `
    const guard = createGuard({ endpoints: "127.0.0.1:1", timeoutMs: 300 });
    console.log(await guard.peek({ key: "user:1", limit: 5, window: "10s" }).catch((error) => error.code));`;
  expect(await runScript(script)).toEqual({ code: 0, output: "unavailable\n", errors: "" });
});

describe("a guard that was told no endpoint", ofProcesses, () => {
  let temporary: string;
  beforeEach(async () => {
    temporary = await mkdtemp(path.join(tmpdir(), "no-endpoint-"));
  });
  afterEach(() => rm(temporary, { recursive: true, force: true }));
  const script = (timeoutMs: number) => `
    const guard = createGuard({ timeoutMs: ${timeoutMs} });
    guard.on("degraded", () => {});
    console.log((await guard.allow("user:1", 5, "10s")).source);`;
  const environment = (more: Readonly<Record<string, string>>) => ({
    ...{ TMPDIR: temporary, TEMP: temporary, TMP: temporary, QUORUMGUARD_ENDPOINTS: "" },
    ...more,
  });

  test("finds a quorumguard dev of this user at whatever ports it took, but not in production", async () => {
    const end = announceDevCluster([server.endpoint], path.join(temporary, path.basename(devFolder())));
    const found = await runScript(script(20_000), environment({ NODE_ENV: "development" }));
    expect(found).toMatchObject({ output: "quorum\n" });
    const frames = server.frames.length;
    expect(frames).toBe(1);
    await runScript(script(2_000), environment({ NODE_ENV: "production" }));
    await runScript(script(2_000), environment({ QUORUMGUARD_ENDPOINTS: "127.0.0.1:1" }));
    expect(server.frames.length).toBe(frames);
    end!();
  });

  test("says what to do where nobody is", async () => {
    const transport = createGrpcTransport({ remedy: "run this" });
    const peek = { method: "GuardService/Peek", request: new Uint8Array(), timeoutMs: 2_000 } as const;
    const answer = (endpoint: string) => transport.unary({ ...peek, endpoint });
    await expect(answer("127.0.0.1:1")).rejects.toThrow("127.0.0.1:1: connect ECONNREFUSED; run this");
    // Not where somebody was: that is an outage.
    await answer(server.endpoint);
    server.stop();
    await expect
      .poll(() => answer(server.endpoint).catch(({ message }) => message), { timeout: 120_000 })
      .toMatch(/ECONNREFUSED$/);
    await transport.close();
  });
});

describe("a decision without the cluster, in a program that listens for nothing", ofProcesses, () => {
  const script = (body: string) => `
    const guard = createGuard({ endpoints: "127.0.0.1:1", timeoutMs: 100 });
    ${body}
    for (let i = 0; i < 3; i++) console.log((await guard.allow("user:1", 5, "10s")).source);`;

  test("is warned of once: where, why and what decides now", async () => {
    const { output, errors } = await runScript(script(""));
    expect(output).toBe("local\nlocal\nlocal\n");
    expect(errors.match(/QuorumGuardWarning/g)).toHaveLength(1);
    expect(errors).toContain("[QUORUMGUARD_DEGRADED] QuorumGuardWarning: the cluster at 127.0.0.1:1 does not decide");
    expect(errors).toContain(
      "(127.0.0.1:1: connect ECONNREFUSED; is a cluster running there? `npx quorumguard dev` starts one;",
    );
    expect(errors).toContain(`this process's own count decides (onUnavailable: "local")`);
  });

  test("is not warned of when somebody listens", async () => {
    const listening = script('guard.on("degraded", () => console.log("told"));');
    expect(await runScript(listening)).toEqual({ code: 0, output: "local\ntold\nlocal\nlocal\n", errors: "" });
  });
});

describe("what is wrong with an endpoint is said", () => {
  async function failure(endpoint: string, options: object = {}): Promise<GuardError> {
    const guard = createGuard({ endpoints: endpoint, onUnavailable: "allow", timeoutMs: 3_000, ...options });
    try {
      await guard.ready({ timeoutMs: 1_000 });
    } catch (error) {
      if (error instanceof GuardError) return error;
      throw error;
    } finally {
      await guard.close();
    }
    throw new Error("it was ready");
  }

  async function decided(endpoints: string): Promise<unknown> {
    await using guard = createGuard({ endpoints, onUnavailable: "throw", timeoutMs: 200 });
    return await guard.allow("user:1", 5, "10s");
  }

  test("an HTTP port: misconfigured, and the port to use", async () => {
    const web = http.createServer((_, response) => response.end("hello")).listen(0, "127.0.0.1");
    await once(web, "listening");
    const { port } = web.address() as AddressInfo;
    const error = await failure(`127.0.0.1:${port}`);
    web.closeAllConnections();
    web.close();
    expect(error).toMatchObject({ code: "misconfigured", applied: "no" });
    expect(error.message).toContain("7400");
  });

  test("a refused token: unauthenticated", async () => {
    server.refuse = { code: status.UNAUTHENTICATED, details: "the token is not known" };
    const error = await failure(server.endpoint, { token: "wrong" });
    expect(error).toMatchObject({ code: "unauthenticated" });
    expect(error.message).toContain("the token is not known");
  });

  test("nobody there: unavailable, and who was tried", async () => {
    const error = await failure("127.0.0.1:1");
    expect(error).toMatchObject({ code: "unavailable", retry: "safe" });
    const nobody =
      "(127.0.0.1:1: connect ECONNREFUSED; is a cluster running there? `npx quorumguard dev` starts one; else mend endpoints or QUORUMGUARD_ENDPOINTS)";
    expect(error.message).toBe(`no leader within 1000 ms ${nobody}`);
    await expect(decided("127.0.0.1:1")).rejects.toThrow(
      `no leader took the call within 200 ms; nothing was counted ${nobody}`,
    );
  });
});

describe("unary calls", () => {
  const call = { method: "GuardService/Peek", request: new Uint8Array([1, 2, 3]), timeoutMs: 2_000 } as const;

  test("bytes go in and out as they are", async () => {
    const transport = createGrpcTransport();
    expect(await transport.unary({ ...call, endpoint: server.endpoint })).toEqual(Buffer.from([1, 2, 3]));
    await transport.close();
  });

  test("the typed detail of an error arrives", async () => {
    const detail = toBinary(
      ErrorDetailSchema,
      create(ErrorDetailSchema, { reason: ErrorReason.OVERLOADED, applied: Applied.NO, message: "full" }),
    );
    const any = [0x0a, 3, 97, 47, 98, 0x12, detail.length, ...detail];
    const metadata = new Metadata();
    metadata.set("grpc-status-details-bin", Buffer.from([0x08, 8, 0x12, 1, 120, 0x1a, any.length, ...any]));
    server.unary = () => {
      throw { code: status.RESOURCE_EXHAUSTED, details: "full", metadata };
    };
    const transport = createGrpcTransport();
    const promise = transport.unary({ ...call, endpoint: server.endpoint });
    await expect(promise).rejects.toMatchObject({ kind: "rejected", detail: Buffer.from(detail) });
    await transport.close();
  });

  test("an answer that does not come in time is unknown; a connection that is refused was not sent", async () => {
    const transport = createGrpcTransport();
    server.unary = () => {
      throw { code: status.INTERNAL, details: "broke" };
    };
    await expect(transport.unary({ ...call, endpoint: server.endpoint })).rejects.toMatchObject({ kind: "unknown" });
    await expect(transport.unary({ ...call, endpoint: "127.0.0.1:1" })).rejects.toMatchObject({ kind: "not-sent" });
    await transport.close();
  });
});
