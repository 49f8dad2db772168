import { Applied, ErrorReason, Outcome } from "@quorumguard/proto";
import { describe, expect, test } from "vitest";
import { createGuardCore, createRequestGuard } from "../create-guard-core.ts";
import type { Decision, Guard, GuardEvent, OnUnavailable } from "../surface/guard.ts";
import { GuardError } from "../surface/guard-error.ts";
import type { GuardOptions } from "../surface/guard-options.ts";
import { AbortController } from "../testing/abort-controller.ts";
import { ScriptedCluster } from "../testing/scripted-cluster.ts";
import { VirtualRuntime } from "../testing/virtual-runtime.ts";
import { TransportError } from "../transport.ts";
import type { BreakerState } from "./breaker.ts";

interface Scene {
  readonly cluster: ScriptedCluster;
  readonly runtime: VirtualRuntime;
  readonly guard: Guard;
  readonly events: GuardEvent[];
  readonly breaker: BreakerState[];
  readonly degraded: Map<string, number>;
}

type Answer = Decision | GuardError;

/** `streams` false: as over fetch, each call is a request of its own. */
function scene(options: Partial<GuardOptions> = {}, streams = true): Scene {
  const cluster = new ScriptedCluster(1);
  const runtime = new VirtualRuntime();
  const breaker: BreakerState[] = [];
  const degraded = new Map<string, number>();
  const observer = {
    breakerChanged: (state: BreakerState) => void breaker.push(state),
    degradedDecisions: (source: string, checks: number) =>
      void degraded.set(source, (degraded.get(source) ?? 0) + checks),
  };
  const create = streams ? createGuardCore : createRequestGuard;
  const guard = create({ timeoutMs: 200, onUnavailable: "local", ...options }, cluster, runtime, {
    defaultEndpoints: "n1:7400",
    client: "test",
    endpointOf: () => "n1:7400",
    observer,
  });
  const events: GuardEvent[] = [];
  for (const type of ["degraded", "recovered"] as const) guard.on(type, (event) => events.push(event));
  return { cluster, runtime, guard, events, breaker, degraded };
}

/** One call, followed until it has an end. */
async function ask(at: Scene, options: Parameters<Guard["allow"]>[3] = {}, limit = 100): Promise<Answer> {
  const answer = at.guard.allow("k", limit, "1h", options).catch((error: GuardError) => error);
  let over = false;
  void answer.then(() => {
    over = true;
  });
  await at.runtime.settle();
  for (let i = 0; i < 400 && !over; i++) await at.runtime.pass(20);
  expect(over).toBe(true);
  return answer;
}

async function askUntilOpen(at: Scene): Promise<Answer[]> {
  const answers: Answer[] = [];
  while (at.breaker.at(-1) !== "open") {
    expect(answers.length).toBeLessThan(10);
    answers.push(await ask(at));
  }
  return answers;
}

function goDark({ cluster }: Scene): void {
  cluster.nodes[0]!.kill();
  cluster.onUnary = () => Promise.reject(new TransportError("not-sent", "n1:7400: connection refused"));
}

function comeBack({ cluster }: Scene): void {
  cluster.nodes[0]!.down = null;
  cluster.onUnary = (call) => Promise.resolve(cluster.defaultUnary(call));
}

describe.each([
  ["with streams", true],
  ["without streams", false],
] as const)("a cluster that does not decide, %s", (_, streams) => {
  test("is asked by five calls in vain, then the others are answered at once", async () => {
    const at = scene({}, streams);
    await ask(at);
    goDark(at);
    expect(await askUntilOpen(at)).toHaveLength(5);
    const beforeMs = at.runtime.nowMs;
    const asked = at.cluster.batches.length;
    const answers: Decision[] = [];
    for (let i = 0; i < 40; i++) void at.guard.allow("k", 100, "1h").then((answer) => answers.push(answer));
    await at.runtime.settle();
    expect(at.runtime.nowMs).toBe(beforeMs);
    // One of them may be the probe.
    expect(answers.length).toBeGreaterThanOrEqual(39);
    for (const answer of answers) expect(answer).toMatchObject({ source: "local", degraded: true });
    expect(at.cluster.batches.length).toBeLessThanOrEqual(asked + 1);
  });

  test("that was never reached is spared as well", async () => {
    const at = scene({}, streams);
    goDark(at);
    expect(await askUntilOpen(at)).toHaveLength(5);
  });

  test("decides again two seconds after it is back, whoever asks", async () => {
    const at = scene({}, streams);
    await ask(at);
    goDark(at);
    await askUntilOpen(at);
    await at.runtime.pass(60_000);
    comeBack(at);
    const since = at.runtime.nowMs;
    while (at.runtime.nowMs - since < 2_000) {
      await ask(at);
      await at.runtime.pass(50);
    }
    for (let i = 0; i < 20; i++) expect(await ask(at)).toMatchObject({ source: "quorum" });
    expect(at.breaker).toEqual(["open", "ramping", "closed"]);
  });

  test("is told of once when it goes and once when it is back for all, not at each call in between", async () => {
    const at = scene({}, streams);
    await ask(at);
    goDark(at);
    await askUntilOpen(at);
    comeBack(at);
    at.runtime.chance = 0.99;
    const sources: (string | undefined)[] = [];
    for (let i = 0; i < 60; i++) {
      sources.push(((await ask(at)) as Decision).source);
      await at.runtime.pass(50);
    }
    // The probe, then what was not yet let through, then everything.
    expect(sources.indexOf("local", sources.indexOf("quorum"))).toBeGreaterThan(0);
    expect(at.events.map(({ type }) => type)).toEqual(["degraded", "recovered"]);
  });

  test("says in the error of a call that is not sent since when, and what was wrong", async () => {
    const at = scene({ onUnavailable: "throw" }, streams);
    goDark(at);
    await askUntilOpen(at);
    at.runtime.nowMs += 3_000;
    const calls = [1, 2].map(() => at.guard.allow("k", 100, "1h").catch((error: GuardError) => error));
    const error = await Promise.race(calls);
    expect(error).toBeInstanceOf(GuardError);
    expect(error).toMatchObject({ code: "unavailable", applied: "no", retry: "safe" });
    expect((error as GuardError).message).toMatch(
      /^the breaker is open since 3000 ms: .*no leader took the call within 200 ms.*connection refused/,
    );
    await at.runtime.pass(2_000);
  });

  test("is counted: every decision that was not its own, by its source", async () => {
    const at = scene({}, streams);
    goDark(at);
    await askUntilOpen(at);
    await ask(at, { onUnavailable: "allow" });
    await ask(at, { onUnavailable: "deny" });
    const group = at.guard.allowAll([
      { key: "a", limit: 5, window: "1h" },
      { key: "b", limit: 5, window: "1h" },
    ]);
    await at.runtime.pass(300);
    await group;
    await ask(at, { onUnavailable: "throw" });
    expect([...at.degraded]).toEqual([
      ["local", 7],
      ["fail-open", 1],
      ["fail-closed", 1],
    ]);
  });
});

test("calls that keep coming do not make connecting any quicker than the pause that suits those who wait", async () => {
  const at = scene({ timeoutMs: 1_000 });
  await ask(at);
  goDark(at);
  const before = at.cluster.log.length;
  const calls: Promise<Decision>[] = [];
  for (let i = 0; i < 900; i++) {
    calls.push(at.guard.allow("k", 1_000, "1h"));
    await at.runtime.pass(1);
  }
  // 2.5, 5, 10, 20, 40, then 50 ms apart.
  expect(at.cluster.log.slice(before).filter((line) => line.startsWith("open")).length).toBeLessThanOrEqual(25);
  await at.runtime.pass(1_200);
  await Promise.all(calls);
});

test("nothing more is sent to a node that is silent: it would be counted when nobody waits for it", async () => {
  const at = scene({ timeoutMs: 1_000, onUnavailable: "throw" });
  await ask(at);
  at.cluster.nodes[0]!.answers = () => {};
  at.cluster.pongs = false;
  at.cluster.frames.length = 0;
  const ends: Promise<Answer>[] = [];
  for (let i = 0; i < 140; i++) {
    ends.push(at.guard.allow("k", 1_000, "1h").catch((error: GuardError) => error));
    await at.runtime.pass(10);
  }
  // Four frames may be on their way; those behind them were never sent.
  expect(at.cluster.frames).toHaveLength(4);
  goDark(at);
  await at.runtime.pass(1_500);
  const applied = (await Promise.all(ends)).map((end) => (end as GuardError).applied);
  expect(applied.filter((each) => each === "unknown")).toHaveLength(4);
});

test("a node that is heard again gets the calls that waited for it, without another call", async () => {
  const at = scene({ timeoutMs: 10_000 });
  await ask(at);
  at.cluster.pongs = false;
  await at.runtime.pass(1_200);
  const call = at.guard.allow("k", 1_000, "1h");
  await at.runtime.settle();
  expect(at.cluster.frames).toHaveLength(1);
  for (const stream of at.cluster.nodes[0]!.streams) stream.send({ case: "pong", value: {} });
  await at.runtime.settle();
  expect(await call).toMatchObject({ source: "quorum" });
});

test("a call that comes while nobody waited ends the long pause between attempts", async () => {
  const at = scene();
  await ask(at);
  goDark(at);
  await at.runtime.pass(30_000);
  const before = at.cluster.log.length;
  const call = ask(at);
  await at.runtime.settle();
  expect(at.cluster.log.slice(before)).toContain("open n1:7400");
  await call;
});

describe("what says nothing about the cluster does not open the breaker (SEMANTICS U1)", () => {
  async function hundred(at: Scene, options: Parameters<Guard["allow"]>[3] = {}): Promise<Answer[]> {
    const answers: Answer[] = [];
    for (let i = 0; i < 100; i++) {
      answers.push(await ask(at, options));
      // Silence is what the breaker waits for as well.
      await at.runtime.pass(10);
    }
    return answers;
  }

  test("a full table of keys", async () => {
    const at = scene({ onUnavailable: "throw" });
    await ask(at);
    at.cluster.nodes[0]!.answers = (frame, stream) => stream.reply(frame, Outcome.KEYS_FULL);
    for (const answer of await hundred(at)) expect(answer).toMatchObject({ code: "keys_full" });
    expect(at.breaker).toEqual([]);
  });

  test("a node that has too much to do", async () => {
    const at = scene({ onUnavailable: "throw" });
    await ask(at);
    at.cluster.nodes[0]!.answers = (frame, stream) =>
      stream.fail(frame, { reason: ErrorReason.OVERLOADED, applied: Applied.NO, message: "too much" });
    for (const answer of await hundred(at)) expect(answer).toBeInstanceOf(GuardError);
    expect(at.breaker).toEqual([]);
  });

  test("a process with too many calls of its own", async () => {
    const at = scene({ onUnavailable: "throw", maxPendingCalls: 1 });
    at.cluster.nodes[0]!.answers = () => {};
    const first = at.guard.allow("k", 1, "1h").catch((error: GuardError) => error);
    for (let i = 0; i < 100; i++) expect(await ask(at)).toMatchObject({ code: "overloaded" });
    expect(at.breaker).toEqual([]);
    await at.runtime.pass(300);
    await first;
  });

  test("a caller that waits for less long than the guard would", async () => {
    const at = scene({ onUnavailable: "throw" });
    await ask(at);
    at.cluster.nodes[0]!.answers = () => {};
    for (const answer of await hundred(at, { timeoutMs: 1 })) expect(answer).toMatchObject({ code: "timed_out" });
    expect(at.breaker).toEqual([]);
  });

  test("a caller that gives up", async () => {
    const at = scene({ onUnavailable: "throw" });
    await ask(at);
    at.cluster.nodes[0]!.answers = () => {};
    for (let i = 0; i < 20; i++) {
      const controller = new AbortController();
      const call = ask(at, { signal: controller.signal });
      await at.runtime.settle();
      controller.abort();
      expect(await call).toMatchObject({ code: "aborted" });
    }
    expect(at.breaker).toEqual([]);
  });
});

describe("an open breaker", () => {
  async function open(options: Partial<GuardOptions> = {}): Promise<Scene> {
    const at = scene(options);
    await ask(at);
    goDark(at);
    await askUntilOpen(at);
    return at;
  }

  test("makes nobody wait while nobody is connected", async () => {
    const at = await open();
    const beforeMs = at.runtime.nowMs;
    for (let i = 0; i < 100; i++) expect(await at.guard.allow("k", 1_000, "1h")).toMatchObject({ source: "local" });
    expect(at.runtime.nowMs).toBe(beforeMs);
  });

  test("costs one caller at a time its deadline, at most a second, where a node takes calls and does not decide", async () => {
    const at = await open({ timeoutMs: 3_000 });
    at.cluster.nodes[0]!.answers = () => {};
    comeBack(at);
    at.cluster.frames.length = 0;
    await at.runtime.pass(1_000);
    const sinceMs = at.runtime.nowMs;
    const waits: number[] = [];
    const calls = [1, 2, 3].map(() =>
      at.guard.allow("k", 1_000, "1h").then(() => waits.push(at.runtime.nowMs - sinceMs)),
    );
    await at.runtime.pass(2_000);
    await Promise.all(calls);
    expect(waits).toEqual([0, 0, 1_000]);
    expect(at.cluster.frames.map(({ keys }) => keys)).toEqual([["k"]]);
  });

  test("does not keep peek and ready from the cluster", async () => {
    const at = await open();
    at.cluster.onUnary = (call) => Promise.resolve(at.cluster.defaultUnary(call));
    expect(await at.guard.peek({ key: "k", limit: 5, window: "1h" })).toMatchObject({ source: "quorum" });
    comeBack(at);
    const ready = at.guard.ready({ timeoutMs: 1_000 });
    await at.runtime.pass(500);
    await ready;
    expect(at.breaker).toEqual(["open"]);
  });

  test("does not keep what settles a hold from the cluster: nothing else can", async () => {
    const at = scene({ onUnavailable: "throw" });
    const reserving = at.guard.reserve({ key: "k", limit: 5, window: "1h" }, { ttl: "60s" });
    await at.runtime.settle();
    const hold = await reserving;
    goDark(at);
    await askUntilOpen(at);
    const commit = hold.allowed ? hold.commit() : Promise.reject(new Error("denied"));
    comeBack(at);
    await at.runtime.pass(190);
    await commit;
  });

  test.each([
    ["a wrong token", "unauthenticated: bad token", "unauthenticated"],
    ["a wrong certificate", "n1:7400: the certificate is not signed by the CA", "misconfigured"],
  ])("%s that is found meanwhile throws, whatever onUnavailable says", async (_, message, code) => {
    for (const onUnavailable of ["local", "allow", "deny"] as const satisfies readonly OnUnavailable[]) {
      const at = await open({ onUnavailable });
      at.cluster.nodes[0]!.down = new TransportError("misconfigured", message);
      await at.runtime.pass(1_000);
      expect(await ask(at)).toMatchObject({ code, applied: "no" });
    }
  });

  test("a policy that nobody knows throws once the cluster is back, and an option that nobody reads throws at once", async () => {
    const at = await open({ onUnavailable: "allow" });
    expect(await ask(at, { timeoutMS: 5 } as never)).toMatchObject({ code: "invalid_argument" });
    at.cluster.nodes[0]!.answers = (frame, stream) => stream.reply(frame, Outcome.UNKNOWN_POLICY);
    comeBack(at);
    await at.runtime.pass(1_000);
    const unknown = at.guard.allow("k", "no-such-policy").catch((error: GuardError) => error);
    await at.runtime.settle();
    expect(await unknown).toMatchObject({ code: "unknown_policy" });
  });
});

describe("the local count (SEMANTICS U1)", () => {
  const admittedOf = async (at: Scene, limit: number): Promise<number> => {
    let admitted = 0;
    for (let i = 0; i < 30; i++) {
      const answer = (await ask(at, {}, limit)) as Decision;
      if (answer.source === "local" && answer.allowed) admitted += 1;
    }
    return admitted;
  };

  test("has the share of one of as many clients as the cluster told last", async () => {
    const at = scene();
    await ask(at);
    for (const stream of at.cluster.nodes[0]!.streams) stream.send({ case: "fleet", value: { clients: 4 } });
    goDark(at);
    expect(await admittedOf(at, 10)).toBe(2);
  });

  test("outlives outages: a connection that comes and goes earns no fresh share", async () => {
    const at = scene();
    await ask(at);
    let admitted = 0;
    for (let outage = 0; outage < 3; outage++) {
      goDark(at);
      admitted += await admittedOf(at, 10);
      comeBack(at);
      await at.runtime.pass(1_000);
      for (let i = 0; i < 40; i++) await ask(at).then(() => at.runtime.pass(50));
      expect(at.breaker.at(-1)).toBe("closed");
    }
    expect(admitted).toBe(10);
  });
});

describe("a denial of the cluster that still holds (DESIGN §8)", () => {
  /** The cluster denied `denied` firmly for a minute, and went away. */
  async function scene60s(onUnavailable: OnUnavailable): Promise<Scene> {
    const at = scene({ onUnavailable });
    at.cluster.appliedIndex = 1n;
    const told = { index: 9, remaining: 0, resetAfterMs: 60_000, retryAfterMs: 60_000, firmForMs: 60_000 };
    at.cluster.nodes[0]!.answers = (frame, stream) => stream.reply(frame, Outcome.LIMITED, 1, told);
    const denied = at.guard.allow("denied", 5, "1h");
    await at.runtime.settle();
    await denied;
    goDark(at);
    await askUntilOpen(at);
    return at;
  }
  const group = (at: Scene) =>
    at.guard.allowAll([
      { key: "denied", limit: 5, window: "1h" },
      { key: "other", limit: 1, window: "1h" },
    ]);

  test.each([
    ["allow", "fail-open"],
    ["local", "local"],
  ] as const)(
    "is honoured when onUnavailable is %s, and denies the group that it is in, which charges nothing",
    async (onUnavailable, source) => {
      const at = await scene60s(onUnavailable);
      expect(await at.guard.allow("denied", 5, "1h")).toMatchObject({ allowed: false, source: "denial-cache" });
      expect(await group(at)).toMatchObject({
        allowed: false,
        decisions: [
          { allowed: false, source: "denial-cache", degraded: false },
          { allowed: true, source, degraded: true, remaining: null },
        ],
      });
      expect(await at.guard.allow("other", 1, "1h")).toMatchObject({ allowed: true, source });
      const reserved = await at.guard.reserve({ key: "denied", limit: 5, window: "1h" });
      expect(reserved).toMatchObject({ allowed: false, source: "denial-cache" });
    },
  );

  test("is over when its time is", async () => {
    const at = await scene60s("allow");
    at.runtime.nowMs += 61_000;
    expect(await group(at)).toMatchObject({ allowed: true });
  });
});
