import { ErrorReason } from "@quorumguard/proto";
import { describe, expect, test } from "vitest";
import { createRequestGuard } from "../create-guard-core.ts";
import type { Guard, OnUnavailable } from "../surface/guard.ts";
import { GuardError } from "../surface/guard-error.ts";
import type { TokenSource } from "../surface/guard-options.ts";
import { GuardedCluster, refusalFor } from "../testing/guarded-cluster.ts";
import { VirtualRuntime } from "../testing/virtual-runtime.ts";

interface Scene {
  readonly guard: Guard;
  readonly nodes: GuardedCluster;
  readonly runtime: VirtualRuntime;
  /** Makes one call and says what it came to; less than a second passes. */
  readonly call: () => Promise<unknown>;
}

function scene(onUnavailable: OnUnavailable = "throw", token?: TokenSource, maxCallsPerRequest = 1): Scene {
  const runtime = new VirtualRuntime();
  const nodes = new GuardedCluster(runtime);
  const guard = createRequestGuard(
    { endpoints: "n1:7400", onUnavailable, token: token ?? nodes.token, timeoutMs: 900 },
    { unary: (call, sent) => nodes.unary(call, sent), close: () => nodes.close() },
    runtime,
    { defaultEndpoints: "n1:7400", client: "test", endpointOf: (member) => member.httpUrl, maxCallsPerRequest },
  );
  const call = async () => {
    let end: unknown = null;
    guard.allow("k", 5, "1m").then(
      (decision) => {
        end = decision;
      },
      (error: unknown) => {
        end = error;
      },
    );
    await runtime.settle();
    for (let step = 0; step < 90 && end === null; step++) await runtime.pass(10);
    return end;
  };
  return { guard, nodes, runtime, call };
}

const allowed = { allowed: true, source: "quorum" };

describe("a token is kept", () => {
  test("calls share it until four fifths of its life are over", async () => {
    const { call, nodes, runtime } = scene();
    for (let at = 0; at < 8; at++) {
      expect(await call()).toMatchObject(allowed);
      await runtime.pass(9_900);
    }
    expect(nodes.asked).toHaveLength(1);
    expect(new Set(nodes.requestTokens).size).toBe(1);
  });

  test("the next one is fetched while calls go on with the last one", async () => {
    const { call, nodes, runtime } = scene("throw", undefined, 1_024);
    nodes.makesInMs = 5_000;
    await runtime.pass(0);
    const first = call();
    await runtime.pass(5_000);
    await first;
    nodes.requestTokens.length = 0;
    await runtime.pass(76_000);
    expect(nodes.asked).toHaveLength(2);
    const beforeMs = runtime.nowMs;
    expect(await call()).toMatchObject(allowed);
    expect(runtime.nowMs).toBe(beforeMs);
    await runtime.pass(5_000);
    expect(await call()).toMatchObject(allowed);
    expect(new Set(nodes.requestTokens).size).toBe(2);
    expect(nodes.asked).toHaveLength(2);
  });

  test("who does not call asks for no more than one in reserve", async () => {
    const { call, nodes, runtime } = scene();
    await call();
    await runtime.pass(3_600_000);
    expect(nodes.asked).toHaveLength(2);
    expect(await call()).toMatchObject(allowed);
    expect(nodes.asked).toHaveLength(3);
  });

  test("calls of one moment ask once", async () => {
    const { guard, nodes, runtime } = scene();
    const calls = Promise.all(["a", "b", "c"].map((key) => guard.allow(key, 5, "1m")));
    await runtime.settle();
    expect(await calls).toMatchObject([allowed, allowed, allowed]);
    expect(nodes.asked).toHaveLength(1);
  });

  test("one that its maker hands out until it is over is asked about once a second at most", async () => {
    const made = new GuardedCluster(new VirtualRuntime()).mint();
    let asks = 0;
    const at = scene("throw", () => {
      asks += 1;
      return made;
    });
    for (let second = 0; second < 99; second++) {
      expect(await at.call()).toMatchObject(allowed);
      await at.runtime.pass(1_000);
    }
    expect(asks).toBeGreaterThan(1);
    expect(asks).toBeLessThan(25);
  });
});

describe("what is not kept is asked for before each request", () => {
  test.each([
    ["a token of another kind", () => "secret", {}],
    ["a token for one call", null, { qg: { once: true } }],
  ] as const)("%s", async (_, source, claims) => {
    let asks = 0;
    const nodes = { current: null as GuardedCluster | null };
    const at = scene("throw", () => {
      asks += 1;
      return source?.() ?? nodes.current!.token();
    });
    nodes.current = at.nodes;
    at.nodes.claims = claims;
    const both = Promise.all([at.guard.allow("a", 5, "1m"), at.guard.allow("b", 5, "1m")]);
    await at.runtime.settle();
    expect(await both).toMatchObject([allowed, allowed]);
    await at.call();
    expect(asks).toBe(3);
  });
});

describe("the function fails", () => {
  test("calls notice once the last token is over, and not before", async () => {
    const { call, nodes, runtime } = scene();
    await call();
    nodes.failure = new Error("503");
    for (let at = 0; at < 9; at++) {
      await runtime.pass(10_000);
      expect(await call()).toMatchObject(allowed);
    }
    await runtime.pass(11_000);
    const error = await call();
    expect(error).toMatchObject({ code: "unavailable", applied: "no", message: expect.stringContaining("503") });
    nodes.failure = null;
    await runtime.pass(5_000);
    expect(await call()).toMatchObject(allowed);
  });

  test("it is asked ever less often", async () => {
    const { call, nodes, runtime } = scene();
    await call();
    nodes.failure = new Error("503");
    await runtime.pass(99_000);
    expect(nodes.asked.length).toBeGreaterThan(5);
    expect(nodes.asked.length).toBeLessThan(25);
  });

  test.each([
    ["in a page", 1_024, 1],
    // Nobody knows of a question whether the request that asked it is over: others ask too, ever less often.
    ["at the edge", 1, 4],
  ])("one that never answers is given up, and asked again, %s", async (_, maxCallsPerRequest, asksOfTwo) => {
    let asks = 0;
    const never = () => {
      asks += 1;
      return new Promise<string>(() => {});
    };
    const { call, runtime } = scene("throw", never, maxCallsPerRequest);
    expect(await call()).toMatchObject({
      code: "unavailable",
      applied: "no",
      message: expect.stringContaining("token: the function has not answered"),
    });
    await call();
    expect(asks).toBe(asksOfTwo);
    await runtime.pass(10_000);
    expect(asks).toBe(asksOfTwo);
    await call();
    expect(asks).toBe(asksOfTwo + 1);
  });

  test.each([
    ["no text", ""],
    ["a page, as a server does whose session is over", "<!DOCTYPE html>\n<p>session=private</p>\n"],
    ["a sentence", "private and not signed in"],
    ["what no header may hold", "privat\u00e9"],
    ["more than any header holds", "private".repeat(3_000)],
  ])("one that returns %s is a mistake, whatever onUnavailable says", async (_, returned) => {
    let asks = 0;
    const { call, nodes } = scene("allow", () => {
      asks += 1;
      return returned;
    });
    const error = await call();
    expect(error).toMatchObject({ code: "unauthenticated", applied: "no" });
    expect((error as GuardError).message).toContain(`token: the function returned ${returned.length} characters`);
    expect((error as GuardError).message).not.toContain("privat");
    expect(asks).toBe(1);
    expect(nodes.requestTokens).toEqual([]);
  });

  test("a line break after the token is not sent", async () => {
    const { call, nodes } = scene("throw", () => "secret\n");
    expect(await call()).toMatchObject(allowed);
    expect(nodes.requestTokens).toEqual(["secret"]);
  });
});

test("a device that has its network back asks for a token at once, however often that failed without it", async () => {
  const runtime = new VirtualRuntime();
  const nodes = new GuardedCluster(runtime);
  nodes.failure = new Error("offline");
  let back = () => {};
  const onReturn = (listener: () => void) => {
    back = listener;
    return () => {};
  };
  const device = { isOffline: () => false, isCutOff: () => false, onReturn };
  const guard = createRequestGuard(
    { endpoints: "n1:7400", onUnavailable: "throw", token: nodes.token, timeoutMs: 10_000 },
    { unary: (call, sent) => nodes.unary(call, sent), close: () => nodes.close() },
    runtime,
    { defaultEndpoints: "n1:7400", client: "test", endpointOf: (member) => member.httpUrl, device },
  );
  const allow = (timeoutMs: number) => guard.allow("k", 5, "1m", { timeoutMs }).catch((error: unknown) => error);
  for (let at = 0; at < 3; at++) {
    const call = allow(10_000);
    await runtime.pass(10_000);
    expect(await call).toBeInstanceOf(GuardError);
  }
  nodes.failure = null;
  const inPause = allow(100);
  await runtime.pass(100);
  expect(await inPause).toBeInstanceOf(GuardError);
  back();
  const call = allow(100);
  await runtime.pass(0);
  expect(await Promise.race([call, "waits"])).toMatchObject(allowed);
});

describe("a request that is over took its question along", () => {
  /** The next question for a token, and whatever else its request waits for, never ends. */
  const leave = async ({ guard, nodes, runtime }: Scene) => {
    nodes.makesInMs = 1;
    void guard.allow("k", 5, "1m");
    await runtime.settle();
    runtime.endRequest();
    nodes.makesInMs = 0;
  };

  test("the next call asks soon, and is decided in its time", async () => {
    const at = scene();
    await leave(at);
    const beforeMs = at.runtime.nowMs;
    expect(await at.call()).toMatchObject(allowed);
    expect(at.runtime.nowMs - beforeMs).toBeLessThan(300);
    expect(await at.call()).toMatchObject(allowed);
    expect(at.nodes.asked).toHaveLength(2);
  });

  test("the next token is asked for again, while the last one is good and when it is over", async () => {
    const at = scene();
    await at.call();
    await at.runtime.pass(79_990);
    at.runtime.endRequest();
    at.runtime.nowMs += 10;
    await leave(at);
    expect(at.nodes.asked).toHaveLength(2);
    await at.runtime.pass(9_000);
    expect(await at.call()).toMatchObject(allowed);
    expect(at.nodes.asked).toHaveLength(2);
    await at.runtime.pass(1_000);
    await leave(at);
    expect(at.nodes.asked).toHaveLength(3);
    await at.runtime.pass(10_500);
    expect(await at.call()).toMatchObject(allowed);
    expect(at.nodes.asked).toHaveLength(4);
  });

  test("an answer that comes late takes no newer token's place", async () => {
    const answers: ((token: string) => void)[] = [];
    const at = scene("throw", () => new Promise<string>((resolve) => answers.push(resolve)));
    const first = at.guard.allow("a", 5, "1m");
    await at.runtime.pass(200);
    const second = at.guard.allow("b", 5, "1m");
    await at.runtime.settle();
    expect(answers).toHaveLength(2);
    const old = at.nodes.mint();
    at.nodes.claims = { newer: true };
    const newer = at.nodes.mint();
    answers[1]!(newer);
    await at.runtime.settle();
    answers[0]!(old);
    await at.runtime.settle();
    expect([await first, await second]).toMatchObject([allowed, allowed]);
    at.nodes.requestTokens.length = 0;
    await at.call();
    expect(at.nodes.requestTokens).toEqual([newer]);
  });
});

describe("clocks", () => {
  test.each([-3, 3])("a device whose clock is %i hours off keeps its token as long as any", async (hours) => {
    const { call, nodes, runtime } = scene();
    runtime.wallStepMs = hours * 3_600_000;
    for (let at = 0; at < 7; at++) {
      expect(await call()).toMatchObject(allowed);
      await runtime.pass(9_900);
    }
    expect(nodes.asked).toHaveLength(1);
  });

  test("after sleep, in which monotonic time stood still, no token that is over is sent", async () => {
    const { call, nodes, runtime } = scene();
    await call();
    runtime.wallStepMs += 200_000;
    nodes.aheadMs += 200_000;
    expect(await call()).toMatchObject(allowed);
    expect(nodes.asked).toHaveLength(2);
    expect(nodes.requestTokens).toHaveLength(2);
  });

  test("a clock that is set back makes no token live longer", async () => {
    const { call, nodes, runtime } = scene();
    await call();
    runtime.wallStepMs -= 3_600_000;
    await runtime.pass(101_000);
    expect(await call()).toMatchObject(allowed);
    expect(new Set(nodes.requestTokens).size).toBe(2);
    expect(nodes.requestTokens).toHaveLength(2);
  });

  test("where both stood still, the node's word counts: the same call goes again with a new token", async () => {
    const { call, nodes } = scene();
    await call();
    nodes.aheadMs += 200_000;
    expect(await call()).toMatchObject(allowed);
    expect(nodes.asked).toHaveLength(2);
    expect(nodes.requestTokens).toHaveLength(3);
    expect(nodes.cluster.batches).toHaveLength(2);
  });
});

describe("a refusal", () => {
  const refusals = [
    [ErrorReason.TOKEN_MISSING, "token_missing"],
    [ErrorReason.TOKEN_MALFORMED, "token_malformed"],
    [ErrorReason.TOKEN_UNKNOWN_KEY, "token_unknown_key"],
    [ErrorReason.TOKEN_WRONG_ALGORITHM, "token_wrong_algorithm"],
    [ErrorReason.TOKEN_BAD_SIGNATURE, "token_bad_signature"],
    [ErrorReason.TOKEN_EXPIRED, "token_expired"],
    [ErrorReason.TOKEN_NOT_YET_VALID, "token_not_yet_valid"],
    [ErrorReason.TOKEN_WRONG_AUDIENCE, "token_wrong_audience"],
    [ErrorReason.TOKEN_REPLAYED, "token_replayed"],
  ] as const;
  test.each(refusals)("of the token (%i) always throws: %s", async (refuses, reason) => {
    const { call, nodes } = scene("allow");
    nodes.refuses = refuses;
    const error = await call();
    expect(error).toBeInstanceOf(GuardError);
    expect(error).toMatchObject({ code: "unauthenticated", applied: "no", retry: "no", details: { reason } });
    // Another token may be good where this one is over; no other is where it is wrong.
    expect(nodes.requestTokens).toHaveLength(refuses === ErrorReason.TOKEN_EXPIRED ? 2 : 1);
  });

  test.each([
    [ErrorReason.OPERATION_FORBIDDEN, "operation_forbidden"],
    [ErrorReason.KEY_FORBIDDEN, "key_forbidden"],
    [ErrorReason.POLICY_FORBIDDEN, "policy_forbidden"],
    [ErrorReason.INLINE_LIMIT_FORBIDDEN, "inline_limit_forbidden"],
    [ErrorReason.NAMESPACE_FORBIDDEN, "namespace_forbidden"],
  ] as const)("of what a sound token is not for (%i) always throws: %s", async (refuses, reason) => {
    const { call, nodes } = scene("allow");
    nodes.cluster.onUnary = () => Promise.reject(refusalFor(refuses));
    expect(await call()).toMatchObject({ code: "permission_denied", retry: "no", details: { reason } });
    expect(nodes.asked).toHaveLength(1);
    for (let at = 0; at < 9; at++) expect(await call()).toMatchObject({ code: "permission_denied" });
    expect(nodes.asked).toHaveLength(refuses === ErrorReason.INLINE_LIMIT_FORBIDDEN ? 1 : 2);
  });

  test.each([
    [ErrorReason.KEY_FORBIDDEN],
    [ErrorReason.POLICY_FORBIDDEN],
    [ErrorReason.NAMESPACE_FORBIDDEN],
    [ErrorReason.OPERATION_FORBIDDEN],
    [ErrorReason.TOKEN_UNKNOWN_KEY],
    [ErrorReason.TOKEN_BAD_SIGNATURE],
  ])("of a token from before (%i), of another visitor or key, costs no call", async (refuses) => {
    const { call, guard, nodes, runtime } = scene();
    await call();
    const [old] = nodes.requestTokens;
    const asOfNow = nodes.unary.bind(nodes);
    nodes.unary = (request, token) => (token === old ? Promise.reject(refusalFor(refuses)) : asOfNow(request, token));
    const both = Promise.all([guard.allow("a", 5, "1m"), guard.allow("b", 5, "1m")]);
    await runtime.settle();
    expect(await both).toMatchObject([allowed, allowed]);
    expect(await call()).toMatchObject(allowed);
    expect(nodes.asked).toHaveLength(2);
  });

  test("of a token from before stands where no other can be had", async () => {
    const { call, nodes } = scene("allow");
    await call();
    nodes.cluster.onUnary = () => Promise.reject(refusalFor(ErrorReason.KEY_FORBIDDEN));
    nodes.failure = new Error("401");
    expect(await call()).toMatchObject({ code: "permission_denied", details: { reason: "key_forbidden" } });
  });

  test("of a new token as well is believed", async () => {
    const { call, nodes } = scene("allow");
    await call();
    nodes.aheadMs = 200_000;
    nodes.lifeMs = -1;
    expect(await call()).toMatchObject({ code: "unauthenticated", details: { reason: "token_expired" } });
    expect(nodes.requestTokens).toHaveLength(3);
  });

  test("of a token that is a plain text is not answered with the same text", async () => {
    const { call, nodes } = scene("allow", "secret");
    nodes.refuses = ErrorReason.TOKEN_EXPIRED;
    expect(await call()).toMatchObject({ code: "unauthenticated" });
    expect(nodes.requestTokens).toEqual(["secret"]);
  });

  test("of a holder who asks too much throws at once what it is, if the node asks for longer than the call has", async () => {
    const { call, nodes, runtime } = scene();
    nodes.cluster.onUnary = () => Promise.reject(refusalFor(ErrorReason.TOKEN_OVERUSED, 900));
    const beforeMs = runtime.nowMs;
    expect(await call()).toMatchObject({
      ...{ code: "overloaded", applied: "no", retry: "safe" },
      details: { reason: "token_overused" },
    });
    expect(runtime.nowMs - beforeMs).toBeLessThan(50);
    expect(nodes.requestTokens).toHaveLength(1);
    expect(nodes.asked).toHaveLength(1);
  });

  test("of a holder who asks too much is waited for, as long as the node says, and the token is kept", async () => {
    const { call, nodes, runtime } = scene();
    const attemptsMs: number[] = [];
    nodes.cluster.onUnary = (request) => {
      attemptsMs.push(runtime.nowMs);
      if (attemptsMs.length > 2) return Promise.resolve(nodes.cluster.defaultUnary(request));
      return Promise.reject(refusalFor(ErrorReason.TOKEN_OVERUSED, 300));
    };
    expect(await call()).toMatchObject(allowed);
    expect(attemptsMs).toHaveLength(3);
    for (const at of [1, 2]) expect(attemptsMs[at]! - attemptsMs[at - 1]!).toBeGreaterThanOrEqual(300);
    expect(nodes.asked).toHaveLength(1);
  });

  test("makes the function be asked again, but not at the rate of calls", async () => {
    const { call, nodes, runtime } = scene();
    await call();
    await runtime.pass(2_000);
    nodes.refuses = ErrorReason.TOKEN_UNKNOWN_KEY;
    for (let at = 0; at < 10; at++) await call();
    expect(nodes.asked).toHaveLength(2);
    nodes.refuses = null;
    expect(await call()).toMatchObject(allowed);
  });
});
