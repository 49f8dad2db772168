import { ErrorReason, Outcome } from "@quorumguard/proto";
import { describe, expect, test } from "vitest";
import { createGuardCore } from "../create-guard-core.ts";
import type { Decision, Guard, GuardEvent } from "../surface/guard.ts";
import type { GuardOptions } from "../surface/guard-options.ts";
import { ScriptedCluster } from "../testing/scripted-cluster.ts";
import { VirtualRuntime } from "../testing/virtual-runtime.ts";

/** A guard that has a session, of a cluster that will go away. */
class Scene {
  readonly cluster = new ScriptedCluster(1);
  readonly runtime = new VirtualRuntime();
  readonly guard: Guard;
  readonly events: Extract<GuardEvent, { readonly type: "reconciled" }>[] = [];

  constructor(options: Partial<GuardOptions> = {}) {
    this.guard = createGuardCore(
      { timeoutMs: 200, onUnavailable: "local", reconcile: true, ...options },
      this.cluster,
      this.runtime,
      { defaultEndpoints: "n1:7400", client: "test", endpointOf: () => "n1:7400" },
    );
    this.guard.on("reconciled", (event) => this.events.push(event));
  }

  get node() {
    return this.cluster.nodes[0]!;
  }

  /** Ends by its answer or its deadline. */
  allow(key: string, limit = 100, options: Parameters<Guard["allow"]>[3] = {}): Promise<Decision> {
    return this.end(this.guard.allow(key, limit, "1h", options));
  }

  async end<T>(call: Promise<T>): Promise<T> {
    call.catch(() => {});
    await this.runtime.settle();
    await this.runtime.pass(260);
    return call;
  }

  /** Admits one call for each key while nobody is there; five open the breaker. */
  async admitAlone(...keys: string[]): Promise<void> {
    await this.allow("warm");
    this.goDark();
    for (const key of keys) expect(await this.allow(key)).toMatchObject({ allowed: true, source: "local" });
    this.cluster.frames.length = 0;
  }

  /** The cluster takes frames and does not answer them: what is sent now may have been counted. */
  goSilent(): void {
    this.node.answers = () => {};
  }

  goDark(): void {
    this.node.kill();
  }

  /** All answers are `outcome` from now on, and calls go on until every one of them is the cluster's. */
  async comeBack(outcome: number = Outcome.ALLOWED): Promise<void> {
    this.cluster.frames.length = 0;
    this.node.answers = (frame, stream) => {
      // Nobody has registered anew: what this frame speaks for is forgotten.
      if (this.cluster.sessions.size === 0)
        stream.fail(frame, { reason: ErrorReason.SESSION_EXPIRED, message: "gone" });
      else stream.reply(frame, outcome);
    };
    this.reopen();
    for (let i = 0; i < 12; i++) await this.allow("after", 100, { onUnavailable: "deny" });
    await this.runtime.pass(2_000);
  }

  /** Who connects again is served; nobody asks anything. */
  reopen(): void {
    this.node.down = null;
    for (const stream of [...this.node.streams]) stream.close();
  }

  /** Each call that was sent for one of these keys since the cluster came back: its number, and whether it may be new. */
  sent(...keys: string[]): { readonly key: string; readonly number: number; readonly first: boolean }[] {
    return this.cluster.frames.flatMap(({ frame, keys: all }) =>
      all
        .map((key, at) => ({ key, number: frame.firstNumber + at, first: frame.firstAttempt }))
        .filter(({ key }) => keys.includes(key)),
    );
  }
}

describe("what was admitted while the cluster was away (SEMANTICS U3)", () => {
  test("is reported under its own number if it was sent: the cluster may have charged it", async () => {
    const at = new Scene();
    await at.allow("warm");
    at.goSilent();
    expect(await at.allow("sent")).toMatchObject({ allowed: true, source: "local" });
    const { firstNumber } = at.cluster.frames.at(-1)!.frame;
    await at.comeBack();
    expect(at.sent("sent")).toEqual([{ key: "sent", number: firstNumber, first: false }]);
    expect(at.cluster.frames.at(-1)!.frame.ackedThrough).toBeGreaterThanOrEqual(firstNumber);
    expect(at.events).toEqual([{ type: "reconciled", charged: 1, refused: 0, unreported: 0 }]);
  });

  test("is charged once, when the late answer to it arrives on the same stream", async () => {
    const at = new Scene();
    await at.allow("warm");
    let answer = () => {};
    at.node.answers = (frame, stream) => {
      answer = () => stream.reply(frame);
    };
    expect(await at.allow("late")).toMatchObject({ source: "local" });
    at.node.answers = (frame, stream) => stream.reply(frame);
    at.cluster.frames.length = 0;
    answer();
    await at.allow("after");
    await at.runtime.pass(1_000);
    expect(at.sent("late")).toEqual([]);
    expect(at.events).toEqual([{ type: "reconciled", charged: 1, refused: 0, unreported: 0 }]);
  });

  test("is reported once and under a number of its own if it was never sent", async () => {
    const at = new Scene();
    await at.allow("warm");
    at.goDark();
    for (const key of ["a", "b", "c", "d", "e", "f", "g"]) {
      expect(await at.allow(key)).toMatchObject({ allowed: true, source: "local" });
    }
    await at.comeBack();
    const reports = at.sent("a", "b", "c", "d", "e", "f", "g");
    expect(reports.map(({ key }) => key)).toEqual(["a", "b", "c", "d", "e", "f", "g"]);
    expect(new Set(reports.map(({ number }) => number)).size).toBe(7);
    expect(at.events).toEqual([{ type: "reconciled", charged: 7, refused: 0, unreported: 0 }]);
  });

  test("is reported as the group that it was", async () => {
    const at = new Scene();
    await at.allow("warm");
    at.goSilent();
    const group = at.guard.allowAll([
      { key: "g1", limit: 5, window: "1h" },
      { key: "g2", limit: 5, window: "1h", cost: 2 },
    ]);
    await at.runtime.pass(260);
    expect(await group).toMatchObject({ allowed: true });
    const { firstNumber } = at.cluster.frames.at(-1)!.frame;
    await at.comeBack();
    const report = at.cluster.frames.find(({ keys }) => keys.includes("g1"))!;
    expect(report.keys).toEqual(["g1", "g2"]);
    expect([report.frame.firstNumber, [...report.frame.sizes!], [...report.frame.costs!]]).toEqual([
      firstNumber,
      [2],
      [1, 2],
    ]);
    expect(at.events).toEqual([{ type: "reconciled", charged: 1, refused: 0, unreported: 0 }]);
  });

  test("after SessionExpired: what was sent is not sent again, what never was is reported in the next session", async () => {
    const at = new Scene();
    await at.allow("warm");
    at.goSilent();
    await at.allow("sent");
    const { firstNumber } = at.cluster.frames.at(-1)!.frame;
    at.goDark();
    for (const key of ["never-1", "never-2"]) await at.allow(key);
    at.cluster.sessions.clear();
    await at.comeBack();
    expect(at.cluster.sessions.size).toBe(1);
    // Under the forgotten session it may be asked for again, and is refused; under the next one it would be charged twice.
    expect(at.sent("sent")).toEqual([{ key: "sent", number: firstNumber, first: false }]);
    expect(at.sent("never-1", "never-2").map(({ key }) => key)).toEqual(["never-1", "never-2"]);
    expect(at.events).toEqual([{ type: "reconciled", charged: 2, refused: 0, unreported: 1 }]);
  });

  test("is refused where its key has no room any more, and that is accepted", async () => {
    const at = new Scene();
    await at.allow("warm");
    at.goDark();
    await at.allow("full");
    await at.comeBack(Outcome.LIMITED);
    expect(at.sent("full")).toHaveLength(1);
    expect(at.events).toEqual([{ type: "reconciled", charged: 0, refused: 1, unreported: 0 }]);
  });

  test("is kept up to maxUnreportedCalls; what exceeds that is counted and told", async () => {
    const at = new Scene({ maxUnreportedCalls: 3 });
    await at.allow("warm");
    at.goDark();
    for (let i = 0; i < 8; i++) await at.allow(`k${i}`);
    await at.comeBack();
    expect(at.sent("k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7").map(({ key }) => key)).toEqual(["k0", "k1", "k2"]);
    expect(at.events).toEqual([{ type: "reconciled", charged: 3, refused: 0, unreported: 5 }]);
  });

  test("is reported a hundred calls at a time, and not while calls return in shares", async () => {
    const at = new Scene();
    await at.allow("warm");
    at.goDark();
    for (let i = 0; i < 6; i++) await at.allow("open");
    const calls = Array.from({ length: 1_000 }, () => at.guard.allow("many", 10_000, "1h"));
    await at.runtime.settle();
    expect((await Promise.all(calls)).every(({ allowed, source }) => allowed && source === "local")).toBe(true);
    at.cluster.frames.length = 0;
    at.node.down = null;
    const perSecond: number[] = [];
    for (let second = 0; second < 3; second++) {
      const before = at.sent("many").length;
      for (let i = 0; i < 4; i++) await at.allow("after");
      perSecond.push(at.sent("many").length - before);
    }
    expect(perSecond[0]).toBe(0);
    for (const reports of perSecond) expect(reports).toBeLessThanOrEqual(1_100);
    await at.runtime.pass(1_000);
    expect(at.sent("many")).toHaveLength(1_000);
    for (const { keys } of at.cluster.frames) expect(keys.length).toBeLessThanOrEqual(100);
  });

  test("is not reported once it does not count any more", async () => {
    const at = new Scene();
    await at.allow("warm");
    at.goDark();
    await at.allow("old");
    at.runtime.nowMs += 3_600_000;
    await at.allow("young");
    await at.comeBack();
    expect(at.sent("old", "young").map(({ key }) => key)).toEqual(["young"]);
  });
});

const many = Array.from({ length: 250 }, (_, at) => `k${at}`);
const six = many.slice(0, 6);

describe("a guard that is idle when the cluster is back", () => {
  test("reports all the same: the oldest call looks for the cluster, and the others follow", async () => {
    const at = new Scene();
    await at.admitAlone(...six);
    at.reopen();
    await at.runtime.pass(5_000);
    expect(at.sent(...six).map(({ key }) => key)).toEqual(six);
    expect(at.events).toEqual([{ type: "reconciled", charged: 6, refused: 0, unreported: 0 }]);
    await at.runtime.pass(5_000);
    expect(at.runtime.keepsAlive).toBe(false);
  });

  test("sends one report and no other to a cluster that does not decide", async () => {
    const at = new Scene();
    await at.admitAlone(...six);
    at.goSilent();
    at.reopen();
    await at.runtime.pass(60_000);
    expect(new Set(at.sent(...six).map(({ key }) => key))).toEqual(new Set(["k0"]));
    expect(new Set(at.sent(...six).map(({ number }) => number)).size).toBe(1);
    expect(at.events).toEqual([]);
  });
});

describe("a guard that is closed", () => {
  test("reports what it can before it ends, and tells how it came out", async () => {
    const at = new Scene();
    await at.admitAlone(...many);
    at.reopen();
    // Connected anew, and the breaker still open.
    await at.runtime.pass(50);
    at.node.answers = (frame, stream) => void at.runtime.setTimer(() => stream.reply(frame), 5);
    await at.runtime.pass(300);
    expect(at.sent(...many).length).toBeLessThanOrEqual(1);
    const closing = at.guard.close();
    await at.runtime.pass(100);
    await closing;
    expect(at.sent(...many).map(({ key }) => key)).toEqual(many);
    expect(at.events).toEqual([{ type: "reconciled", charged: 250, refused: 0, unreported: 0 }]);
    expect(at.runtime.keepsAlive).toBe(false);
  });

  test("waits a quarter of a second for answers, and says for what none came", async () => {
    const at = new Scene();
    await at.admitAlone(...many);
    at.goSilent();
    at.reopen();
    await at.runtime.pass(400);
    let closed = false;
    const closing = at.guard.close().then(() => {
      closed = true;
    });
    await at.runtime.pass(249);
    expect([closed, at.events]).toEqual([false, []]);
    await at.runtime.pass(1);
    await closing;
    expect(at.sent(...many)).toHaveLength(100);
    expect(at.events).toEqual([{ type: "reconciled", charged: 0, refused: 0, unreported: 250 }]);
  });

  test("says at once that nothing was reported when nobody is there", async () => {
    const at = new Scene();
    await at.admitAlone(...six);
    await at.guard.close();
    await at.runtime.settle();
    expect(at.events).toEqual([{ type: "reconciled", charged: 0, refused: 0, unreported: 6 }]);
  });
});

describe("what does not count any more is not charged", () => {
  const policies = { api: { limit: 100, window: "1s" } } as const;

  test("under a policy of the guard's own", async () => {
    const at = new Scene({ policies });
    await at.admitAlone();
    await at.end(at.guard.allow("named", "api"));
    await at.runtime.pass(1_000);
    await at.allow("young");
    await at.comeBack();
    expect(at.sent("named", "young").map(({ key }) => key)).toEqual(["young"]);
  });

  test("and under one of which the cluster told a longer window it counts for that long", async () => {
    const at = new Scene({ policies });
    at.cluster.appliedIndex = 10n;
    at.cluster.policyVersion = 1n;
    at.cluster.policies = [{ rule: { policy: "api", algorithm: 1, limit: 100, windowUs: 60_000_000n } as never }];
    at.node.answers = (frame, stream) => stream.reply(frame, 1, 1, { policyVersion: 1 });
    await at.end(at.guard.allow("named", "api"));
    await at.admitAlone();
    await at.end(at.guard.allow("named", "api"));
    await at.runtime.pass(2_000);
    await at.comeBack();
    expect(at.sent("named")).toHaveLength(1);
  });

  test("a call that was sent is given up then: it is executed only if it was already", async () => {
    const at = new Scene({ policies });
    await at.allow("warm");
    at.goSilent();
    await at.end(at.guard.allow("named", "api"));
    const { firstNumber } = at.cluster.frames.at(-1)!.frame;
    await at.runtime.pass(1_000);
    await at.comeBack();
    expect(at.sent("named")).toEqual([]);
    expect(at.cluster.frames[0]!.frame.ackedThrough).toBeGreaterThanOrEqual(firstNumber);
    expect(at.events).toEqual([]);
  });

  test("a group counts as long as the item that counts longest", async () => {
    const at = new Scene();
    await at.admitAlone();
    const group = at.guard.allowAll([
      { key: "short", limit: 5, window: "1s" },
      { key: "long", limit: 5, window: "1h" },
    ]);
    await at.end(group);
    await at.runtime.pass(2_000);
    await at.comeBack();
    expect(at.sent("short", "long")).toHaveLength(2);
  });
});

describe("what is not reported", () => {
  test("denials, reservations and calls under a request id of the caller's", async () => {
    const at = new Scene();
    await at.allow("warm");
    at.goDark();
    await at.allow("denied", 0);
    await at.allow("named", 100, { requestId: "r" });
    const reserving = at.guard.reserve({ key: "reserved", limit: 5, window: "1h" });
    await at.runtime.pass(260);
    await reserving;
    await at.comeBack();
    expect(at.sent("denied", "named", "reserved")).toEqual([]);
    expect(at.events).toEqual([]);
  });

  test("anything, by a guard that was not told to: a call that nobody waits for is never executed", async () => {
    const at = new Scene({ reconcile: false });
    await at.allow("warm");
    at.goSilent();
    await at.allow("sent");
    const { firstNumber } = at.cluster.frames.at(-1)!.frame;
    at.goDark();
    await at.allow("never");
    await at.comeBack();
    expect(at.sent("sent", "never")).toEqual([]);
    expect(at.cluster.frames[0]!.frame.ackedThrough).toBeGreaterThanOrEqual(firstNumber);
    expect(at.events).toEqual([]);
  });

  test("anything after close, and no timer stays", async () => {
    const at = new Scene();
    await at.allow("warm");
    at.goDark();
    await at.allow("never");
    await at.guard.close();
    at.node.down = null;
    at.cluster.frames.length = 0;
    await at.runtime.pass(5_000);
    expect(at.cluster.frames).toEqual([]);
    expect(at.runtime.keepsAlive).toBe(false);
  });
});

test("a session that the cluster refuses to resume costs what was in flight, and the event says so", async () => {
  const at = new Scene();
  await at.allow("warm");
  at.node.answers = (frame, stream) => stream.fail(frame, { reason: ErrorReason.SESSION_EXPIRED, message: "gone" });
  const call = at.guard.allow("sent", 100, "1h");
  await at.runtime.pass(260);
  expect(await call).toMatchObject({ source: "local" });
  await at.comeBack();
  expect(at.sent("sent")).toEqual([]);
});
