import { Verb } from "@quorumguard/limiter";
import { describe, expect, test } from "vitest";
import { createGuardCore } from "../create-guard-core.ts";
import type { CallOptions, Decision, Guard } from "../surface/guard.ts";
import type { GuardOptions } from "../surface/guard-options.ts";
import { ScriptedCluster, type ScriptedStream, type ToldByReply } from "../testing/scripted-cluster.ts";
import { VirtualRuntime } from "../testing/virtual-runtime.ts";
import type { LocalAnswerCounts } from "./local-answer-counts.ts";

const LEASE_MS = 1_000;

interface SeenHold {
  readonly verb: number;
  readonly cost: number;
  readonly handle: number;
  readonly atMs: number;
}

/** A cluster that grants whatever it is asked for, and a guard whose policy may be leased. */
class Scene {
  readonly runtime = new VirtualRuntime();
  readonly cluster = new ScriptedCluster();
  readonly guard: Guard<"api">;
  readonly grants: SeenHold[] = [];
  readonly returns: SeenHold[] = [];
  takes = 0;
  remaining = 900;
  /** What grants are told, and how they come out. */
  granted: ToldByReply = { firmForMs: LEASE_MS };
  outcome = 1;
  index = 20;
  policyVersion = 0;
  /** How long a grant's answer takes. */
  delayMs = 0;

  constructor(options: Partial<GuardOptions<"api">> = {}, counts: LocalAnswerCounts[] = []) {
    this.cluster.appliedIndex = 10n;
    for (const node of this.cluster.nodes) {
      node.answers = (frame, stream) => {
        const verb = frame.verbs?.[0] ?? Verb.take;
        const { remaining, granted, outcome } = this;
        const told = { index: this.index, policyVersion: this.policyVersion, remaining };
        const seen = (item: number) => ({
          verb,
          cost: frame.costs?.[item] ?? 1,
          handle: frame.handles?.[item] ?? 0,
          atMs: this.runtime.nowMs,
        });
        for (let item = 0; item < frame.items; item++) {
          if (frame.verbs?.[item] === Verb.grant) this.grants.push(seen(item));
          else if (frame.verbs?.[item] === Verb.giveBack) this.returns.push(seen(item));
          else this.takes += 1;
        }
        if (verb !== Verb.grant) stream.reply(frame, 1, 1, told);
        else this.runtime.setTimer(() => stream.reply(frame, outcome, 1, { ...told, ...granted }), this.delayMs);
      };
    }
    this.guard = createGuardCore(
      {
        endpoints: ["n1:7400"],
        policies: { api: { limit: 1_000, window: "10s", lease: true } },
        onUnavailable: "throw",
        ...options,
      },
      this.cluster,
      this.runtime,
      {
        defaultEndpoints: "n1:7400",
        client: "test",
        endpointOf: (member) => member.grpcEndpoint,
        observer: { localAnswers: (each) => void counts.push(each) },
      },
    );
  }

  async allow(options: CallOptions = {}): Promise<Decision> {
    const call = this.guard.allow("k", "api", options);
    await this.runtime.settle();
    return call;
  }

  /** One call per `everyMs` for so long; what they came to. */
  async load(forMs: number, everyMs = 5): Promise<Decision[]> {
    const decisions: Decision[] = [];
    for (const untilMs = this.runtime.nowMs + forMs; this.runtime.nowMs < untilMs; ) {
      decisions.push(await this.allow());
      await this.runtime.pass(everyMs);
    }
    return decisions;
  }

  /** Asks until there is a lease. */
  async lease(): Promise<void> {
    while (this.grants.length === 0) await this.load(1, 1);
    await this.runtime.pass(this.delayMs);
    expect(this.grants.length).toBe(1);
  }

  get stream(): ScriptedStream {
    return [...this.cluster.nodes[this.cluster.leaderId - 1]!.streams].at(-1)!;
  }

  async push(value: object) {
    this.stream.send({ case: "forget", value: value as never });
    await this.runtime.settle();
  }
}

const bySource = (decisions: readonly Decision[], source: string) =>
  decisions.filter((decision) => decision.source === source).length;

describe("a key that is asked for often", () => {
  test("is leased: calls are admitted by what was charged beforehand, and say so", async () => {
    const scene = new Scene();
    await scene.lease();
    const { cost } = scene.grants[0]!;
    const before = scene.takes;
    expect(await scene.allow()).toEqual({
      allowed: true,
      reason: null,
      retryAfterMs: 0,
      policy: "api",
      limit: 1_000,
      remaining: 900 + cost - 1,
      resetAfterMs: 999,
      source: "lease",
      degraded: false,
      shadow: null,
    });
    expect(await scene.allow({ cost: 2 })).toMatchObject({ source: "lease", remaining: 900 + cost - 3 });
    expect(scene.takes).toBe(before);
  });

  test("is renewed ahead of exhaustion: under a steady load no call waits for the cluster any more", async () => {
    const scene = new Scene();
    scene.delayMs = 10;
    await scene.load(2_000);
    const decisions = await scene.load(5_000);
    expect(bySource(decisions, "lease")).toBe(decisions.length);
    // Far fewer messages than calls, and next to nothing is wasted.
    expect(scene.grants.length).toBeLessThan(40);
  });

  test("gets leases for half of what is expected while they last, a tenth of the limit at most", async () => {
    const scene = new Scene();
    await scene.load(4_000);
    // 200 calls a second, for a second.
    const { cost } = scene.grants.at(-1)!;
    expect(cost).toBeGreaterThan(85);
    expect(cost).toBeLessThanOrEqual(100);
    await scene.load(500, 1);
    expect(Math.max(...scene.grants.map((grant) => grant.cost))).toBe(100);
  });

  test("gets smaller ones as little is left, and then none", async () => {
    const scene = new Scene();
    scene.remaining = 20;
    await scene.load(2_000);
    expect(scene.grants.length).toBeGreaterThan(0);
    expect(Math.max(...scene.grants.map((grant) => grant.cost))).toBeLessThanOrEqual(10);
    const { length } = scene.grants;
    scene.remaining = 7;
    await scene.load(300);
    const since = scene.grants.length;
    const decisions = await scene.load(1_000);
    expect(scene.grants.length).toBe(since);
    expect(bySource(decisions, "quorum")).toBeGreaterThan(150);
    expect(since - length).toBeLessThanOrEqual(2);
  });

  test("gets one lease at a time: calls that were on their way when it came ask for no other", async () => {
    const scene = new Scene();
    const waiting: (() => void)[] = [];
    const [node] = scene.cluster.nodes;
    const answers = node!.answers;
    await scene.load(90, 1);
    node!.answers = (frame, stream) => {
      if (frame.verbs === null) waiting.push(() => answers(frame, stream));
      else answers(frame, stream);
    };
    const calls = Array.from({ length: 3 }, () => scene.guard.allow("k", "api"));
    await scene.runtime.settle();
    await scene.runtime.pass(50);
    const late = scene.guard.allow("k", "api");
    await scene.runtime.settle();
    expect(waiting.length).toBe(2);
    // The first frame's answers ask for a lease, which comes at once; then come those of the second.
    waiting[0]!();
    await scene.runtime.settle();
    expect(scene.grants.length).toBe(1);
    await scene.runtime.pass(110);
    waiting[1]!();
    await scene.runtime.settle();
    expect((await Promise.all([...calls, late])).map(({ source }) => source)).toEqual(Array(4).fill("quorum"));
    expect(scene.grants.length).toBe(1);
  });

  test("waits for no grant: calls go the normal way while one is under way", async () => {
    const scene = new Scene();
    scene.delayMs = 100;
    while (scene.grants.length === 0) await scene.load(1, 1);
    expect(await scene.allow()).toMatchObject({ source: "quorum" });
    expect(await scene.allow()).toMatchObject({ source: "quorum" });
    await scene.runtime.pass(100);
    expect(await scene.allow()).toMatchObject({ source: "lease" });
    expect(scene.grants.length).toBe(1);
  });
});

describe("no lease", () => {
  test("for a key that is seldom asked for", async () => {
    const scene = new Scene();
    const decisions = await scene.load(5_000, 200);
    expect(bySource(decisions, "quorum")).toBe(decisions.length);
    expect(scene.grants).toEqual([]);
  });

  test.each([
    ["the policy does not say so", { policies: { api: { limit: 1_000, window: "10s" } } }],
    ["it says no", { policies: { api: { limit: 1_000, window: "10s", lease: false } }, lease: true }],
    ["nothing may be remembered", { maxRememberedKeys: 0 }],
  ] as const)("if %s", async (_, options) => {
    const scene = new Scene(options);
    await scene.load(1_000);
    expect(scene.grants).toEqual([]);
  });

  test("but the guard's own word goes for policies that say nothing", async () => {
    const scene = new Scene({ policies: { api: { limit: 1_000, window: "10s" } }, lease: true });
    await scene.lease();
  });

  test("may be wished for in any other way than by true and false, nor for slots", () => {
    const message = (options: object) => {
      try {
        new Scene(options);
        return "";
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(message({ lease: "yes" })).toBe('lease: "yes" is out of bounds: it must be true or false');
    const slots = { api: { limit: 5, window: "10s", algorithm: "concurrency", lease: true } };
    expect(message({ policies: slots })).toBe(
      "policies.api.lease: true is out of bounds: slots of concurrency are never leased; leave it out",
    );
  });

  test("is asked for again where the cluster never grants one, until policies change", async () => {
    const scene = new Scene();
    scene.outcome = 2;
    scene.granted = { retryAfterMs: -1 };
    await scene.load(2_000);
    expect(scene.grants.length).toBe(1);
    scene.granted = { firmForMs: LEASE_MS };
    scene.outcome = 1;
    await scene.push({ index: 30n, policyVersion: 1n, all: true });
    scene.index = 31;
    scene.policyVersion = 1;
    await scene.load(1_000);
    expect(scene.grants.length).toBeGreaterThan(1);
  });

  test("answers a group, a reservation or a call with a request id", async () => {
    const scene = new Scene();
    await scene.lease();
    const calls = [
      scene.guard.allowAll([{ key: "k", policy: "api" }]),
      scene.guard.reserve({ key: "k", policy: "api" }),
      scene.guard.allow("k", "api", { requestId: "once" }),
    ] as const;
    await scene.runtime.settle();
    const [group, reservation, request] = await Promise.all(calls);
    expect([group.decisions[0]!.source, reservation.source, request.source]).toEqual(["quorum", "quorum", "quorum"]);
  });
});

describe("L2, L3: a lease is never overspent", () => {
  test("no more than was granted; a call that costs more than is left goes to the cluster", async () => {
    const scene = new Scene();
    await scene.lease();
    const { cost } = scene.grants[0]!;
    // No other lease comes.
    scene.delayMs = 100_000;
    expect(await scene.allow({ cost: cost + 1 })).toMatchObject({ source: "quorum" });
    expect(await scene.allow({ cost: cost - 1 })).toMatchObject({ source: "lease" });
    expect(await scene.allow({ cost: 2 })).toMatchObject({ source: "quorum" });
    expect(await scene.allow()).toMatchObject({ source: "lease" });
    expect(await scene.allow()).toMatchObject({ source: "quorum" });
  });

  test("it ends at 98 % of its time, counted from the first send of its request and not from the answer", async () => {
    const scene = new Scene();
    scene.delayMs = 300;
    await scene.lease();
    const sentMs = scene.grants[0]!.atMs;
    scene.delayMs = 100_000;
    // Spent now and then, so that it is not idle, until little of its time is left.
    while (scene.runtime.nowMs < sentMs + 840) {
      expect(await scene.allow()).toMatchObject({ source: "lease" });
      await scene.runtime.pass(20);
    }
    scene.runtime.nowMs = sentMs + 979;
    expect(await scene.guard.allow("k", "api")).toMatchObject({ source: "lease" });
    scene.runtime.nowMs = sentMs + 980;
    expect(await scene.allow()).toMatchObject({ source: "quorum" });
  });

  test("it ends when the cluster says, at the edge of a fixed window, however long leases may be", async () => {
    const scene = new Scene();
    scene.granted = { firmForMs: 120 };
    await scene.lease();
    const sentMs = scene.grants[0]!.atMs;
    scene.delayMs = 100_000;
    scene.runtime.nowMs = sentMs + 117;
    expect(await scene.guard.allow("k", "api")).toMatchObject({ source: "lease" });
    scene.runtime.nowMs = sentMs + 118;
    expect(await scene.allow()).toMatchObject({ source: "quorum" });
  });

  test("it ends by the wall clock if a frozen machine's monotonic clock stood still", async () => {
    const scene = new Scene();
    await scene.lease();
    scene.runtime.wallStepMs += 980;
    expect(await scene.allow()).toMatchObject({ source: "quorum" });
  });

  test("one whose answer was held up until it was over is not spent at all, but given back", async () => {
    const scene = new Scene({ timeoutMs: 5_000 });
    scene.delayMs = 985;
    await scene.lease();
    expect(await scene.allow()).toMatchObject({ source: "quorum" });
    expect(scene.returns).toMatchObject([{ cost: scene.grants[0]!.cost, handle: 101 }]);
  });

  test("a reset of the key, pushed, gives it back: nothing of it is spent any more", async () => {
    const scene = new Scene();
    await scene.lease();
    await scene.allow();
    await scene.push({ index: 30n, rules: [{ policy: "api" }], keys: ["k"] });
    expect(scene.returns).toMatchObject([{ cost: scene.grants[0]!.cost - 1, handle: 101 }]);
    scene.index = 31;
    expect(await scene.allow()).toMatchObject({ source: "quorum" });
  });

  test("so does this guard's own reset, and a change of policies", async () => {
    const ends: ((scene: Scene) => Promise<void>)[] = [
      (scene) => scene.guard.reset({ key: "k", policy: "api" }),
      (scene) => scene.push({ index: 30n, policyVersion: 1n, all: true }),
    ];
    for (const end of ends) {
      const scene = new Scene();
      await scene.lease();
      const ended = end(scene);
      await scene.runtime.settle();
      await ended;
      expect(scene.returns).toMatchObject([{ cost: scene.grants[0]!.cost, handle: 101 }]);
      expect(await scene.allow()).toMatchObject({ source: "quorum" });
    }
  });

  test("a change of policies that was made while there was no stream gives it back with the next one", async () => {
    const scene = new Scene();
    await scene.lease();
    scene.cluster.policyVersion = 1n;
    scene.stream.close();
    await scene.runtime.pass(20);
    expect(scene.returns).toMatchObject([{ cost: scene.grants[0]!.cost, handle: 101 }]);
    expect(await scene.allow()).toMatchObject({ source: "quorum" });
  });

  test("a push that another node repeats takes no lease that was granted since", async () => {
    const scene = new Scene();
    await scene.lease();
    await scene.push({ index: 19n, rules: [{ policy: "api" }], keys: ["k"] });
    await scene.push({ index: 30n, all: true });
    expect(scene.returns).toEqual([]);
    expect(await scene.allow()).toMatchObject({ source: "lease" });
  });

  test("one that was granted before a change, and heard of after it, is given back unspent", async () => {
    const scene = new Scene();
    scene.delayMs = 50;
    while (scene.grants.length === 0) await scene.load(1, 1);
    await scene.push({ index: 30n, policyVersion: 1n, all: true });
    await scene.runtime.pass(50);
    expect(scene.returns).toMatchObject([{ cost: scene.grants[0]!.cost, handle: 101 }]);
    expect(await scene.allow()).toMatchObject({ source: "quorum" });
  });

  test("another leader changes nothing: it was charged, and is spent also while nobody can be asked", async () => {
    const scene = new Scene();
    await scene.lease();
    scene.cluster.nodes[0]!.kill();
    await scene.runtime.settle();
    expect(await scene.allow()).toMatchObject({ source: "lease" });
    scene.cluster.elect(2);
    await scene.runtime.settle();
    expect(await scene.allow()).toMatchObject({ source: "lease" });
  });

  test("a session that ended takes its leases with it", async () => {
    const scene = new Scene();
    await scene.lease();
    scene.cluster.sessions.clear();
    scene.stream.close();
    await scene.runtime.pass(50);
    expect(await scene.allow()).toMatchObject({ source: "quorum" });
    expect(scene.returns).toEqual([]);
  });
});

describe("what nobody needs is given back", () => {
  test("when calls stop: soon, once, and the key is forgotten by the timer", async () => {
    const scene = new Scene();
    await scene.lease();
    await scene.allow();
    const left = scene.grants[0]!.cost - 1;
    await scene.runtime.pass(LEASE_MS / 2);
    expect(scene.returns).toMatchObject([{ verb: Verb.giveBack, cost: left, handle: 101 }]);
    expect(scene.runtime.keepsAlive).toBe(false);
    await scene.runtime.pass(10_000);
    expect(scene.returns.length).toBe(1);
  });

  test("when calls become rare: before the lease is over", async () => {
    const scene = new Scene();
    await scene.lease();
    const { cost, atMs } = scene.grants[0]!;
    scene.delayMs = 100_000;
    await scene.load(LEASE_MS, 100);
    expect(scene.returns[0]).toMatchObject({ handle: 101 });
    expect(scene.returns[0]!.cost).toBeLessThan(cost);
    expect(scene.returns[0]!.atMs - atMs).toBeLessThan(0.98 * LEASE_MS);
  });

  test("when the guard is closed, which waits for that, but not for long", async () => {
    const scene = new Scene();
    await scene.lease();
    const closing = scene.guard.close();
    await expect(scene.guard.allow("k", "api")).rejects.toMatchObject({ code: "closed" });
    await scene.runtime.settle();
    await closing;
    expect(scene.returns).toMatchObject([{ cost: scene.grants[0]!.cost, handle: 101 }]);

    const unheard = new Scene();
    await unheard.lease();
    for (const node of unheard.cluster.nodes) node.answers = () => {};
    let closed = false;
    const ending = unheard.guard.close().then(() => {
      closed = true;
    });
    await unheard.runtime.pass(249);
    expect(closed).toBe(false);
    await unheard.runtime.pass(1);
    await ending;
  });

  test("when the guard is closed while it is on its way, which waits for it", async () => {
    const counts: LocalAnswerCounts[] = [];
    const scene = new Scene({}, counts);
    scene.delayMs = 30;
    while (scene.grants.length === 0) await scene.load(1, 1);
    let closed = false;
    const closing = scene.guard.close().then(() => {
      closed = true;
    });
    await scene.runtime.pass(27);
    expect([closed, scene.returns]).toEqual([false, []]);
    await scene.runtime.pass(3);
    await closing;
    const { cost } = scene.grants[0]!;
    expect(scene.returns).toMatchObject([{ cost, handle: 101 }]);
    expect(counts).toMatchObject([{ unitsGranted: cost, unitsSpent: 0, unitsReturned: cost, unitsExpired: 0 }]);
    expect(scene.runtime.keepsAlive).toBe(false);
  });

  test("and is told as expired where nobody says that it was taken back", async () => {
    const counts: LocalAnswerCounts[] = [];
    const scene = new Scene({}, counts);
    await scene.lease();
    const { cost } = scene.grants[0]!;
    for (const node of scene.cluster.nodes) node.answers = () => {};
    const closing = scene.guard.close();
    await scene.runtime.pass(249);
    expect(counts).toMatchObject([{ unitsGranted: cost, unitsReturned: 0, unitsExpired: 0 }]);
    await scene.runtime.pass(1);
    await closing;
    expect(counts).toMatchObject([{ unitsGranted: cost, unitsReturned: 0, unitsExpired: cost }]);
  });

  test("and where nobody takes it back, that is no outage to anybody", async () => {
    const scene = new Scene();
    const told: unknown[] = [];
    scene.guard.on("degraded", (event) => told.push(event));
    await scene.lease();
    for (const node of scene.cluster.nodes) node.kill();
    await scene.runtime.pass(5_000);
    expect(told).toEqual([]);
  });

  test("when there is no room for its key any more", async () => {
    const scene = new Scene({ maxRememberedKeys: 1 });
    await scene.lease();
    const { guard, runtime } = scene;
    const other = guard.allow("other", "api");
    await runtime.settle();
    await other;
    expect(scene.returns.length).toBe(1);
  });
});
