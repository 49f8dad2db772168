import { Outcome } from "@quorumguard/proto";
import { describe, expect, test } from "vitest";
import { type CallItem, take } from "./calls/call.ts";
import { countedDecision } from "./calls/decisions.ts";
import { createGuardCore } from "./create-guard-core.ts";
import type { Decision } from "./surface/guard.ts";
import { GuardError } from "./surface/guard-error.ts";
import { resolveRule } from "./surface/resolved-rule.ts";
import { AbortController } from "./testing/abort-controller.ts";
import { ScriptedCluster } from "./testing/scripted-cluster.ts";
import { VirtualRuntime } from "./testing/virtual-runtime.ts";
import { createLocalLimiter } from "./unavailable/local-limiter.ts";
import type { WaitTerms } from "./waiting-line.ts";
import { createWaitingLines } from "./waiting-lines.ts";

const rule = resolveRule({ limit: 2, window: "10s" }, "");
const patient: WaitTerms = { timeoutMs: 60_000, signal: null, onUnavailable: null };
const itemOf = (key = "k", cost = 1): CallItem => ({ key, rule, cost });

/** Lines before a real limiter that answers at once. */
function scene(maxWaiting = 1_000, perRequest = false) {
  const runtime = new VirtualRuntime();
  const limiter = createLocalLimiter(
    () => runtime.monotonicMs(),
    () => 1,
  );
  const asked: { readonly key: string; readonly cost: number; readonly timeoutMs: number }[] = [];
  const served: string[] = [];
  const lapsed: number[] = [];
  let held: Promise<void> | null = null;
  let failure: { readonly error: GuardError; readonly afterMs: number } | null = null;
  const lines = createWaitingLines({
    runtime,
    askTimeoutMs: 1_000,
    maxWaiting,
    perRequest,
    async ask(item, { timeoutMs }) {
      asked.push({ key: item.key, cost: item.cost, timeoutMs });
      if (failure !== null) {
        const { error, afterMs } = failure;
        await new Promise<void>((resolve) => void runtime.setTimer(resolve, afterMs));
        throw error;
      }
      await held;
      const at = limiter.decide({ ...item, ...take, group: null })!;
      const [outcome, remaining, reset, retry] = [at.outcomes, at.remaining, at.resetAfterMs, at.retryAfterMs];
      return countedDecision(item.rule, rule.limit, "quorum", outcome[0]!, remaining[0]!, reset[0]!, retry[0]!);
    },
    async lapse(_, { timeoutMs }) {
      lapsed.push(timeoutMs);
      throw new GuardError("unavailable", "no turn came", { applied: "no" });
    },
  });
  const wait = (name: string, item = itemOf(), terms = patient): Promise<Decision | GuardError> =>
    lines.wait(item, terms).then(
      (decision) => {
        served.push(`${name} ${decision.allowed ? "in" : "out"} at ${runtime.nowMs - 1_000}`);
        return decision;
      },
      (error: unknown) => {
        served.push(`${name} ${(error as GuardError).code} at ${runtime.nowMs - 1_000}`);
        return error as GuardError;
      },
    );
  /** Questions stay open until what is returned is called. */
  const hold = (): (() => void) => {
    let release = () => {};
    held = new Promise((resolve) => {
      release = () => {
        held = null;
        resolve();
      };
    });
    return release;
  };
  /** Questions come to nothing from now on, each after so long. */
  const fail = (error: GuardError, afterMs: number): void => {
    failure = { error, afterMs };
  };
  return { runtime, lines, wait, asked, served, lapsed, hold, fail };
}

describe("wait", () => {
  test("serves callers of one key in the order in which they came, each as soon as there is room", async () => {
    const { runtime, wait, served } = scene();
    for (const name of ["a", "b", "c", "d", "e"]) void wait(name);
    await runtime.pass(20_000);
    expect(served).toEqual(["a in at 0", "b in at 0", "c in at 10000", "d in at 10000", "e in at 20000"]);
  });

  test("lets only the first of a line ask, and not before it can be admitted", async () => {
    const { runtime, wait, asked, served } = scene();
    for (let at = 0; at < 100; at++) void wait(`w${at}`);
    await runtime.pass(9_999);
    // Two admissions, and one denial for the third, which stands for the 97 behind it.
    expect(asked).toHaveLength(3);
    expect(served).toHaveLength(2);
    await runtime.pass(1);
    expect(asked).toHaveLength(6);
  });

  test("nobody overtakes a dearer call before it", async () => {
    const { runtime, wait, served } = scene();
    void wait("first", itemOf("k", 1));
    void wait("dear", itemOf("k", 2));
    void wait("cheap", itemOf("k", 1));
    await runtime.pass(0);
    expect(served).toEqual(["first in at 0"]);
    await runtime.pass(30_000);
    expect(served.slice(1)).toEqual(["dear in at 10000", "cheap in at 20000"]);
  });

  test("keys have lines of their own", async () => {
    const { runtime, wait, served } = scene();
    for (const key of ["k", "k", "k", "other"]) void wait(key, itemOf(key));
    await runtime.pass(0);
    expect(served).toEqual(["k in at 0", "other in at 0", "k in at 0"]);
  });

  test("a turn that comes too late is told at once, with when it would be", async () => {
    const { runtime, wait, served } = scene();
    void wait("a");
    void wait("b");
    const late = wait("late", itemOf(), { ...patient, timeoutMs: 9_999 });
    await runtime.pass(0);
    expect(await late).toMatchObject({ allowed: false, reason: "limited", retryAfterMs: 10_000 });
    void wait("patient");
    await runtime.pass(4_000);
    // Behind one that pauses until 10,000.
    const later = await wait("later", itemOf(), { ...patient, timeoutMs: 5_999 });
    expect(later).toMatchObject({ allowed: false, retryAfterMs: 6_000, resetAfterMs: 6_000 });
    await runtime.pass(6_000);
    expect(served.at(-1)).toBe("patient in at 10000");
  });

  test("when that would be is told in whole milliseconds, and never too soon", async () => {
    const { runtime, wait } = scene();
    void wait("a");
    void wait("b");
    void wait("patient");
    await runtime.pass(0);
    await runtime.pass(3_999.25);
    const late = await wait("late", itemOf(), { ...patient, timeoutMs: 5 });
    expect(late).toMatchObject({ allowed: false, retryAfterMs: 6_001, resetAfterMs: 6_001 });
  });

  test("what no waiting cures is denied at once", async () => {
    const { runtime, wait, served } = scene();
    const never = wait("never", itemOf("k", 3));
    await runtime.pass(0);
    expect(await never).toMatchObject({ allowed: false, retryAfterMs: null });
    expect(served).toEqual(["never out at 0"]);
  });

  test("a question has the guard's deadline, however little the caller has left", async () => {
    const { runtime, wait, asked } = scene();
    void wait("long");
    void wait("short", itemOf("other"), { ...patient, timeoutMs: 300 });
    await runtime.pass(0);
    expect(asked.map(({ timeoutMs }) => timeoutMs)).toEqual([1_000, 1_000]);
  });

  test("one whose time is up while the first has no answer yet is denied by that answer, and not asked for: it would overtake", async () => {
    const { runtime, wait, asked, served, lapsed, hold } = scene();
    const release = hold();
    void wait("first");
    const second = wait("second", itemOf(), { ...patient, timeoutMs: 50 });
    const third = wait("third", itemOf("k", 2), { ...patient, timeoutMs: 50 });
    await runtime.pass(60);
    expect([asked.length, served]).toEqual([1, []]);
    release();
    await runtime.pass(0);
    // One of two is taken: there is room for the one, and for the other when that one is given back.
    expect(await second).toMatchObject({ allowed: false, reason: "limited", source: "quorum", retryAfterMs: 0 });
    expect(await third).toMatchObject({ allowed: false, remaining: 1, retryAfterMs: 10_000, resetAfterMs: 10_000 });
    expect(served[0]).toBe("first in at 60");
    expect([asked.length, lapsed]).toEqual([1, []]);
    expect(runtime.keepsAlive).toBe(false);
  });

  test("one whose time is up while the second asks is denied at once, by what the first was told", async () => {
    const { runtime, wait, served, lapsed, hold } = scene();
    const answerFirst = hold();
    void wait("first");
    void wait("second");
    const late = wait("late", itemOf(), { ...patient, timeoutMs: 50 });
    await runtime.pass(10);
    answerFirst();
    const answerSecond = hold();
    await runtime.pass(40);
    expect(served).toEqual(["first in at 10", "late out at 50"]);
    expect(await late).toMatchObject({ allowed: false, source: "quorum", remaining: 1, resetAfterMs: 9_960 });
    answerSecond();
    await runtime.pass(0);
    expect([served.at(-1), lapsed]).toEqual(["second in at 50", []]);
  });

  test("what is asked in time is waited for: an admission that comes later is one", async () => {
    const { runtime, wait, served, hold } = scene();
    void wait("a");
    void wait("b");
    void wait("c", itemOf(), { ...patient, timeoutMs: 10_020 });
    await runtime.pass(9_990);
    const answer = hold();
    await runtime.pass(500);
    expect(served).toHaveLength(2);
    answer();
    await runtime.pass(0);
    expect(served.at(-1)).toBe("c in at 10490");
  });

  test("if the question on its way is answered by nobody, `onUnavailable` decides for those whose time is up", async () => {
    const { runtime, wait, asked, served, lapsed, fail } = scene();
    fail(new GuardError("unavailable", "no leader took the call", { applied: "no" }), 1_000);
    void wait("first");
    void wait("second", itemOf(), { ...patient, timeoutMs: 50 });
    void wait("patient", itemOf(), { ...patient, timeoutMs: 1_500 });
    await runtime.pass(999);
    expect([served, lapsed]).toEqual([[], []]);
    await runtime.pass(1);
    expect(served).toEqual(["first unavailable at 1000", "second unavailable at 1000"]);
    expect(lapsed).toEqual([50]);
    await runtime.pass(1_000);
    expect(served.at(-1)).toBe("patient unavailable at 2000");
    expect(asked).toHaveLength(2);
  });

  test("an aborted caller leaves its place, counts nothing, and those behind it move up", async () => {
    const { runtime, wait, asked, served } = scene();
    const [pausing, queued] = [new AbortController(), new AbortController()];
    void wait("a");
    void wait("b");
    void wait("pausing", itemOf(), { ...patient, signal: pausing.signal });
    void wait("queued", itemOf(), { timeoutMs: null, signal: queued.signal, onUnavailable: null });
    void wait("last");
    await runtime.pass(1_000);
    queued.abort(new Error("gone"));
    pausing.abort();
    await runtime.pass(0);
    expect(served.slice(2).sort()).toEqual(["pausing aborted at 1000", "queued aborted at 1000"]);
    const asks = asked.length;
    await runtime.pass(9_000);
    expect(served.at(-1)).toBe("last in at 10000");
    expect(asked.length - asks).toBe(1);
  });

  test("a signal that is aborted already asks nothing", async () => {
    const { runtime, wait, asked } = scene();
    const over = new AbortController();
    over.abort(new Error("over"));
    const outcome = await wait("a", itemOf(), { ...patient, signal: over.signal });
    await runtime.pass(0);
    expect(outcome).toMatchObject({ code: "aborted", applied: "no" });
    expect(asked).toHaveLength(0);
  });

  test("only so many may wait, and closing ends them all", async () => {
    const { runtime, lines, wait, served } = scene(3);
    for (const name of ["a", "b", "c"]) void wait(name);
    expect(await wait("d")).toMatchObject({ code: "overloaded" });
    await runtime.pass(0);
    void wait("e");
    await runtime.pass(0);
    lines.close((key) => new GuardError("closed", `the guard was closed while ${key} waited`));
    await runtime.pass(0);
    expect(served).toEqual(["d overloaded at 0", "a in at 0", "b in at 0", "c closed at 0", "e closed at 0"]);
    expect(runtime.keepsAlive).toBe(false);
  });

  test("nothing of a line is left when nobody waits in it", async () => {
    const { runtime, wait } = scene();
    void wait("a");
    await runtime.pass(0);
    expect(runtime.keepsAlive).toBe(false);
  });
});

describe("wait, where what one request began may end with it", () => {
  const edge = (maxWaiting?: number) => scene(maxWaiting, true);

  test("each caller asks in its own request, in the order in which they came, and none of a line before its turn", async () => {
    const { runtime, wait, asked, served } = edge();
    for (const name of ["a", "b", "c", "d", "e"]) void wait(name);
    await runtime.pass(9_999);
    expect(served).toEqual(["a in at 0", "b in at 25"]);
    expect(asked).toHaveLength(3);
    await runtime.pass(10_100);
    expect(served.map((each) => each.split(" ").slice(0, 2).join(" "))).toEqual([
      "a in",
      "b in",
      "c in",
      "d in",
      "e in",
    ]);
    expect(asked.length).toBeLessThan(8);
    expect(runtime.keepsAlive).toBe(false);
  });

  test("those behind one whose request is over while it paused move up", async () => {
    const { runtime, wait, served } = edge();
    for (const name of ["a", "b"]) void wait(name);
    await runtime.pass(100);
    void wait("gone");
    await runtime.pass(100);
    runtime.endRequest();
    void wait("next");
    await runtime.pass(9_800);
    expect(served).toHaveLength(2);
    await runtime.pass(500);
    expect(served.slice(2).map((each) => each.split(" at ")[0])).toEqual(["next in"]);
  });

  test("and those behind one whose request is over while it asked, once it would have its answer", async () => {
    const { runtime, wait, asked, served, hold } = edge();
    hold();
    void wait("gone");
    await runtime.pass(100);
    runtime.endRequest();
    void wait("next");
    await runtime.pass(900);
    expect(asked).toHaveLength(1);
    hold()();
    await runtime.pass(400);
    expect(served.map((each) => each.split(" at ")[0])).toEqual(["next in"]);
  });

  test("those who have gone with their requests take up no room", async () => {
    const { runtime, wait } = edge(3);
    for (const key of ["k", "l", "m"]) void wait(`at ${key}`, itemOf(key, 2));
    await runtime.pass(0);
    for (const key of ["k", "l", "m"]) void wait(`behind at ${key}`, itemOf(key, 2));
    await runtime.settle();
    expect(await wait("one too many", itemOf("n"))).toMatchObject({ code: "overloaded" });
    runtime.endRequest();
    await runtime.pass(20_000);
    expect(await wait("another", itemOf("n"))).toMatchObject({ allowed: true });
  });

  test("one that was only late keeps waiting, behind those who came meanwhile", async () => {
    const { runtime, wait, served } = edge();
    for (const name of ["a", "b", "late"]) void wait(name);
    await runtime.pass(100);
    runtime.nowMs += 60_000;
    void wait("next", itemOf(), { ...patient, timeoutMs: 20_000 });
    await runtime.pass(20_000);
    expect(served.slice(2).map((each) => each.split(" ")[0])).toEqual(["next", "late"]);
  });

  test("whose time is up is told what the line knows, and before it does, what `onUnavailable` says", async () => {
    const { runtime, wait, asked, served, lapsed, fail } = edge();
    void wait("a");
    void wait("b");
    await runtime.pass(100);
    void wait("first");
    const late = wait("late", itemOf(), { ...patient, timeoutMs: 5_000 });
    await runtime.pass(50);
    expect(await late).toMatchObject({ allowed: false, source: "quorum", retryAfterMs: 9_875 });
    fail(new GuardError("unavailable", "no leader took the call", { applied: "no" }), 1_000);
    void wait("asks", itemOf("other"));
    void wait("behind", itemOf("other"), { ...patient, timeoutMs: 500 });
    const asks = asked.length;
    await runtime.pass(999);
    expect(served).toHaveLength(3);
    await runtime.pass(100);
    expect(served.slice(3).map((each) => each.split(" at ")[0])).toEqual(["asks unavailable", "behind unavailable"]);
    expect([lapsed, asked.length]).toEqual([[500], asks]);
  });

  test("an aborted caller leaves its place, and closing ends all", async () => {
    const { runtime, lines, wait, served } = edge();
    const gone = new AbortController();
    void wait("a");
    void wait("b");
    await runtime.pass(100);
    void wait("pausing", itemOf(), { ...patient, signal: gone.signal });
    void wait("next");
    await runtime.pass(1_000);
    gone.abort();
    await runtime.pass(9_025);
    expect(served.slice(2)).toEqual(["pausing aborted at 1100", "next in at 10025"]);
    void wait("last", itemOf("k", 2));
    await runtime.pass(10);
    lines.close(() => new GuardError("closed", "closed"));
    await runtime.pass(0);
    expect(served.at(-1)).toBe("last closed at 10135");
    expect(runtime.keepsAlive).toBe(false);
  });
});

test("what was decided in the cluster's place for the first of a line is its own affair: others have their own `onUnavailable`", async () => {
  const [cluster, runtime] = [new ScriptedCluster(1), new VirtualRuntime()];
  for (const node of cluster.nodes) node.kill();
  const platform = { defaultEndpoints: "n1:7400", client: "test", endpointOf: () => "n1:7400" };
  const guard = createGuardCore({ timeoutMs: 300 }, cluster, runtime, platform);
  const check = { key: "k", limit: 5, window: "1m" } as const;
  const wait = (timeoutMs: number, onUnavailable: "deny" | "allow" | "throw") =>
    guard.wait(check, { timeoutMs, onUnavailable }).catch((error: unknown) => error);
  const all = Promise.all([wait(3_000, "deny"), wait(800, "allow"), wait(800, "throw")]);
  await runtime.pass(5_000);
  expect(await all).toMatchObject([
    { allowed: false, source: "fail-closed" },
    { allowed: true, source: "fail-open" },
    { code: "unavailable" },
  ]);
  await guard.close();
});

test.each([
  ["throw", { code: "unavailable", applied: "no", message: /no turn came within 50 ms, .* nothing was counted/ }],
  ["local", { allowed: true, source: "local", degraded: true }],
  ["deny", { allowed: false, source: "fail-closed" }],
] as const)("a guard sends nothing for who leaves a line unasked: %s", async (onUnavailable, expected) => {
  const [cluster, runtime] = [new ScriptedCluster(1), new VirtualRuntime()];
  const platform = { defaultEndpoints: "n1:7400", client: "test", endpointOf: () => "n1:7400" };
  const guard = createGuardCore({ onUnavailable, timeoutMs: 1_000 }, cluster, runtime, platform);
  const warm = guard.allow("k", 100, "1h");
  await runtime.settle();
  await warm;
  cluster.nodes[0]!.answers = () => {};
  const check = { key: "k", limit: 100, window: "1h" } as const;
  const first = guard.wait(check, { timeoutMs: 3_000 }).catch(() => {});
  const second = guard.wait(check, { timeoutMs: 50 }).catch((error: unknown) => error);
  await runtime.settle();
  const sent = cluster.frames.length;
  await runtime.pass(60);
  expect(await Promise.race([second, "waits"])).toBe("waits");
  await runtime.pass(1_000);
  const answer = (await second) as object;
  expect(answer).toMatchObject(
    "message" in expected ? { ...expected, message: expect.stringMatching(expected.message) } : expected,
  );
  expect(cluster.frames).toHaveLength(sent);
  await guard.close();
  await first;
});

test.each(["throw", "local"] as const)(
  "the answer to a question of the last moment is waited for: %s",
  async (onUnavailable) => {
    const [cluster, runtime] = [new ScriptedCluster(1), new VirtualRuntime()];
    const platform = { defaultEndpoints: "n1:7400", client: "test", endpointOf: () => "n1:7400" };
    const guard = createGuardCore({ onUnavailable, timeoutMs: 1_000 }, cluster, runtime, platform);
    const warm = guard.allow("k", 1, "1s");
    await runtime.settle();
    await warm;
    const degraded: unknown[] = [];
    guard.on("degraded", (event) => degraded.push(event));
    const outcomes = [Outcome.LIMITED, Outcome.ALLOWED];
    cluster.nodes[0]!.answers = (frame, stream) => {
      const outcome = outcomes.shift()!;
      runtime.setTimer(() => stream.reply(frame, outcome, 1, { retryAfterMs: 990 }), 20);
    };
    const waited = guard.wait({ key: "k", limit: 1, window: "1s" }, { timeoutMs: 1_011 });
    waited.catch(() => {});
    // It is admitted in its last millisecond, and hears of it 19 ms later.
    await runtime.pass(1_030);
    expect(await waited).toMatchObject({ allowed: true, source: "quorum", degraded: false });
    expect(degraded).toEqual([]);
    await guard.close();
  },
);
