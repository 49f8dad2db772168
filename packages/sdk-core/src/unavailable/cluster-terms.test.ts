import { fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { GetTermsRequestSchema, OnUnavailable, type PolicyTermsSchema } from "@quorumguard/proto";
import { describe, expect, test } from "vitest";
import { createGuardCore, createRequestGuard } from "../create-guard-core.ts";
import type { Guard } from "../surface/guard.ts";
import { GuardError } from "../surface/guard-error.ts";
import type { GuardOptions } from "../surface/guard-options.ts";
import { ScriptedCluster } from "../testing/scripted-cluster.ts";
import { VirtualRuntime } from "../testing/virtual-runtime.ts";
import { type Transport, TransportError } from "../transport.ts";

type Terms = MessageInitShape<typeof PolicyTermsSchema>;

const GRANT = 5;
const GIVE_BACK = 6;

/** 4 a minute, named `login`. */
function login(terms: Pick<Terms, "onUnavailable" | "lease"> = {}, limit = 4): Terms {
  return { rule: { policy: "login", algorithm: 1, limit, windowUs: 60_000_000n } as never, ...terms };
}

/** A cluster of one node with policies, and a guard that has none of them but those in its options. */
class Scene {
  readonly runtime = new VirtualRuntime();
  readonly cluster = new ScriptedCluster(1);
  readonly guard: Guard;
  /** The names of each question. */
  readonly asked: (readonly string[])[] = [];

  constructor(policies: readonly Terms[], options: Partial<GuardOptions> = {}, streams = true) {
    const { cluster } = this;
    this.set(policies, policies.length > 0 ? 1n : 0n);
    cluster.appliedIndex = 10n;
    const unary: Transport["unary"] = (call) => {
      if (call.method === "GuardService/GetTerms")
        this.asked.push(fromBinary(GetTermsRequestSchema, call.request).names);
      return cluster.unary(call);
    };
    const close = () => cluster.close();
    const transport = { openSession: cluster.openSession, unary, close };
    const create = streams ? createGuardCore : createRequestGuard;
    this.guard = create({ timeoutMs: 200, ...options }, transport, this.runtime, {
      defaultEndpoints: "n1:7400",
      client: "test",
      endpointOf: () => "n1:7400",
    }) as Guard;
  }

  set(policies: readonly Terms[], version: bigint): void {
    this.cluster.policies = policies;
    this.cluster.policyVersion = version;
    this.cluster.nodes[0]!.answers = (frame, stream) => stream.reply(frame, 1, 1, { policyVersion: Number(version) });
  }

  /** The policies change, and the stream is told. */
  async change(policies: readonly Terms[], version: bigint): Promise<void> {
    this.set(policies, version);
    const [stream] = this.cluster.nodes[0]!.streams;
    stream!.send({ case: "forget", value: { index: 20n + version, policyVersion: version, all: true } as never });
    await this.runtime.settle();
  }

  goDark(): void {
    this.cluster.nodes[0]!.kill();
    this.cluster.onUnary = () => Promise.reject(new TransportError("not-sent", "n1:7400: connection refused"));
  }

  async end<T>(answer: Promise<T>): Promise<T | GuardError> {
    const ended = answer.catch((error: unknown) => {
      if (error instanceof GuardError) return error;
      throw error;
    });
    await this.runtime.settle();
    await this.runtime.pass(200);
    return ended;
  }

  allow(policy: string, options = {}, key = "k") {
    return this.end(this.guard.allow(key, policy, options));
  }

  verbs(verb: number): number {
    return this.cluster.frames.filter(({ frame }) => frame.verbs?.includes(verb)).length;
  }
}

describe.each([
  ["with streams", true],
  ["without streams", false],
] as const)("what a policy of the cluster says of outages, %s", (_, streams) => {
  test("holds before the guard's word, and after the call's and the guard's own policy's", async () => {
    const terms = { onUnavailable: OnUnavailable.ALLOW };
    const own = { rule: { policy: "own", algorithm: 1, limit: 9, windowUs: 60_000_000n } as never };
    const at = new Scene(
      [login(terms), { ...own, ...terms }],
      {
        onUnavailable: "throw",
        policies: {
          own: { limit: 3, window: "1m", onUnavailable: "deny" },
          silent: { limit: 3, window: "1m" },
        },
      },
      streams,
    );
    await at.allow("login");
    await at.allow("own");
    at.goDark();
    expect(await at.allow("login")).toMatchObject({ allowed: true, source: "fail-open" });
    expect(await at.allow("own")).toMatchObject({ allowed: false, source: "fail-closed" });
    expect(await at.allow("login", { onUnavailable: "deny" })).toMatchObject({ source: "fail-closed" });
    expect(await at.allow("own", { onUnavailable: "allow" })).toMatchObject({ source: "fail-open" });
    expect(await at.allow("silent")).toBeInstanceOf(GuardError);
  });

  test("a guard limits by a policy that only the cluster defines, and by the cluster's numbers where both do", async () => {
    const both = { rule: { policy: "both", algorithm: 1, limit: 1, windowUs: 60_000_000n } as never };
    const at = new Scene([login(), both], { policies: { both: { limit: 50, window: "1m" } } }, streams);
    await at.allow("login");
    await at.allow("both");
    at.goDark();
    const answers = [];
    for (let call = 0; call < 5; call++) answers.push(await at.allow("login"));
    expect(answers.map((each) => "allowed" in each && each.allowed)).toEqual([true, true, true, true, false]);
    expect(answers[0]).toMatchObject({ source: "local", degraded: true, limit: 4, remaining: 3 });
    expect(answers[4]).toMatchObject({ source: "local", reason: "limited", limit: 4 });
    expect(await at.allow("both")).toMatchObject({ allowed: true, limit: 1 });
    expect(await at.allow("both")).toMatchObject({ allowed: false, limit: 1 });
  });

  test("nothing is asked of a cluster without policies, nor for limits without a name", async () => {
    const without = new Scene([], { policies: { own: { limit: 3, window: "1m" } } }, streams);
    await without.allow("own");
    expect(without.asked).toEqual([]);
    const inline = new Scene([login()], {}, streams);
    await inline.end(inline.guard.allow("k", 5, "1m"));
    expect(inline.asked).toEqual([]);
  });

  test("is asked for once, whatever the number of calls", async () => {
    const at = new Scene([login()], {}, streams);
    for (let call = 0; call < 20; call++) await at.allow("login");
    await at.allow("unheard-of");
    await at.allow("unheard-of");
    expect(at.asked).toEqual([["login"], ["unheard-of"]]);
  });
});

test("until it is known the guard's own word holds, and a node that does not know the question is asked ever less", async () => {
  const at = new Scene([login({ onUnavailable: OnUnavailable.ALLOW })], { onUnavailable: "deny" });
  at.cluster.onUnary = () => Promise.reject(new TransportError("misconfigured", "n1:7400: no such method"));
  const { runtime } = at;
  const askedMs: number[] = [];
  const fromMs = runtime.nowMs;
  for (let call = 0; call < 100; call++) {
    const before = at.asked.length;
    await at.allow("login");
    if (at.asked.length > before) askedMs.push(runtime.nowMs - fromMs);
  }
  expect(askedMs).toEqual([200, 1_200, 3_200, 7_200, 15_200]);
  at.goDark();
  expect(await at.allow("login")).toMatchObject({ source: "fail-closed" });
});

test("a change is asked about once, at this client's turn within a second, and holds from then on", async () => {
  const at = new Scene([login({ onUnavailable: OnUnavailable.ALLOW })], { onUnavailable: "throw" });
  at.runtime.chance = 0.7;
  await at.allow("login");
  await at.change([login({ onUnavailable: OnUnavailable.DENY })], 2n);
  await at.allow("login");
  await at.change([login({ onUnavailable: OnUnavailable.DENY }, 9)], 3n);
  await at.runtime.pass(499);
  expect(at.asked).toEqual([["login"]]);
  await at.runtime.pass(1);
  expect(at.asked).toEqual([["login"], ["login"]]);
  at.goDark();
  expect(await at.allow("login")).toMatchObject({ source: "fail-closed", limit: 9 });
});

test("a policy that is gone says nothing more", async () => {
  const at = new Scene([login({ onUnavailable: OnUnavailable.ALLOW })], { onUnavailable: "local" });
  await at.allow("login");
  await at.change([], 2n);
  await at.runtime.pass(1_000);
  at.goDark();
  expect(await at.allow("login")).toMatchObject({ source: "fail-closed", limit: 0 });
});

test("an answer of a node that lags behind is taken, and asked for again after a second", async () => {
  const at = new Scene([login({ onUnavailable: OnUnavailable.ALLOW })]);
  await at.allow("login");
  await at.change([login({ onUnavailable: OnUnavailable.DENY })], 2n);
  at.cluster.policyVersion = 1n;
  await at.runtime.pass(1_000);
  expect(at.asked.length).toBe(2);
  await at.allow("login");
  expect(at.asked.length).toBe(2);
  at.cluster.policyVersion = 2n;
  await at.runtime.pass(1_000);
  await at.allow("login");
  await at.allow("login");
  expect(at.asked.length).toBe(3);
  at.goDark();
  expect(await at.allow("login")).toMatchObject({ source: "fail-closed" });
});

test("more names than one question has take several", async () => {
  const names = Array.from({ length: 600 }, (_, at) => `p${at}`);
  const policies = Object.fromEntries(names.map((name) => [name, { limit: 3, window: "1m" as const }]));
  const at = new Scene([login()], { policies });
  await at.allow("p0");
  expect(at.asked.map((each) => each.length)).toEqual([256, 256, 88]);
  expect(at.asked.flat()).toEqual(names);
});

test("a policy in a shadow is enforced nowhere: alone it lets pass, and in a group the others decide", async () => {
  const trial = { rule: { policy: "trial", algorithm: 1, limit: 0, windowUs: 60_000_000n } as never, shadow: true };
  const at = new Scene([trial, login({}, 1)]);
  await at.allow("trial");
  await at.allow("login");
  at.goDark();
  expect(await at.allow("trial")).toMatchObject({ allowed: true, source: "fail-open", degraded: true });
  const group = () =>
    at.end(
      at.guard.allowAll([
        { key: "g", policy: "trial" },
        { key: "g", policy: "login" },
      ]),
    );
  expect(await group()).toMatchObject({ allowed: true, decisions: [{ source: "fail-open" }, { source: "local" }] });
  expect(await group()).toMatchObject({ allowed: false, decisions: [{ allowed: true }, { reason: "limited" }] });
  const reserved = await at.end(at.guard.reserve({ key: "r", policy: "trial" }));
  expect(reserved).toMatchObject({ allowed: true, source: "fail-open" });
});

test("what is reserved here by numbers that change meanwhile is settled by those that opened it", async () => {
  const at = new Scene([login({}, 2)]);
  await at.allow("login");
  at.goDark();
  const reserved = await at.end(at.guard.reserve({ key: "r", policy: "login" }));
  expect(reserved).toMatchObject({ allowed: true, source: "local" });
  at.cluster.nodes[0]!.down = null;
  at.cluster.onUnary = (call) => Promise.resolve(at.cluster.defaultUnary(call));
  at.set([{ rule: { policy: "login", algorithm: 4, limit: 2, windowUs: 1_000_000n } as never }], 2n);
  await at.runtime.pass(3_000);
  expect(at.asked.length).toBe(2);
  const commit = (reserved as { commit(): Promise<void> }).commit();
  expect(await at.end(commit.then(() => "done"))).toBe("done");
});

describe("what a policy of the cluster says of leases", () => {
  const silent = { limit: 1_000, window: "1m" } as const;
  /** 40 calls, of which so many were answered by a lease. */
  const often = async (at: Scene): Promise<number> => {
    let leased = 0;
    for (let call = 0; call < 40; call++) {
      const answer = at.guard.allow("k", "login");
      await at.runtime.settle();
      await at.runtime.pass(5);
      if ((await answer).source === "lease") leased += 1;
    }
    return leased;
  };
  const reply = (at: Scene, version: number) => {
    at.cluster.nodes[0]!.answers = (frame, stream) =>
      stream.reply(frame, 1, 1, { index: 50, policyVersion: version, remaining: 900, firmForMs: 1_000 });
  };

  test("a guard that says nothing takes them, and gives them back when the policy takes its word back", async () => {
    const at = new Scene([login({ lease: true }, 1_000)], { policies: { login: silent } });
    reply(at, 1);
    expect(await often(at)).toBeGreaterThan(0);
    await at.change([login({}, 1_000)], 2n);
    reply(at, 2);
    // Until its turn to ask has come it goes by what it knew; then at once by what it was told.
    await often(at);
    expect(await often(at)).toBeGreaterThan(0);
    const givenBack = at.verbs(GIVE_BACK);
    await at.runtime.pass(100);
    expect(at.asked.length).toBe(2);
    expect(at.verbs(GIVE_BACK)).toBeGreaterThan(givenBack);
    const grants = at.verbs(GRANT);
    expect(await often(at)).toBe(0);
    expect(at.verbs(GRANT)).toBe(grants);
  });

  test("a guard's own policy that says no takes none", async () => {
    const at = new Scene([login({ lease: true }, 1_000)], {
      policies: { login: { ...silent, lease: false } },
    });
    reply(at, 1);
    await often(at);
    expect([at.asked.length, at.verbs(GRANT)]).toEqual([1, 0]);
  });

  test("a policy that says no is heard before a guard that leases what does not say", async () => {
    const at = new Scene([login({ lease: false }, 1_000)], { lease: true, policies: { login: silent } });
    reply(at, 1);
    await at.allow("login");
    await often(at);
    expect(at.verbs(GRANT)).toBe(0);
    await at.change([], 2n);
    reply(at, 2);
    await at.runtime.pass(1_000);
    await often(at);
    expect(at.verbs(GRANT)).toBeGreaterThan(0);
  });
});

test("a turn to ask whose timer died with its request comes by the clock: the next call asks", async () => {
  const at = new Scene(
    [login({ onUnavailable: OnUnavailable.ALLOW })],
    { policies: { login: { limit: 4, window: "1m" } } },
    false,
  );
  await at.allow("login");
  expect(at.asked).toHaveLength(1);
  at.set([login({ onUnavailable: OnUnavailable.DENY })], 2n);
  const heard = at.guard.allow("login-key", "login");
  await at.runtime.settle();
  await heard;
  at.runtime.endRequest();
  await at.allow("login");
  expect(at.asked).toHaveLength(1);
  await at.runtime.pass(1_000);
  await at.allow("login");
  expect(at.asked).toHaveLength(2);
  at.goDark();
  expect(await at.allow("login")).toMatchObject({ allowed: false, source: "fail-closed" });
});
