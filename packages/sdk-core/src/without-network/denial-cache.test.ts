import { describe, expect, test } from "vitest";
import { createGuardCore } from "../create-guard-core.ts";
import type { CallOptions, Decision, Guard } from "../surface/guard.ts";
import { GuardError } from "../surface/guard-error.ts";
import type { GuardOptions } from "../surface/guard-options.ts";
import { AbortController } from "../testing/abort-controller.ts";
import { ScriptedCluster, type ScriptedStream, type ToldByReply } from "../testing/scripted-cluster.ts";
import { VirtualRuntime } from "../testing/virtual-runtime.ts";

const LIMITED = 2;
const RESET = 1;

/** A cluster that pushes, and denies everything firmly for 10 s but resets. */
class Scene {
  readonly runtime = new VirtualRuntime();
  readonly cluster = new ScriptedCluster();
  readonly guard: Guard<"login">;
  told: ToldByReply = { remaining: 0, resetAfterMs: 60_000, retryAfterMs: 10_200, firmForMs: 10_000 };
  /** The log index that the next reply is as of. */
  index = 20;
  /** How long the network takes, one way. */
  delayMs = 0;

  constructor(options: Partial<GuardOptions<"login">> = {}) {
    this.cluster.appliedIndex = 10n;
    for (const node of this.cluster.nodes) {
      node.answers = (frame, stream) => {
        const { index, told } = this;
        this.runtime.setTimer(() => {
          if (frame.verbs?.[0] === RESET) stream.reply(frame, 1, 1, { index });
          else stream.reply(frame, LIMITED, 2, { index, ...told });
        }, this.delayMs);
      };
    }
    this.guard = createGuardCore(
      { endpoints: ["n1:7400"], policies: { login: { limit: 5, window: "1m" } }, onUnavailable: "throw", ...options },
      this.cluster,
      this.runtime,
      { defaultEndpoints: "n1:7400", client: "test", endpointOf: (member) => member.grpcEndpoint },
    );
  }

  /** One call, answered. */
  async allow(key = "k", options: CallOptions = {}): Promise<Decision> {
    const call = this.guard.allow(key, "login", options);
    call.catch(() => {});
    await this.runtime.settle();
    await this.runtime.pass(2 * this.delayMs);
    return call;
  }

  /** How many calls have travelled. */
  get travelled(): number {
    return this.cluster.frames.reduce((sum, { frame }) => sum + frame.calls, 0);
  }

  get stream(): ScriptedStream {
    return [...this.cluster.nodes[this.cluster.leaderId - 1]!.streams].at(-1)!;
  }

  async push(forget: { index: bigint; policyVersion?: bigint; all?: boolean; policy?: string; keys?: string[] }) {
    const { index, policyVersion = 0n, all = false, policy = "login", keys = [] } = forget;
    const rules = all ? [] : [{ policy }];
    this.stream.send({ case: "forget", value: { index, policyVersion, all, rules, keys } as never });
    await this.runtime.settle();
  }
}

describe("a denial that is firm", () => {
  test("a key under attack costs no network: ten thousand calls, one frame", async () => {
    const scene = new Scene();
    expect(await scene.allow()).toMatchObject({ source: "leader" });
    for (let i = 0; i < 10_000; i++) expect((await scene.guard.allow("k", "login")).source).toBe("denial-cache");
    await scene.runtime.settle();
    expect(scene.cluster.frames.length).toBe(1);
  });

  test("is counted down to the millisecond, and says how it was made", async () => {
    const scene = new Scene();
    await scene.allow();
    await scene.runtime.pass(3_000);
    expect(await scene.allow()).toEqual({
      allowed: false,
      reason: "limited",
      retryAfterMs: 7_200,
      policy: "login",
      limit: 5,
      remaining: 0,
      resetAfterMs: 57_000,
      source: "denial-cache",
      degraded: false,
      shadow: null,
    });
  });

  test("of a call that no waiting cures says so for as long as it is firm", async () => {
    const scene = new Scene();
    scene.told = { remaining: 0, retryAfterMs: -1, firmForMs: 1_000 };
    await scene.allow();
    expect(await scene.allow()).toMatchObject({ source: "denial-cache", retryAfterMs: null });
  });

  test("D2 holds for 98 % of what the cluster said, counted from the first send", async () => {
    const scene = new Scene();
    scene.delayMs = 200;
    const sentMs = scene.runtime.nowMs;
    await scene.allow();
    await scene.runtime.pass(sentMs + 9_799 - scene.runtime.nowMs);
    expect(await scene.guard.allow("k", "login")).toMatchObject({ source: "denial-cache" });
    await scene.runtime.pass(1);
    expect(await scene.allow()).toMatchObject({ source: "leader" });
    expect(scene.travelled).toBe(2);
  });

  test("ends by the wall clock if a frozen machine's monotonic clock stood still", async () => {
    const scene = new Scene();
    await scene.allow();
    scene.runtime.wallStepMs += 9_800;
    expect(await scene.allow()).toMatchObject({ source: "leader" });
  });

  test("that was all over when it was heard is not remembered", async () => {
    const scene = new Scene();
    scene.delayMs = 200;
    scene.told = { ...scene.told, firmForMs: 150 };
    await scene.allow();
    expect(await scene.allow()).toMatchObject({ source: "leader" });
  });

  test("that the cluster does not call firm is asked for each time", async () => {
    const scene = new Scene();
    scene.told = { ...scene.told, firmForMs: 0 };
    await scene.allow();
    await scene.allow();
    expect(scene.travelled).toBe(2);
  });
});

describe("a remembered denial answers no other question", () => {
  test("D2 of cost 5 it does not refuse cost 1, nor of cost 1 cost 2: each has its own wait", async () => {
    const scene = new Scene();
    await scene.allow("k", { cost: 5 });
    expect(await scene.allow("k")).toMatchObject({ source: "leader" });
    expect(await scene.allow("k", { cost: 2 })).toMatchObject({ source: "leader" });
    for (const cost of [5, 1, 2]) expect(await scene.allow("k", { cost })).toMatchObject({ source: "denial-cache" });
    // Others may take while a larger cost is denied, so what is left is not known.
    expect(await scene.allow("k", { cost: 5 })).toMatchObject({ remaining: null, resetAfterMs: null });
    expect(scene.travelled).toBe(3);
  });

  test("of another key, limit, window, algorithm or policy", async () => {
    const scene = new Scene();
    await scene.allow("k");
    const { guard, runtime } = scene;
    const others = [
      guard.allow("other", "login"),
      guard.allow("k", "unheard-of" as "login"),
      guard.allow("k", 5, "1m"),
      guard.allow("k", 6, "1m"),
      guard.allow("k", 5, "2m"),
      guard.allow("k", 5, "1m", { algorithm: "token-bucket" }),
      guard.allow("k", 5, "1m", { algorithm: "token-bucket", burst: 2 }),
    ];
    await runtime.settle();
    for (const other of others) expect(await other).toMatchObject({ source: "leader" });
    expect(await guard.allow("k", 5, "1m")).toMatchObject({ source: "denial-cache" });
    expect(await guard.allow("k", 6, "1m")).toMatchObject({ source: "denial-cache" });
  });

  test("a group, a reservation, a call with a request id: they are never answered from here, nor teach anything", async () => {
    const scene = new Scene();
    const ask = async () => {
      const { guard, runtime } = scene;
      const calls = [
        guard.allowAll([{ key: "k", policy: "login" }]),
        guard.reserve({ key: "k", policy: "login" }),
        guard.allow("k", "login", { requestId: "once" }),
      ] as const;
      await runtime.settle();
      return Promise.all(calls);
    };
    await ask();
    expect(await scene.allow()).toMatchObject({ source: "leader" });
    const [group, reservation, request] = await ask();
    expect(group.decisions[0]).toMatchObject({ source: "leader" });
    expect(reservation).toMatchObject({ source: "leader" });
    expect(request).toMatchObject({ source: "quorum", allowed: true });
  });

  test("what a call chose for itself is checked all the same", async () => {
    const scene = new Scene();
    await scene.allow();
    await expect(scene.allow("k", { timeoutMs: -1 })).rejects.toMatchObject({ code: "invalid_argument" });
    const controller = new AbortController();
    controller.abort();
    await expect(scene.allow("k", { signal: controller.signal })).rejects.toMatchObject({ code: "aborted" });
    expect(await scene.allow("k", { timeoutMs: 50 })).toMatchObject({ source: "denial-cache" });
    await scene.guard.close();
    await expect(scene.guard.allow("k", "login")).rejects.toBeInstanceOf(GuardError);
  });
});

describe("what undoes remembered denials", () => {
  test("D2 a reset by anybody, pushed", async () => {
    const scene = new Scene();
    await scene.allow("k");
    await scene.allow("other");
    await scene.push({ index: 30n, keys: ["k"] });
    expect(await scene.guard.allow("other", "login")).toMatchObject({ source: "denial-cache" });
    scene.index = 31;
    expect(await scene.allow("k")).toMatchObject({ source: "leader" });
    expect(await scene.allow("k")).toMatchObject({ source: "denial-cache" });
  });

  test("once: what was denied since outlives the same push by another node", async () => {
    const scene = new Scene();
    await scene.allow("k");
    await scene.push({ index: 30n, keys: ["k"] });
    scene.index = 31;
    await scene.allow("k");
    await scene.allow("k", { cost: 2 });
    await scene.push({ index: 30n, keys: ["k"] });
    await scene.push({ index: 30n, all: true });
    for (const cost of [1, 2]) expect(await scene.allow("k", { cost })).toMatchObject({ source: "denial-cache" });
    await scene.push({ index: 31n, all: true });
    scene.index = 32;
    for (const cost of [1, 2]) expect(await scene.allow("k", { cost })).toMatchObject({ source: "leader" });
  });

  test("a reset that is pushed before the denial arrives that it undoes", async () => {
    const scene = new Scene();
    await scene.allow("warm");
    scene.delayMs = 100;
    const call = scene.guard.allow("k", "login");
    await scene.runtime.settle();
    await scene.push({ index: 20n, keys: ["k"] });
    await scene.runtime.pass(100);
    expect(await call).toMatchObject({ allowed: false });
    scene.delayMs = 0;
    expect(await scene.allow("k")).toMatchObject({ source: "leader" });
  });

  test("this guard's own reset, under any limit of the same counter", async () => {
    const scene = new Scene();
    const { guard, runtime } = scene;
    const inline = guard.allow("k", 5, "1m");
    await runtime.settle();
    await inline;
    await scene.allow("k");
    scene.index = 25;
    const reset = guard.reset({ key: "k", limit: 9, window: "1m" });
    await runtime.settle();
    await reset;
    const again = guard.allow("k", 5, "1m");
    await runtime.settle();
    expect(await again).toMatchObject({ source: "leader" });
    // A policy's counter is another.
    expect(await scene.allow("k")).toMatchObject({ source: "denial-cache" });
  });

  test("a change of policies, by whichever message it is heard of first", async () => {
    const heard: ((scene: Scene) => Promise<unknown>)[] = [
      (scene) => scene.push({ index: 30n, policyVersion: 1n, all: true }),
      async (scene) => {
        scene.stream.send({ case: "pong", value: { id: 1n, policyVersion: 1n } });
        await scene.runtime.settle();
      },
      async (scene) => {
        scene.told = { ...scene.told, policyVersion: 1 };
        await scene.allow("other");
      },
    ];
    for (const hear of heard) {
      const scene = new Scene();
      await scene.allow("k");
      await hear(scene);
      scene.told = { ...scene.told, policyVersion: 1 };
      scene.index = 31;
      expect(await scene.allow("k")).toMatchObject({ source: "leader" });
      expect(await scene.allow("k")).toMatchObject({ source: "denial-cache" });
    }
  });

  test("D2 a new stream; while there is none, denials stay denials", async () => {
    const scene = new Scene();
    await scene.allow("k");
    const { cluster, runtime } = scene;
    const leader = cluster.nodes[0]!;
    leader.kill();
    await runtime.settle();
    expect(await scene.allow("k")).toMatchObject({ source: "denial-cache" });
    cluster.elect(2);
    await runtime.settle();
    expect(await scene.allow("k")).toMatchObject({ source: "leader" });
    expect(await scene.allow("k")).toMatchObject({ source: "denial-cache" });
  });

  test("it holds while the cluster is gone, also where calls fail open", async () => {
    const scene = new Scene({ onUnavailable: "allow", timeoutMs: 100 });
    await scene.allow("k");
    for (const node of scene.cluster.nodes) node.kill();
    const other = scene.guard.allow("other", "login");
    await scene.runtime.pass(100);
    expect(await other).toMatchObject({ allowed: true, source: "fail-open" });
    expect(await scene.allow("k")).toMatchObject({ allowed: false, source: "denial-cache", degraded: false });
    await scene.runtime.pass(10_000);
    const late = scene.guard.allow("k", "login");
    await scene.runtime.pass(100);
    expect(await late).toMatchObject({ source: "fail-open" });
  });

  test("what was denied before the stream began is not remembered on it", async () => {
    const scene = new Scene();
    scene.cluster.appliedIndex = 20n;
    await scene.allow("k");
    expect(await scene.allow("k")).toMatchObject({ source: "leader" });
  });

  test("from a node that pushes nothing, nothing is remembered", async () => {
    const scene = new Scene();
    scene.cluster.appliedIndex = 0n;
    await scene.allow("k");
    expect(await scene.allow("k")).toMatchObject({ source: "leader" });
  });
});

describe("the memory is bounded", () => {
  test("the key that was not asked about makes room, and one under attack stays", async () => {
    const scene = new Scene({ maxRememberedKeys: 3 });
    for (const key of ["a", "b", "c"]) await scene.allow(key);
    expect(await scene.guard.allow("a", "login")).toMatchObject({ source: "denial-cache" });
    await scene.allow("d");
    for (const key of ["a", "c", "d"]) {
      expect(await scene.guard.allow(key, "login")).toMatchObject({ source: "denial-cache" });
    }
    expect(await scene.allow("b")).toMatchObject({ source: "leader" });
  });

  test("0 keys: the cluster is asked each time", async () => {
    const scene = new Scene({ maxRememberedKeys: 0 });
    await scene.allow();
    expect(await scene.allow()).toMatchObject({ source: "leader" });
  });

  test("a key has four costs at most", async () => {
    const scene = new Scene();
    for (const cost of [1, 2, 3, 4, 5]) await scene.allow("k", { cost });
    for (const cost of [2, 3, 4, 5]) expect(await scene.allow("k", { cost })).toMatchObject({ source: "denial-cache" });
    expect(await scene.allow("k", { cost: 1 })).toMatchObject({ source: "leader" });
  });
});
