import { ErrorReason } from "@quorumguard/proto";
import { describe, expect, test } from "vitest";
import { createGuardCore } from "../create-guard-core.ts";
import type { Guard, OnUnavailable } from "../surface/guard.ts";
import { GuardedCluster } from "../testing/guarded-cluster.ts";
import { VirtualRuntime } from "../testing/virtual-runtime.ts";

interface Scene {
  readonly guard: Guard;
  readonly nodes: GuardedCluster;
  readonly runtime: VirtualRuntime;
}

function scene(onUnavailable: OnUnavailable = "throw"): Scene {
  const runtime = new VirtualRuntime();
  const nodes = new GuardedCluster(runtime);
  const guard = createGuardCore({ endpoints: "n1:7400", onUnavailable, token: nodes.token }, nodes, runtime, {
    defaultEndpoints: "n1:7400",
    client: "test",
    endpointOf: (member) => member.grpcEndpoint,
  });
  return { guard, nodes, runtime };
}

/** What it comes to, at once or within a second. */
async function ended({ runtime }: Scene, promise: Promise<unknown>): Promise<unknown> {
  const end = promise.catch((error: unknown) => error);
  await runtime.pass(1_000);
  return end;
}

const allowed = { allowed: true, source: "quorum" };

describe("a stream that outlives its token", () => {
  test("is followed by one with the next token, and no call is sent twice", async () => {
    const at = scene();
    at.nodes.lifeMs = 2_000;
    for (let call = 0; call < 20; call++) {
      const decision = at.guard.allow(`k${call}`, 5, "1m");
      await at.runtime.pass(505);
      expect(await decision).toMatchObject(allowed);
    }
    const keys = at.nodes.cluster.frames.flatMap((frame) => frame.keys);
    expect(keys).toEqual(Array.from({ length: 20 }, (_, call) => `k${call}`));
    expect(new Set(at.nodes.streamTokens).size).toBe(at.nodes.streamTokens.length);
    expect(at.nodes.streamTokens.length).toBeGreaterThan(4);
  });

  test("takes no call with it: what was on its way goes again under its number", async () => {
    const at = scene();
    const [node] = at.nodes.cluster.nodes;
    await ended(at, at.guard.ready());
    await at.runtime.pass(98_800);
    const { answers } = node!;
    node!.answers = () => {};
    const call = at.guard.allow("k", 5, "1m");
    await at.runtime.pass(100);
    node!.answers = answers;
    await at.runtime.pass(300);
    expect(await call).toMatchObject(allowed);
    const sent = at.nodes.cluster.frames.filter((frame) => frame.keys.includes("k"));
    expect(sent.map(({ frame }) => frame.firstNumber)).toEqual([1, 1]);
  });

  test("of a guard at rest is followed without a call, and a call waits for no token", async () => {
    const at = scene();
    await ended(at, at.guard.ready());
    at.nodes.makesInMs = 5_000;
    await at.runtime.pass(350_000);
    const decision = at.guard.allow("k", 5, "1m");
    await at.runtime.settle();
    expect(await decision).toMatchObject(allowed);
  });
});

describe("a stream that is refused", () => {
  test("since its token is over is opened again with a new one, before anybody notices", async () => {
    const at = scene();
    await ended(at, at.guard.ready());
    at.nodes.aheadMs += 200_000;
    for (const stream of [...at.nodes.cluster.nodes[0]!.streams]) stream.close();
    expect(await ended(at, at.guard.allow("k", 5, "1m"))).toMatchObject(allowed);
    expect(at.nodes.asked).toHaveLength(2);
    expect(at.nodes.streamTokens).toHaveLength(3);
  });

  test.each([
    [ErrorReason.TOKEN_BAD_SIGNATURE, { code: "unauthenticated", details: { reason: "token_bad_signature" } }],
    [ErrorReason.TOKEN_EXPIRED, { code: "unauthenticated", details: { reason: "token_expired" } }],
    [ErrorReason.KEY_FORBIDDEN, { code: "permission_denied", details: { reason: "key_forbidden" } }],
  ])("for good (%i) fails ready and every call, whatever onUnavailable says", async (refuses, error) => {
    const at = scene("allow");
    at.nodes.refuses = refuses;
    expect(await ended(at, at.guard.ready())).toMatchObject(error);
    expect(await ended(at, at.guard.allow("k", 5, "1m"))).toMatchObject(error);
    await at.runtime.pass(60_000);
    expect(at.nodes.asked.length).toBeLessThan(80);
    at.nodes.refuses = null;
    await at.runtime.pass(2_000);
    expect(await ended(at, at.guard.allow("k", 5, "1m"))).toMatchObject(allowed);
  });

  test("a function that fails is an outage, and is over with it", async () => {
    const at = scene();
    at.nodes.failure = new Error("503");
    expect(await ended(at, at.guard.allow("k", 5, "1m"))).toMatchObject({
      code: "unavailable",
      applied: "no",
      message: expect.stringContaining("503"),
    });
    at.nodes.failure = null;
    await at.runtime.pass(6_000);
    expect(await ended(at, at.guard.allow("k", 5, "1m"))).toMatchObject(allowed);
  });
});
