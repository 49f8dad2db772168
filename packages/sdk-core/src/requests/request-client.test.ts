import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AllowBatchRequestSchema, GetTopologyResponseSchema, PeekRequestSchema } from "@quorumguard/proto";
import { describe, expect, test } from "vitest";
import { createRequestGuard } from "../create-guard-core.ts";
import type { Guard, GuardEvent } from "../surface/guard.ts";
import { GuardError } from "../surface/guard-error.ts";
import type { GuardOptions } from "../surface/guard-options.ts";
import { ScriptedCluster } from "../testing/scripted-cluster.ts";
import { VirtualRuntime } from "../testing/virtual-runtime.ts";
import { TransportError, type UnaryCall } from "../transport.ts";

interface Scene {
  readonly cluster: ScriptedCluster;
  readonly guard: Guard;
  readonly runtime: VirtualRuntime;
  /** Decisions asked for, by endpoint. */
  readonly asked: string[];
  readonly topologies: string[];
  readonly mistakes: GuardEvent[];
}

/** A guard without streams over three endpoints; `answer` may take over a call, or return null to leave it to the cluster. */
function scene(
  answer: (call: UnaryCall, runtime: VirtualRuntime) => Uint8Array | Promise<Uint8Array> | null = () => null,
  options: Partial<GuardOptions> = {},
): Scene {
  const cluster = new ScriptedCluster();
  const runtime = new VirtualRuntime();
  const asked: string[] = [];
  const topologies: string[] = [];
  cluster.onUnary = async (call) => {
    (call.method === "ClusterService/GetTopology" ? topologies : asked).push(call.endpoint);
    return (await answer(call, runtime)) ?? cluster.defaultUnary(call);
  };
  const transport = { unary: (call: UnaryCall) => cluster.unary(call), close: () => cluster.close() };
  const guard = createRequestGuard(
    { endpoints: ["a:1", "b:1", "c:1"], onUnavailable: "throw", timeoutMs: 1_000, ...options },
    transport,
    runtime,
    { defaultEndpoints: "a:1", client: "test", endpointOf: (member) => member.httpUrl },
  );
  const mistakes: GuardEvent[] = [];
  guard.on("misconfigured", (event) => mistakes.push(event));
  return { cluster, guard, runtime, asked, topologies, mistakes };
}

const mistake = (endpoint: string) => new TransportError("misconfigured", `${endpoint}: a web page`);

async function ended<T>({ runtime }: Scene, promise: Promise<T>, withinMs = 1_500): Promise<T | GuardError> {
  const end = promise.catch((error: unknown) => {
    if (error instanceof GuardError) return error;
    throw error;
  });
  await runtime.pass(withinMs);
  return end;
}

describe("a mistake among the endpoints", () => {
  test("others answer, it is told once, and left alone afterwards", async () => {
    const at = scene((call) => (call.endpoint === "a:1" ? Promise.reject(mistake("a:1")) : null));
    expect(await ended(at, at.guard.allow("k", 5, "1m"))).toMatchObject({ allowed: true });
    expect(await ended(at, at.guard.allow("k", 5, "1m"))).toMatchObject({ allowed: true });
    expect(at.asked).toEqual(["a:1", "b:1", "b:1"]);
    expect(at.mistakes).toEqual([{ type: "misconfigured", endpoint: "a:1", reason: "a:1: a web page" }]);
  });

  test("beside endpoints that are down, the outage stays an outage", async () => {
    const at = scene((call) =>
      Promise.reject(call.endpoint === "a:1" ? mistake("a:1") : new TransportError("not-sent", "refused")),
    );
    expect(await ended(at, at.guard.allow("k", 5, "1m"))).toMatchObject({ code: "unavailable", retry: "safe" });
  });

  test("all of them: misconfigured at once, with what each one is", async () => {
    const at = scene((call) => Promise.reject(mistake(call.endpoint)));
    const startedMs = at.runtime.nowMs;
    let endedMs = 0;
    const call = at.guard.allow("k", 5, "1m").finally(() => {
      endedMs = at.runtime.nowMs;
    });
    expect(await ended(at, call)).toMatchObject({
      code: "misconfigured",
      message: "a:1: a web page; b:1: a web page; c:1: a web page",
    });
    expect(endedMs - startedMs).toBeLessThan(100);
  });

  test("one that was mended long ago is none of them", async () => {
    let bad = "a:1";
    const at = scene((call) => (call.endpoint === bad ? Promise.reject(mistake(bad)) : null), {
      endpoints: ["a:1", "b:1"],
    });
    expect(await ended(at, at.guard.allow("k", 5, "1m"))).toMatchObject({ allowed: true });
    bad = "";
    await at.runtime.pass(11_000);
    bad = "b:1";
    expect(await ended(at, at.guard.allow("k", 5, "1m"))).toMatchObject({ allowed: true });
    expect(at.asked).toEqual(["a:1", "b:1", "b:1", "a:1"]);
  });

  test("a refused token is not tried elsewhere", async () => {
    const at = scene(() => Promise.reject(new TransportError("misconfigured", "unauthenticated: who are you")));
    expect(await ended(at, at.guard.allow("k", 5, "1m"))).toMatchObject({ code: "unauthenticated" });
    expect(at.asked).toEqual(["a:1"]);
  });
});

describe("an attempt that had next to no time", () => {
  /** Fails after 60 ms, and says why; asked for less, it is cut off by a timer that is a little early. */
  const slowly = (at: { runtime?: VirtualRuntime }) => (call: UnaryCall) =>
    new Promise<never>((_, reject) => {
      const isCut = call.timeoutMs < 60;
      const error = new TransportError("unknown", isCut ? `no answer within ${call.timeoutMs} ms` : "Failed to fetch");
      at.runtime!.setTimer(() => reject(error), isCut ? call.timeoutMs - 1 : 60);
    });

  test("does not hide why those before it failed", async () => {
    const late: { runtime?: VirtualRuntime } = {};
    const at = scene(slowly(late));
    late.runtime = at.runtime;
    const error = await ended(at, at.guard.allow("k", 5, "1m"));
    expect(at.asked.length).toBeGreaterThan(2);
    expect(error).toMatchObject({ code: "timed_out", message: expect.stringContaining("Failed to fetch") });
  });
});

/** An answer that is lost on its way. */
const lost = () => Promise.reject(new TransportError("unknown", "Failed to fetch"));

/** No answer comes, as a transport tells it. */
const silence = (call: UnaryCall, runtime: VirtualRuntime) =>
  new Promise<never>((_, reject) => {
    runtime.setTimer(() => reject(new TransportError("unknown", "no answer")), call.timeoutMs);
  });

describe("a call whose request id the cluster may have forgotten", () => {
  test("is not sent again after a sleep that its clock and timers did not see", async () => {
    const at = scene((_, runtime) => {
      runtime.wallStepMs += 70_000;
      return lost();
    });
    expect(await ended(at, at.guard.allow("k", 5, "1m"))).toMatchObject({
      ...{ code: "timed_out", applied: "unknown", retry: "unknown" },
      message: expect.stringContaining("(Failed to fetch)"),
    });
    expect(at.asked).toEqual(["a:1"]);
  });

  test("nor when the device sleeps between two attempts", async () => {
    const at = scene(lost);
    const call = at.guard.allow("k", 5, "1m").catch((error: unknown) => error);
    await at.runtime.settle();
    at.runtime.wallStepMs += 56_000;
    await at.runtime.pass(1_500);
    expect(await call).toMatchObject({ code: "timed_out", applied: "unknown" });
    expect(at.asked).toEqual(["a:1"]);
  });

  test("gets what onUnavailable says", async () => {
    const at = scene(
      (_, runtime) => {
        runtime.wallStepMs += 70_000;
        return lost();
      },
      { onUnavailable: "deny" },
    );
    expect(await ended(at, at.guard.allow("k", 5, "1m"))).toMatchObject({ allowed: false, source: "fail-closed" });
    expect(at.asked).toEqual(["a:1"]);
  });

  test("with a long deadline it is sent several times, and waited for no longer than its id is surely known", async () => {
    const sends: { readonly atMs: number; readonly untilMs: number; readonly deadlineMs: number }[] = [];
    const at = scene(
      (call, runtime) => {
        if (call.method !== "GuardService/AllowBatch") return null;
        const { deadlineMs } = fromBinary(AllowBatchRequestSchema, call.request);
        sends.push({ atMs: runtime.nowMs, untilMs: runtime.nowMs + call.timeoutMs, deadlineMs });
        return silence(call, runtime);
      },
      { timeoutMs: 300_000 },
    );
    let endedMs = 0;
    const call = at.guard.allow("k", 5, "1m").finally(() => {
      endedMs = at.runtime.nowMs;
    });
    expect(await ended(at, call, 310_000)).toMatchObject({ code: "timed_out", applied: "unknown" });
    expect(sends.length).toBeGreaterThan(2);
    const firstMs = sends[0]!.atMs;
    for (const { atMs, untilMs, deadlineMs } of sends) {
      expect(untilMs - firstMs).toBeLessThanOrEqual(55_001);
      expect(deadlineMs).toBe(untilMs - atMs);
    }
    expect(endedMs - firstMs).toBeLessThan(55_200);
  });

  test("what surely was not counted is sent until the deadline", async () => {
    let down = true;
    const at = scene(() => (down ? Promise.reject(new TransportError("not-sent", "refused")) : null), {
      timeoutMs: 300_000,
    });
    const call = at.guard.allow("k", 5, "1m");
    await at.runtime.pass(120_000);
    down = false;
    expect(await ended(at, call)).toMatchObject({ allowed: true });
  });

  test("its age begins with the first attempt that may have been counted", async () => {
    const answers = [() => Promise.reject(new TransportError("not-sent", "refused")), lost];
    const at = scene(
      (call, runtime) => {
        if (call.method !== "GuardService/AllowBatch") return null;
        if (answers.length > 0) runtime.wallStepMs += answers.length === 2 ? 50_000 : 10_000;
        return answers.shift()?.() ?? null;
      },
      { timeoutMs: 300_000 },
    );
    expect(await ended(at, at.guard.allow("k", 5, "1m"))).toMatchObject({ allowed: true });
    expect(at.asked.length).toBe(3);
  });
});

describe("the longest deadline there may be", () => {
  test("no request asks a node to wait for more than ten minutes", async () => {
    const seen = new Map<string, number>();
    const waits = (call: UnaryCall): number => {
      if (call.method === "GuardService/AllowBatch")
        return fromBinary(AllowBatchRequestSchema, call.request).deadlineMs;
      if (call.method === "GuardService/Peek") return fromBinary(PeekRequestSchema, call.request).deadlineMs;
      return 0;
    };
    const at = scene(
      (call) => {
        seen.set(call.method, Math.max(seen.get(call.method) ?? 0, call.timeoutMs, waits(call)));
        return null;
      },
      { timeoutMs: 2_147_483_647 },
    );
    at.cluster.policyVersion = 1n;
    await ended(at, at.guard.allow("k", "named"));
    await ended(at, at.guard.peek({ key: "k", limit: 5, window: "1m" }));
    await ended(at, at.guard.ready({ timeoutMs: 2_147_483_647 }));
    const methods = ["GuardService/AllowBatch", "GuardService/GetTerms", "GuardService/Peek"];
    expect([...seen.keys()]).toEqual(expect.arrayContaining([...methods, "ClusterService/GetTopology"]));
    for (const longestMs of seen.values()) expect(longestMs).toBeLessThanOrEqual(600_000);
  });
});

describe("a silent endpoint among others", () => {
  test("calls that fail there together leave it together", async () => {
    const at = scene((call, runtime) => (call.endpoint === "a:1" ? silence(call, runtime) : null), {
      endpoints: ["a:1", "b:1"],
    });
    const calls = ["k", "l", "m", "n"].map((key) => at.guard.allow(key, 5, "1m"));
    expect(await ended(at, Promise.all(calls))).toMatchObject(calls.map(() => ({ allowed: true })));
    expect(at.asked.toSorted()).toEqual([...calls.map(() => "a:1"), ...calls.map(() => "b:1")]);
    await ended(at, at.guard.allow("k", 5, "1m"));
    expect(at.asked.at(-1)).toBe("b:1");
  });
});

describe("two clusters among the endpoints", () => {
  const topology = (clusterId: string) =>
    toBinary(
      GetTopologyResponseSchema,
      create(GetTopologyResponseSchema, {
        topology: { clusterId, version: 1n, groups: [{ leaderId: 1n, term: 1n }] } as never,
      }),
    );
  const twoClusters = (call: UnaryCall) =>
    call.method === "ClusterService/GetTopology" ? topology(call.endpoint === "b:1" ? "blue" : "red") : null;

  test("are found beside the first call to each, which waits for nothing; then no call is sent any more", async () => {
    let down = false;
    const at = scene((call) =>
      down && call.endpoint === "a:1" ? Promise.reject(new TransportError("not-sent", "down")) : twoClusters(call),
    );
    expect(await ended(at, at.guard.allow("k", 5, "1m"))).toMatchObject({ allowed: true });
    expect(at.topologies).toEqual(["a:1"]);
    down = true;
    await ended(at, at.guard.allow("k", 5, "1m"));
    const before = at.asked.length;
    const error = await ended(at, at.guard.allow("k", 5, "1m"));
    expect(error).toMatchObject({ code: "wrong_cluster", applied: "no" });
    expect((error as GuardError).message).toMatch(/c:1 belongs to cluster "red", and b:1 to "blue"/);
    expect(await ended(at, at.guard.peek({ key: "k", limit: 5, window: "1m" }))).toMatchObject({
      code: "wrong_cluster",
    });
    expect(at.asked.length).toBe(before);
  });

  test("one that answers everywhere in the place of the known one is taken, which is told", async () => {
    let [first, cluster] = ["b:1", "red"];
    const at = scene((call) => {
      if (call.method === "ClusterService/GetTopology") return topology(cluster);
      return call.endpoint === first ? null : Promise.reject(new TransportError("not-sent", "down"));
    });
    const events: GuardEvent[] = [];
    at.guard.on("replaced", (event) => events.push(event));
    expect(await ended(at, at.guard.allow("k", 5, "1m"))).toMatchObject({ allowed: true });
    [first, cluster] = ["c:1", "blue"];
    expect(await ended(at, at.guard.allow("k", 5, "1m"))).toMatchObject({ allowed: true });
    expect(events).toMatchObject([{ formerClusterId: "red", clusterId: "blue" }]);
    expect(await ended(at, at.guard.peek({ key: "k", limit: 5, window: "1m" }))).toMatchObject({ allowed: true });
  });

  test("ready asks all of them", async () => {
    const at = scene(twoClusters);
    expect(await ended(at, at.guard.ready())).toMatchObject({ code: "wrong_cluster" });
  });

  test("each endpoint is asked once, however many calls there are", async () => {
    const at = scene();
    for (let i = 0; i < 5; i++) await ended(at, at.guard.allow("k", 5, "1m"));
    expect(at.topologies).toEqual(["a:1"]);
    expect(at.asked.length).toBe(5);
  });
});
