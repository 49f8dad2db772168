import { Applied, ErrorReason, Outcome } from "@quorumguard/proto";
import { describe, expect, test } from "vitest";
import { createGuardCore } from "./create-guard-core.ts";
import type { Decision, Guard, GuardEvent } from "./surface/guard.ts";
import { GuardError } from "./surface/guard-error.ts";
import type { GuardOptions } from "./surface/guard-options.ts";
import { ScriptedCluster } from "./testing/scripted-cluster.ts";
import { VirtualRuntime } from "./testing/virtual-runtime.ts";
import { TransportError } from "./transport.ts";

interface Scene {
  readonly cluster: ScriptedCluster;
  readonly runtime: VirtualRuntime;
  readonly guard: Guard<"login">;
}

function scene(options: Partial<GuardOptions<"login">> = {}, cluster = new ScriptedCluster()): Scene {
  const runtime = new VirtualRuntime();
  const guard = createGuardCore(
    {
      endpoints: ["n1:7400"],
      policies: { login: { limit: 5, window: "1m" } },
      onUnavailable: "throw",
      ...options,
    },
    cluster,
    runtime,
    { defaultEndpoints: "n1:7400", client: "test", endpointOf: (member) => member.grpcEndpoint },
  );
  return { cluster, runtime, guard };
}

/** Lets a promise's end be looked at later, however it ends. */
function outcome<T>(promise: Promise<T>): Promise<T | GuardError> {
  return promise.catch((error: unknown) => {
    if (error instanceof GuardError) return error;
    throw error;
  });
}

async function expectError(promise: Promise<unknown>, code: string, applied: string): Promise<GuardError> {
  const error = await outcome(promise);
  expect(error).toBeInstanceOf(GuardError);
  expect(error).toMatchObject({ code, applied });
  return error as GuardError;
}

describe("a call on a healthy cluster", () => {
  test("is decided by the leader, and says how", async () => {
    const { runtime, guard } = scene();
    const call = guard.allow("user:1", 5, "10s");
    await runtime.settle();
    expect(await call).toEqual({
      allowed: true,
      reason: null,
      retryAfterMs: 0,
      policy: null,
      limit: 5,
      remaining: 4,
      resetAfterMs: 1_000,
      source: "quorum",
      degraded: false,
      shadow: null,
    });
  });

  test("is denied with a value, with the wait that would help", async () => {
    const { runtime, guard, cluster } = scene();
    cluster.nodes[0]!.answers = (frame, stream) => stream.reply(frame, 2, 2);
    const call = guard.allow("user:1", "login");
    await runtime.settle();
    expect(await call).toMatchObject({
      allowed: false,
      reason: "limited",
      retryAfterMs: 250,
      policy: "login",
      source: "leader",
    });
  });

  test("all calls of one turn travel in one frame", async () => {
    const { runtime, guard, cluster } = scene();
    const warm = guard.allow("warm", 5, "10s");
    await runtime.settle();
    await warm;
    const calls = ["a", "b", "c"].map((key) => guard.allow(key, 5, "10s"));
    await runtime.settle();
    await Promise.all(calls);
    expect(cluster.frames.map(({ keys }) => keys)).toEqual([["warm"], ["a", "b", "c"]]);
    expect(cluster.frames[1]!.frame).toMatchObject({ firstNumber: 2, ackedThrough: 1, firstAttempt: true });
  });

  test("the wait for an answer keeps a process alive, and nothing else does", async () => {
    const { runtime, guard, cluster } = scene();
    expect(runtime.keepsAlive).toBe(false);
    let answer = () => {};
    cluster.nodes[0]!.answers = (frame, stream) => {
      answer = () => stream.reply(frame);
    };
    const call = guard.allow("a", 5, "10s");
    await runtime.settle();
    expect(runtime.keepsAlive).toBe(true);
    answer();
    await call;
    expect(runtime.keepsAlive).toBe(false);
  });

  test("a group is admitted together, item by item in order", async () => {
    const { runtime, guard, cluster } = scene();
    const group = guard.allowAll([
      { key: "a", policy: "login" },
      { key: "b", limit: 3, window: "1s", cost: 2 },
    ]);
    const single = guard.allow("c", 5, "10s");
    await runtime.settle();
    expect(await group).toMatchObject({ allowed: true, decisions: [{ policy: "login" }, { policy: null, limit: 3 }] });
    expect(await single).toMatchObject({ allowed: true });
    expect([...cluster.frames[0]!.frame.sizes!]).toEqual([2, 1]);
    expect([...cluster.frames[0]!.frame.costs!]).toEqual([1, 2, 1]);
  });

  test("at most four frames are on their way; later calls gather", async () => {
    const { runtime, guard, cluster } = scene();
    const held: (() => void)[] = [];
    cluster.nodes[0]!.answers = (frame, stream) => held.push(() => stream.reply(frame));
    const calls: Promise<Decision>[] = [];
    for (let i = 0; i < 10; i++) {
      calls.push(guard.allow(`k${i}`, 5, "10s"));
      await runtime.settle();
    }
    expect(cluster.frames.length).toBe(4);
    held.shift()!();
    await runtime.settle();
    expect(cluster.frames.at(-1)!.keys).toEqual(["k4", "k5", "k6", "k7", "k8", "k9"]);
    for (const answer of held) answer();
    await Promise.all(calls);
  });

  test("no more numbers are given than the cluster keeps results for", async () => {
    const { runtime, guard, cluster } = scene();
    cluster.maxResults = 2;
    const held: (() => void)[] = [];
    cluster.nodes[0]!.answers = (frame, stream) => held.push(() => stream.reply(frame));
    const calls = ["a", "b", "c"].map((key) => guard.allow(key, 5, "10s"));
    await runtime.settle();
    expect(cluster.frames.map(({ keys }) => keys)).toEqual([["a", "b"]]);
    held.shift()!();
    await runtime.settle();
    expect(cluster.frames.at(-1)).toMatchObject({ keys: ["c"], frame: { ackedThrough: 2 } });
    held.shift()!();
    await Promise.all(calls);
  });
});

describe("a change of leader", () => {
  test("a hint is followed at once: same numbers, no first attempt, session resumed", async () => {
    const { runtime, guard, cluster } = scene();
    await connected(guard, runtime);
    cluster.nodes[0]!.answers = (frame, stream) => {
      cluster.leaderId = 2;
      cluster.term = 2;
      stream.fail(frame, {
        reason: ErrorReason.NOT_LEADER,
        applied: Applied.NO,
        leaderId: 2n,
        term: 2n,
        leaderGrpcEndpoint: "n2:7400",
      });
    };
    const startedMs = runtime.nowMs;
    const call = guard.allow("a", 5, "10s");
    await runtime.settle();
    expect(await call).toMatchObject({ allowed: true });
    expect(runtime.nowMs).toBe(startedMs);
    const [first, second] = cluster.frames.slice(1);
    expect(first).toMatchObject({ endpoint: "n1:7400", frame: { firstNumber: 2, firstAttempt: true } });
    expect(second).toMatchObject({ endpoint: "n2:7400", frame: { firstNumber: 2, firstAttempt: false } });
    expect(cluster.log).toContain("resume n2:7400");
    expect(cluster.sessions.size).toBe(1);
  });

  test("a leader that dies: unknown calls are re-sent to the next one under their numbers", async () => {
    const { runtime, guard, cluster } = scene();
    await connected(guard, runtime);
    cluster.nodes[0]!.answers = () => {};
    const calls = ["a", "b"].map((key) => guard.allow(key, 5, "10s"));
    await runtime.settle();
    cluster.nodes[0]!.kill();
    await runtime.pass(200);
    cluster.elect(3);
    await runtime.settle();
    expect(await Promise.all(calls)).toMatchObject([{ allowed: true }, { allowed: true }]);
    expect(cluster.frames.at(-1)).toMatchObject({
      endpoint: "n3:7400",
      keys: ["a", "b"],
      frame: { firstNumber: 2, firstAttempt: false },
    });
  });

  test("leadership comes back to a node that led before: calls at the paused one are re-sent at once, and no window stays shut", async () => {
    const { runtime, guard, cluster } = scene();
    await connected(guard, runtime);
    cluster.elect(2);
    await runtime.settle();
    // Paused: the connection stays, and nothing is answered.
    cluster.nodes[1]!.answers = () => {};
    const calls: Promise<Decision>[] = [];
    for (const key of ["a", "b", "c", "d", "e"]) {
      calls.push(guard.allow(key, 5, "10s"));
      await runtime.settle();
    }
    expect(cluster.frames.at(-1)).toMatchObject({ endpoint: "n2:7400", keys: ["d"] });
    const electedMs = runtime.nowMs;
    cluster.elect(1);
    await runtime.settle();
    expect(await Promise.all(calls)).toMatchObject(calls.map(() => ({ allowed: true, degraded: false })));
    expect(runtime.nowMs).toBe(electedMs);
    const resent = cluster.frames.filter(({ endpoint, frame }) => endpoint === "n1:7400" && !frame.firstAttempt);
    expect(resent.flatMap(({ keys }) => keys)).toEqual(["a", "b", "c", "d"]);
    // And back again, while nobody's connection was ever lost.
    cluster.nodes[1]!.answers = (frame, stream) => stream.reply(frame);
    cluster.nodes[0]!.answers = () => {};
    const last = guard.allow("f", 5, "10s");
    await runtime.settle();
    cluster.elect(2);
    await runtime.settle();
    expect(await last).toMatchObject({ allowed: true });
    expect(runtime.nowMs).toBe(electedMs);
    expect(cluster.log.filter((line) => line.startsWith("open"))).toHaveLength(3);
  });

  test("old news about an older term changes nothing", async () => {
    const { runtime, guard, cluster } = scene();
    await connected(guard, runtime);
    cluster.term = 8;
    cluster.elect(2);
    await runtime.settle();
    cluster.leaderId = 3;
    cluster.term = 4;
    for (const stream of cluster.nodes[2]!.streams)
      stream.send({ case: "topology", value: cluster.topology(3) as never });
    await runtime.settle();
    const call = guard.allow("a", 5, "10s");
    await runtime.settle();
    await call;
    expect(cluster.frames.at(-1)!.endpoint).toBe("n2:7400");
  });

  test("a refusal without a hint is retried after a jittered pause", async () => {
    const { runtime, guard, cluster } = scene();
    await connected(guard, runtime);
    let refusals = 2;
    cluster.nodes[0]!.answers = (frame, stream) => {
      if (refusals-- <= 0) stream.reply(frame);
      else stream.fail(frame, { reason: ErrorReason.UNAVAILABLE, applied: Applied.NO, message: "no leader" });
    };
    const startedMs = runtime.nowMs;
    const call = guard.allow("a", 5, "10s");
    await runtime.settle();
    expect(cluster.frames.length).toBe(2);
    await runtime.pass(100);
    expect(await call).toMatchObject({ allowed: true });
    expect(runtime.nowMs - startedMs).toBeGreaterThan(0);
    expect(cluster.frames.slice(2).every(({ frame }) => !frame.firstAttempt && frame.firstNumber === 2)).toBe(true);
  });

  test("a known leader that cannot be reached is reached through another member", async () => {
    const { runtime, guard, cluster } = scene({ timeoutMs: 5_000 });
    cluster.leaderId = 2;
    cluster.nodes[1]!.kill();
    const call = guard.allow("a", 5, "10s");
    await runtime.pass(3_000);
    expect(await call).toMatchObject({ allowed: true });
    expect(cluster.frames.at(-1)!.endpoint).not.toBe("n2:7400");
    expect(cluster.nodes.flatMap((node) => node.noForward)).toContain(false);
  });

  test("routing forward stays with the endpoints it was given", async () => {
    const { runtime, guard, cluster } = scene({ routing: "forward", endpoints: "n3:7400" });
    const call = guard.allow("a", 5, "10s");
    await runtime.settle();
    expect(await call).toMatchObject({ allowed: true });
    expect(cluster.frames.map(({ endpoint }) => endpoint)).toEqual(["n3:7400"]);
    expect(cluster.log.filter((line) => line.startsWith("open"))).toEqual(["open n3:7400"]);
  });

  test("a connection on which three pings go unanswered is dropped", async () => {
    const { runtime, guard, cluster } = scene({ timeoutMs: 60_000 });
    await connected(guard, runtime);
    for (const stream of cluster.nodes[0]!.streams) stream.open = false;
    const call = guard.allow("a", 5, "10s");
    await runtime.pass(3_000);
    expect(await call).toMatchObject({ allowed: true });
  });
});

describe("deadlines and aborts", () => {
  test("nobody reachable: unavailable, surely not counted, within the deadline", async () => {
    const { runtime, guard, cluster } = scene();
    for (const node of cluster.nodes) node.kill();
    const call = outcome(guard.allow("a", 5, "10s", { timeoutMs: 300 }));
    await runtime.pass(300);
    const error = await expectError(
      call.then((end) => Promise.reject(end)),
      "unavailable",
      "no",
    );
    expect(error.retry).toBe("safe");
    expect(error.message).toContain("300 ms");
    expect(error.message).toContain("connection refused");
  });

  test("sent and not answered: timed out, unknown", async () => {
    const { runtime, guard, cluster } = scene();
    await connected(guard, runtime);
    cluster.nodes[0]!.answers = () => {};
    const call = outcome(guard.allow("a", 5, "10s"));
    await runtime.pass(1_005);
    const error = await expectError(
      call.then((end) => Promise.reject(end)),
      "timed_out",
      "unknown",
    );
    expect(error.retry).toBe("unknown");
  });

  test("a call that timed out is acknowledged, so that no stray copy of it ever executes", async () => {
    const { runtime, guard, cluster } = scene();
    await connected(guard, runtime);
    cluster.nodes[0]!.answers = () => {};
    const lost = outcome(guard.allow("a", 5, "10s"));
    await runtime.pass(1_005);
    await lost;
    cluster.nodes[0]!.answers = (frame, stream) => stream.reply(frame);
    const next = guard.allow("b", 5, "10s");
    await runtime.settle();
    await next;
    expect(cluster.frames.at(-1)!.frame).toMatchObject({ firstNumber: 3, ackedThrough: 2 });
  });

  test("U2: unknown once, unknown for good", async () => {
    const { runtime, guard, cluster } = scene();
    await connected(guard, runtime);
    cluster.nodes[0]!.answers = (frame, stream) => {
      const applied = cluster.frames.length === 2 ? Applied.UNKNOWN : Applied.NO;
      stream.fail(frame, { reason: ErrorReason.UNAVAILABLE, applied, message: "lost leadership" });
    };
    const call = outcome(guard.allow("a", 5, "10s"));
    await runtime.pass(1_100);
    expect(cluster.frames.length).toBeGreaterThan(2);
    await expectError(
      call.then((end) => Promise.reject(end)),
      "timed_out",
      "unknown",
    );
  });

  test("an aborted signal rejects at once, and says whether the call was sent", async () => {
    const { runtime, guard, cluster } = scene();
    const early = fakeSignal();
    early.abort("changed my mind");
    await expectError(guard.allow("a", 5, "10s", { signal: early }), "aborted", "no");
    const queued = fakeSignal();
    const unsent = outcome(guard.allow("a", 5, "10s", { signal: queued }));
    queued.abort("now");
    await expectError(
      unsent.then((end) => Promise.reject(end)),
      "aborted",
      "no",
    );
    await connected(guard, runtime);
    cluster.nodes[0]!.answers = () => {};
    const late = fakeSignal();
    const sent = outcome(guard.allow("a", 5, "10s", { signal: late }));
    await runtime.settle();
    late.abort("now");
    const error = await expectError(
      sent.then((end) => Promise.reject(end)),
      "aborted",
      "unknown",
    );
    expect(error.cause).toBe("now");
    expect(late.listeners.size).toBe(0);
  });

  test("more calls than may wait are refused before they are sent", async () => {
    const { guard, runtime, cluster } = scene({ maxPendingCalls: 2 });
    for (const node of cluster.nodes) node.kill();
    const calls = ["a", "b", "c"].map((key) => outcome(guard.allow(key, 5, "10s")));
    await expectError(
      calls[2]!.then((end) => Promise.reject(end)),
      "overloaded",
      "no",
    );
    await runtime.pass(1_010);
    await Promise.all(calls);
  });
});

describe("sessions", () => {
  test("S4: after SessionExpired unknown calls are settled, unsent ones start over, and no retry made a session", async () => {
    const { runtime, guard, cluster } = scene({ timeoutMs: 5_000 });
    await connected(guard, runtime);
    const registered = cluster.sessions.size;
    cluster.nodes[0]!.answers = () => {};
    const unknown = outcome(guard.allow("unknown", 5, "10s"));
    await runtime.settle();
    cluster.sessions.clear();
    cluster.nodes[1]!.answers = (frame, stream) => {
      if (cluster.sessions.size > 0) stream.reply(frame);
      else stream.fail(frame, { reason: ErrorReason.SESSION_EXPIRED, applied: Applied.NO, message: "gone" });
    };
    cluster.nodes[0]!.kill();
    const unsent = guard.allow("unsent", 5, "10s");
    cluster.elect(2);
    await runtime.pass(100);
    await expectError(
      unknown.then((end) => Promise.reject(end)),
      "session_expired",
      "unknown",
    );
    expect(await unsent).toMatchObject({ allowed: true });
    expect(registered).toBe(1);
    expect(cluster.sessions.size).toBe(1);
    expect(cluster.frames.at(-1)).toMatchObject({ keys: ["unsent"], frame: { firstNumber: 1, ackedThrough: 0 } });
  });

  describe("after a process was stopped for longer than its session lives", () => {
    /** `asleep`: the machine was, and its monotonic clock stood still. */
    async function thawed(asleep = false) {
      const made = scene();
      const { runtime, guard, cluster } = made;
      await connected(guard, runtime);
      cluster.sessions.clear();
      cluster.renews = false;
      const since = cluster.frames.length;
      for (const node of cluster.nodes) {
        node.answers = (frame, stream) => {
          if (cluster.sessions.size > 0) stream.reply(frame);
          else stream.fail(frame, { reason: ErrorReason.INVALID_ARGUMENT, applied: Applied.NO, message: "no session" });
        };
      }
      if (asleep) runtime.wallStepMs += 75_000;
      else runtime.nowMs += 75_000;
      return { ...made, since };
    }

    test.each([
      ["on a stream that still stands", false, false],
      ["on a stream that died meanwhile", true, false],
      ["on a machine that slept", true, true],
      ["on a machine that slept beside a proxy that kept the stream", false, true],
    ])("S4: calls start in a new session, decided by the cluster, %s", async (_, died, asleep) => {
      const { runtime, guard, cluster, since } = await thawed(asleep);
      const calls = ["a", "b"].map((key) => guard.allow(key, 5, "10s"));
      await runtime.settle();
      if (died) for (const stream of [...cluster.nodes[0]!.streams]) stream.close();
      await runtime.pass(500);
      for (const call of calls) expect(await call).toMatchObject({ allowed: true, source: "quorum" });
      const sent = cluster.frames.slice(since);
      expect(sent.flatMap(({ keys }) => keys)).toEqual(["a", "b"]);
      expect(sent[0]!.frame).toMatchObject({ firstNumber: 1, ackedThrough: 0, firstAttempt: true });
      expect(cluster.log.filter((line) => line.startsWith("register"))).toHaveLength(2);
    });

    test("a stream that dies before it says so takes no call with it", async () => {
      const { runtime, guard, cluster, since } = await thawed();
      const [first] = [...cluster.nodes[0]!.streams];
      const call = guard.allow("a", 5, "10s");
      // What it is told goes nowhere any more.
      first!.open = false;
      await runtime.settle();
      expect(cluster.frames).toHaveLength(since);
      first!.open = true;
      first!.close();
      await runtime.pass(500);
      expect(await call).toMatchObject({ allowed: true, source: "quorum" });
    });

    test("the session goes on if the cluster knows it after all", async () => {
      const { runtime, guard, cluster } = scene();
      await connected(guard, runtime);
      cluster.renews = false;
      runtime.nowMs += 75_000;
      const call = guard.allow("a", 5, "10s");
      await runtime.settle();
      expect(await call).toMatchObject({ allowed: true, source: "quorum" });
      expect(cluster.frames.at(-1)!.frame.firstNumber).toBe(2);
      expect(cluster.log.filter((line) => line.startsWith("register"))).toHaveLength(1);
      expect(cluster.log.filter((line) => line.startsWith("resume"))).toHaveLength(1);
    });

    test("that a renewal is refused there ends no stream that calls have gone into", async () => {
      const { runtime, guard, cluster } = scene({ timeoutMs: 5_000 });
      await connected(guard, runtime);
      const [node] = cluster.nodes;
      let end = () => {};
      node!.answers = (frame, stream) => {
        if (cluster.sessions.size > 0) stream.reply(frame);
        else
          end = () => stream.fail(frame, { reason: ErrorReason.SESSION_EXPIRED, applied: Applied.NO, message: "gone" });
      };
      cluster.sessions.clear();
      const call = guard.allow("a", 5, "10s");
      await runtime.settle();
      const [stream] = [...node!.streams];
      stream!.fail(null, { reason: ErrorReason.SESSION_EXPIRED, applied: Applied.NO, message: "gone" });
      const early = "renew came before register or resume";
      stream!.fail(null, { reason: ErrorReason.INVALID_ARGUMENT, applied: Applied.NO, message: early });
      end();
      await runtime.pass(500);
      expect(await call).toMatchObject({ allowed: true, source: "quorum" });
    });
  });

  test("S4: a register whose answer was lost is sent again under the same nonce", async () => {
    const { runtime, guard, cluster } = scene({ timeoutMs: 5_000 });
    const first = cluster.nodes[0]!;
    const call = guard.allow("a", 5, "10s");
    // The stream breaks once the register is in: its answer goes nowhere.
    while (!cluster.log.includes("register n1:7400")) await Promise.resolve();
    for (const stream of [...first.streams]) stream.close();
    await runtime.pass(500);
    expect(await call).toMatchObject({ allowed: true });
    expect(cluster.log.filter((line) => line.startsWith("register")).length).toBeGreaterThanOrEqual(1);
    expect(cluster.sessions.size).toBe(1);
  });

  test("S6: the session is renewed every third of its TTL", async () => {
    const { runtime, guard, cluster } = scene();
    await connected(guard, runtime);
    await runtime.pass(61_000);
    expect(cluster.log.filter((line) => line.startsWith("renew")).length).toBe(3);
  });

  test("S3: a full result table is waited out under the same number", async () => {
    const { runtime, guard, cluster } = scene();
    await connected(guard, runtime);
    let full = true;
    cluster.nodes[0]!.answers = (frame, stream) => {
      stream.reply(frame, full ? 17 : 1);
      full = false;
    };
    const call = guard.allow("a", 5, "10s");
    await runtime.pass(100);
    expect(await call).toMatchObject({ allowed: true });
    expect(cluster.frames.at(-1)!.frame.firstNumber).toBe(2);
  });

  test("D1: a late denial from applied state says nothing about a call that was sent again, since that may be its own charge", async () => {
    const { runtime, guard, cluster } = scene();
    await connected(guard, runtime);
    const held: (() => void)[] = [];
    cluster.nodes[0]!.answers = (frame, stream) => held.push(() => stream.reply(frame, 2, 2));
    cluster.nodes[1]!.answers = (frame, stream) => held.push(() => stream.reply(frame, 1));
    const call = guard.allow("a", 5, "10s");
    await runtime.settle();
    cluster.elect(2);
    await runtime.settle();
    const [copy, retry] = held;
    copy!();
    await runtime.settle();
    retry!();
    expect(await call).toMatchObject({ allowed: true, source: "quorum" });
  });

  test("a late answer to the first attempt settles the call, and the second answer changes nothing", async () => {
    const { runtime, guard, cluster } = scene();
    await connected(guard, runtime);
    let late = () => {};
    cluster.nodes[0]!.answers = (frame, stream) => {
      late = () => stream.reply(frame, 2);
    };
    const held: (() => void)[] = [];
    cluster.nodes[1]!.answers = (frame, stream) => held.push(() => stream.reply(frame, 2));
    const call = guard.allow("a", 5, "10s");
    await runtime.settle();
    cluster.elect(2);
    await runtime.settle();
    late();
    expect(await call).toMatchObject({ allowed: false });
    for (const answer of held) answer();
    await runtime.settle();
    const next = guard.allow("b", 5, "10s");
    await runtime.settle();
    held.at(-1)!();
    expect(await next).toMatchObject({ allowed: false });
  });
});

describe("when the cluster cannot decide", () => {
  function dark(options: Partial<GuardOptions<"login">>) {
    const made = scene(options);
    for (const node of made.cluster.nodes) node.kill();
    return made;
  }

  test("throw: rejects", async () => {
    const { runtime, guard } = dark({ onUnavailable: "throw" });
    const call = outcome(guard.allow("a", 5, "10s"));
    await runtime.pass(1_010);
    await expectError(
      call.then((end) => Promise.reject(end)),
      "unavailable",
      "no",
    );
  });

  test("allow: says so", async () => {
    const { runtime, guard } = dark({ onUnavailable: "allow" });
    const call = guard.allow("a", 5, "10s");
    await runtime.pass(1_010);
    expect(await call).toMatchObject({ allowed: true, source: "fail-open", degraded: true, remaining: null });
  });

  test("deny: says so, with a status of its own", async () => {
    const { runtime, guard } = dark({ onUnavailable: "deny" });
    const call = guard.allow("a", 5, "10s");
    await runtime.pass(1_010);
    expect(await call).toMatchObject({ allowed: false, reason: "unavailable", source: "fail-closed", degraded: true });
  });

  test("local: the whole limit before any contact, and no more, also over several outages", async () => {
    const { runtime, guard } = dark({ onUnavailable: "local" });
    const calls = Array.from({ length: 7 }, () => guard.allow("a", 5, "10s"));
    await runtime.pass(1_010);
    const decisions = await Promise.all(calls);
    expect(decisions.map(({ allowed }) => allowed)).toEqual([true, true, true, true, true, false, false]);
    expect(decisions[5]).toMatchObject({ source: "local", degraded: true, reason: "limited", limit: 5 });
    expect(decisions[5]!.retryAfterMs).toBeGreaterThan(0);
    const again = guard.allow("a", 5, "10s");
    await runtime.pass(1_010);
    expect(await again).toMatchObject({ allowed: false, source: "local" });
    await runtime.pass(10_000);
    const later = guard.allow("a", 5, "10s");
    await runtime.pass(1_010);
    expect(await later).toMatchObject({ allowed: true, source: "local" });
  });

  test("local: a group is admitted together or not at all", async () => {
    const { runtime, guard } = dark({ onUnavailable: "local" });
    const group = guard.allowAll([
      { key: "a", limit: 1, window: "10s" },
      { key: "b", limit: 0, window: "10s" },
    ]);
    await runtime.pass(1_010);
    expect((await group).allowed).toBe(false);
    const single = guard.allow("a", 1, "10s");
    await runtime.pass(1_010);
    expect(await single).toMatchObject({ allowed: true });
  });

  test("a call's own choice and a policy's come before the guard's", async () => {
    const { runtime, guard, cluster } = scene({
      onUnavailable: "throw",
      policies: { login: { limit: 5, window: "1m", onUnavailable: "deny" } },
    });
    for (const node of cluster.nodes) node.kill();
    const byPolicy = guard.allow("a", "login");
    const byCall = guard.allow("a", "login", { onUnavailable: "allow" });
    await runtime.pass(1_010);
    expect(await byPolicy).toMatchObject({ source: "fail-closed" });
    expect(await byCall).toMatchObject({ source: "fail-open" });
  });

  const strictness = ["allow", "local", "throw", "deny"] as const;
  test.each(strictness.flatMap((one) => strictness.map((other) => [one, other] as const)))(
    "a group of a policy that says %s and one that says %s gets the stricter",
    async (one, other) => {
      const policies = {
        login: { limit: 5, window: "1m", onUnavailable: one },
        other: { limit: 5, window: "1m", onUnavailable: other },
      } as const;
      const { runtime, guard } = dark({ onUnavailable: "allow", policies });
      const asked = ["login", "other"].map((policy) => ({ key: "a", policy }) as { key: string; policy: "login" });
      const group = outcome(guard.allowAll(asked));
      const chosen = guard.allowAll(asked, { onUnavailable: "allow" });
      await runtime.pass(1_010);
      const expected = {
        allow: { allowed: true, decisions: [{ source: "fail-open" }, { source: "fail-open" }] },
        local: { allowed: true, decisions: [{ source: "local" }, { source: "local" }] },
        throw: { code: "unavailable" },
        deny: { allowed: false, decisions: [{ source: "fail-closed" }, { source: "fail-closed" }] },
      } as const;
      const stricter = strictness[Math.max(strictness.indexOf(one), strictness.indexOf(other))]!;
      expect(await group).toMatchObject(expected[stricter]);
      expect(await chosen).toMatchObject(expected.allow);
    },
  );

  test("in a group, a policy that says nothing has the guard's word", async () => {
    const { runtime, guard } = dark({
      onUnavailable: "deny",
      policies: { login: { limit: 5, window: "1m", onUnavailable: "allow" } },
    });
    const group = guard.allowAll([
      { key: "a", policy: "login" },
      { key: "b", limit: 5, window: "1m" },
    ]);
    await runtime.pass(1_010);
    expect(await group).toMatchObject({ allowed: false, decisions: [{}, { source: "fail-closed" }] });
  });

  test("a key without room is no outage: nothing is told of a cluster that goes on deciding", async () => {
    const { runtime, guard, cluster } = scene({ onUnavailable: "local" });
    const events: GuardEvent[] = [];
    for (const type of ["degraded", "recovered"] as const) guard.on(type, (event) => events.push(event));
    const fullOrNot = [Outcome.KEYS_FULL, Outcome.ALLOWED, Outcome.NAMESPACE_FULL];
    cluster.nodes[0]!.answers = (frame, stream) => stream.reply(frame, fullOrNot[(frame.firstNumber - 1) % 3]);
    const sources: string[] = [];
    for (let at = 0; at < 6; at++) {
      const call = guard.allow(`${at}`, 5, "10s");
      await runtime.settle();
      sources.push((await call).source);
    }
    expect(sources.filter((source) => source === "quorum")).toHaveLength(2);
    expect(sources.filter((source) => source === "local")).toHaveLength(4);
    expect(events).toEqual([]);
  });

  test("degraded is told once, recovered when the cluster decides again", async () => {
    const { runtime, guard, cluster } = dark({ onUnavailable: "allow" });
    const events: GuardEvent[] = [];
    for (const type of ["degraded", "recovered", "topology"] as const) guard.on(type, (event) => events.push(event));
    const calls = [guard.allow("a", 5, "10s"), guard.allow("b", 5, "10s")];
    await runtime.pass(1_010);
    await Promise.all(calls);
    for (const node of cluster.nodes) node.down = null;
    const back = guard.allow("a", 5, "10s");
    await runtime.pass(1_000);
    expect(await back).toMatchObject({ degraded: false });
    expect(events.map(({ type }) => type)).toEqual(["degraded", "topology", "recovered"]);
    expect(events[1]).toMatchObject({ clusterId: "test", leaderId: 1, endpoints: ["n1:7400", "n2:7400", "n3:7400"] });
  });

  test("full keys are unavailable too, and the session goes on", async () => {
    const { runtime, guard, cluster } = scene();
    await connected(guard, runtime);
    cluster.nodes[0]!.answers = (frame, stream) => stream.reply(frame, 16);
    const call = outcome(guard.allow("a", 5, "10s"));
    await runtime.settle();
    await expectError(
      call.then((end) => Promise.reject(end)),
      "keys_full",
      "no",
    );
  });
});

describe("misconfiguration always throws", () => {
  test.each([
    ["a wrong token", "unauthenticated: bad token", "unauthenticated"],
    ["a wrong protocol", "speaks no HTTP/2", "misconfigured"],
  ])("%s", async (_, message, code) => {
    const { runtime, guard, cluster } = scene({ onUnavailable: "allow" });
    for (const node of cluster.nodes) node.down = new TransportError("misconfigured", message);
    const call = outcome(guard.allow("a", 5, "10s"));
    const ready = outcome(guard.ready());
    await runtime.settle();
    await expectError(
      call.then((end) => Promise.reject(end)),
      code,
      "no",
    );
    await expectError(
      ready.then((end) => Promise.reject(end)),
      code,
      "no",
    );
    await expectError(guard.allow("b", 5, "10s"), code, "no");
  });

  test("endpoints that name two clusters", async () => {
    const { runtime, guard, cluster } = scene({ onUnavailable: "allow", endpoints: ["n1:7400", "n3:7400"] });
    cluster.nodes[2]!.otherClusterId = "other";
    const ready = outcome(guard.ready());
    const call = outcome(guard.allow("a", 5, "10s"));
    await runtime.settle();
    for (const end of [ready, call]) {
      const error = await expectError(
        end.then((result) => Promise.reject(result)),
        "wrong_cluster",
        "no",
      );
      for (const part of ["n1:7400", "n3:7400", '"test"', '"other"']) expect(error.message).toContain(part);
    }
    await runtime.pass(5_000);
    await expectError(guard.ready(), "wrong_cluster", "no");
    await expectError(guard.allow("b", 5, "10s"), "wrong_cluster", "no");
    await expectError(guard.allow("b", 5, "10s", { requestId: "r" }), "wrong_cluster", "no");
    await expectError(guard.peek({ key: "b", limit: 5, window: "10s" }), "wrong_cluster", "no");
    expect(cluster.frames).toEqual([]);
    expect(cluster.nodes.flatMap((node) => [...node.streams])).toEqual([]);
  });

  test("endpoints of two clusters, the second one heard of when calls are in flight", async () => {
    const { runtime, guard, cluster } = scene({ onUnavailable: "allow", endpoints: ["n1:7400", "n3:7400"] });
    const other = cluster.nodes[2]!;
    other.otherClusterId = "other";
    other.down = new TransportError("not-sent", "n3:7400: connection refused");
    await connected(guard, runtime);
    cluster.nodes[0]!.answers = () => {};
    const call = outcome(guard.allow("a", 5, "10s"));
    await runtime.settle();
    other.down = null;
    await runtime.pass(900);
    const error = await expectError(
      call.then((end) => Promise.reject(end)),
      "wrong_cluster",
      "unknown",
    );
    for (const part of ["n1:7400", "n3:7400", '"test"', '"other"']) expect(error.message).toContain(part);
    await expectError(guard.ready(), "wrong_cluster", "no");
    expect(cluster.frames.map(({ endpoint }) => endpoint)).not.toContain("n3:7400");
  });

  test("an argument that the cluster refuses", async () => {
    const { runtime, guard, cluster } = scene({ onUnavailable: "allow" });
    await connected(guard, runtime);
    cluster.nodes[0]!.answers = (frame, stream) =>
      stream.fail(frame, { reason: ErrorReason.INVALID_ARGUMENT, applied: Applied.NO, message: "rules[0].window_us" });
    const call = outcome(guard.allow("a", 5, "10s"));
    await runtime.settle();
    await expectError(
      call.then((end) => Promise.reject(end)),
      "invalid_argument",
      "no",
    );
  });
});

describe("calls with request ids, peek, ready, close", () => {
  test("a request id goes with the call, on any attempt, to any endpoint", async () => {
    const { runtime, guard, cluster } = scene();
    let failures = 1;
    cluster.onUnary = (call) => {
      if (failures-- > 0) return Promise.reject(new TransportError("unknown", "lost"));
      return Promise.resolve(cluster.defaultUnary(call));
    };
    const call = guard.allow("a", 5, "10s", { requestId: "order-7" });
    await runtime.pass(200);
    expect(await call).toMatchObject({ allowed: true });
    expect(cluster.batches.map((batch) => batch.calls[0]!.requestId)).toEqual(["order-7", "order-7"]);
    expect(cluster.batches.map((batch) => batch.firstAttempt)).toEqual([false, false]);
  });

  test("what is no AbortSignal is refused by name", async () => {
    const { guard } = scene();
    const signal = {} as never;
    await expectError(guard.allow("a", 5, "10s", { signal }), "invalid_argument", "no");
    await guard.close();
  });

  test("peek charges nothing and never guesses", async () => {
    const { runtime, guard, cluster } = scene({ onUnavailable: "allow" });
    const peeked = guard.peek({ key: "a", policy: "login" });
    await runtime.settle();
    expect(await peeked).toMatchObject({ allowed: true, remaining: 4 });
    cluster.onUnary = () => Promise.reject(new TransportError("not-sent", "refused"));
    const lost = outcome(guard.peek({ key: "a", policy: "login" }));
    await runtime.pass(1_200);
    await expectError(
      lost.then((end) => Promise.reject(end)),
      "unavailable",
      "no",
    );
  });

  test("ready resolves with a leader, and says who did not answer when there is none", async () => {
    const { runtime, guard, cluster } = scene();
    for (const node of cluster.nodes) node.kill();
    const never = outcome(guard.ready({ timeoutMs: 500 }));
    await runtime.pass(500);
    const error = await expectError(
      never.then((end) => Promise.reject(end)),
      "unavailable",
      "no",
    );
    expect(error.message).toContain("n1:7400: connection refused");
    for (const node of cluster.nodes) node.down = null;
    const soon = guard.ready();
    await runtime.pass(1_000);
    await soon;
  });

  test("whoever closes waits for the same end", async () => {
    const { runtime, guard, cluster } = scene({ onUnavailable: "throw" });
    await connected(guard, runtime);
    let release = () => {};
    cluster.close = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    const ended: string[] = [];
    const first = guard.close().then(() => ended.push("first"));
    const second = guard.close().then(() => ended.push("second"));
    await runtime.settle();
    expect(ended).toEqual([]);
    release();
    await Promise.all([first, second, guard[Symbol.asyncDispose]()]);
    expect(ended).toEqual(["first", "second"]);
  });

  test("close ends the session, rejects what waits, and refuses what comes", async () => {
    const { runtime, guard, cluster } = scene();
    await connected(guard, runtime);
    cluster.nodes[0]!.answers = () => {};
    const call = outcome(guard.allow("a", 5, "10s"));
    await runtime.settle();
    await guard.close();
    await expectError(
      call.then((end) => Promise.reject(end)),
      "closed",
      "unknown",
    );
    await expectError(guard.allow("a", 5, "10s"), "closed", "no");
    await runtime.settle();
    expect(cluster.log.at(-1)).toBe("goodbye n1:7400");
    expect(cluster.closed).toBe(true);
    expect(runtime.keepsAlive).toBe(false);
  });
});

async function connected(guard: Guard<"login">, runtime: VirtualRuntime): Promise<void> {
  const call = guard.allow("warm", 5, "10s");
  await runtime.settle();
  await call;
}

function fakeSignal() {
  const listeners = new Set<() => void>();
  return {
    aborted: false,
    reason: undefined as unknown,
    listeners,
    addEventListener: (_: "abort", listener: () => void) => void listeners.add(listener),
    removeEventListener: (_: "abort", listener: () => void) => void listeners.delete(listener),
    abort(reason: unknown) {
      this.aborted = true;
      this.reason = reason;
      for (const listener of [...listeners]) listener();
    },
  };
}
