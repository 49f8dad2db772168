import { Applied, ErrorReason } from "@quorumguard/proto";
import { describe, expect, test } from "vitest";
import { createGuardCore, createRequestGuard } from "../create-guard-core.ts";
import type { Allowed, Hold, Reservation } from "../surface/guard.ts";
import { GuardError } from "../surface/guard-error.ts";
import type { GuardOptions } from "../surface/guard-options.ts";
import { ScriptedCluster } from "../testing/scripted-cluster.ts";
import { VirtualRuntime } from "../testing/virtual-runtime.ts";
import { TransportError } from "../transport.ts";

const policies = { tokens: { limit: 100, window: "1m" } } as const;

function scene(
  options: Partial<GuardOptions<"tokens">> = {},
  cluster = new ScriptedCluster(),
  create = createGuardCore,
) {
  const runtime = new VirtualRuntime();
  const guard = create({ endpoints: ["n1:7400"], policies, ...options }, cluster, runtime, {
    defaultEndpoints: "n1:7400",
    client: "test",
    endpointOf: (member) => member.grpcEndpoint,
  });
  return { cluster, runtime, guard };
}

const check = { key: "a", policy: "tokens", cost: 20 } as const;
const slot = { key: "a", limit: 2, window: "10m", algorithm: "concurrency" } as const;

function held(reservation: Reservation): Allowed & Hold {
  if (!reservation.allowed) throw new Error("it was denied");
  return reservation;
}

const failed = (promise: Promise<unknown>): Promise<GuardError> =>
  promise.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: unknown) => {
      expect(error).toBeInstanceOf(GuardError);
      return error as GuardError;
    },
  );

/** Verb, cost and handle of the last frame's first call. */
function lastCall(cluster: ScriptedCluster): readonly [verb: number, cost: number, handle: number] {
  const { verbs, costs, handles } = cluster.frames.at(-1)!.frame;
  return [verbs?.[0] ?? 0, costs?.[0] ?? 1, handles?.[0] ?? 0];
}

async function reserved(...given: Parameters<typeof scene>) {
  const made = scene(...given);
  const asked = made.guard.reserve(check, { ttl: "30s" });
  await made.runtime.settle();
  return { ...made, hold: held(await asked) };
}

describe("a reservation", () => {
  test("is a decision with its hold, asked for with its time to live", async () => {
    const { cluster, hold } = await reserved();
    expect(hold).toMatchObject({ allowed: true, policy: "tokens", source: "quorum", degraded: false });
    const { verbs, ttlsMs, costs } = cluster.frames[0]!.frame;
    expect([verbs?.[0], ttlsMs?.[0], costs?.[0]]).toEqual([2, 30_000, 20]);
  });

  test.each([
    ["what was reserved", undefined, [3, 20, 101]],
    ["less", 7, [3, 7, 101]],
    ["more", 70, [3, 70, 101]],
    ["nothing, which is a cancel", 0, [4, 20, 101]],
  ])("is committed at %s", async (_, actual, sent) => {
    const { cluster, runtime, hold } = await reserved();
    const done = hold.commit(actual);
    await runtime.settle();
    await done;
    expect(lastCall(cluster)).toEqual(sent);
  });

  test("is settled once, however often that is said", async () => {
    const { cluster, runtime, hold } = await reserved();
    const done = [hold.commit(5), hold.commit(5), hold.commit(), hold.cancel(), hold[Symbol.asyncDispose]()];
    expect([done[1], done[2]]).toEqual([done[0], done[0]]);
    await runtime.settle();
    await Promise.all(done);
    expect(lastCall(cluster)).toEqual([3, 5, 101]);
    expect(cluster.frames).toHaveLength(2);
  });

  test("is not committed at another amount: the second one would be lost without a word", async () => {
    const { cluster, runtime, hold } = await reserved();
    const done = hold.commit(1);
    const another = await failed(
      (function userOfCommit() {
        return hold.commit(4);
      })(),
    );
    expect(another).toMatchObject({
      code: "invalid_argument",
      message: expect.stringMatching(
        /^actualCost: 4 is not the 1 that the reservation of "a" was committed with; .* add up/,
      ),
      details: { field: "actualCost", value: 4 },
    });
    expect(another.stack).toMatch(/^.*\n\s+at userOfCommit/);
    await runtime.settle();
    await done;
    await hold.commit(1);
    expect(lastCall(cluster)).toEqual([3, 1, 101]);
    expect(cluster.frames).toHaveLength(2);
  });

  test("is given back by cancel or by leaving the block, and says what to write when it is committed then", async () => {
    const { cluster, runtime, hold } = await reserved();
    const done = [hold[Symbol.asyncDispose](), hold.cancel()];
    await runtime.settle();
    await Promise.all(done);
    expect(lastCall(cluster)).toEqual([4, 20, 101]);
    expect(cluster.frames).toHaveLength(2);
    const error = await failed(hold.commit());
    expect(error).toMatchObject({
      code: "not_held",
      message: expect.stringMatching(/was cancelled.*write `await res/),
    });
  });

  test("refuses an actual cost that is no number of units, and can still be committed", async () => {
    const { cluster, runtime, hold } = await reserved();
    for (const wrong of [-1, 1.5, 2 ** 31, "7" as never]) {
      expect(await failed(hold.commit(wrong))).toMatchObject({
        code: "invalid_argument",
        message: expect.stringMatching(/^actualCost: /),
      });
    }
    const done = hold.commit(7);
    await runtime.settle();
    await done;
    expect(lastCall(cluster)).toEqual([3, 7, 101]);
  });

  test("that is denied is a value, and can be disposed of", async () => {
    const { cluster, runtime, guard } = scene();
    cluster.nodes[0]!.answers = (frame, stream) => stream.reply(frame, 2);
    const asked = guard.reserve(check);
    await runtime.settle();
    const denied = await asked;
    expect(denied).toMatchObject({ allowed: false, reason: "limited", retryAfterMs: 250 });
    await denied[Symbol.asyncDispose]();
    expect(cluster.frames).toHaveLength(1);
  });

  test("of which the cluster knows nothing any more rejects a commit, and no disposal", async () => {
    const { cluster, runtime, hold } = await reserved();
    cluster.nodes[0]!.answers = (frame, stream) => stream.reply(frame, 24);
    const error = failed(hold.commit());
    const left = hold[Symbol.asyncDispose]();
    await runtime.settle();
    expect(await error).toMatchObject({
      code: "not_held",
      retry: "no",
      message: expect.stringMatching(
        /^commit: the reservation of "a" is not open .* session that made it has ended; .*\{ ttl: "5m" \}/,
      ),
    });
    await left;
  });

  test("whose time is over says so, whose it was, and how to have more of it", async () => {
    const { cluster, runtime, hold } = await reserved();
    cluster.nodes[0]!.answers = (frame, stream) => stream.reply(frame, 24);
    await runtime.pass(31_000);
    const error = failed(hold.commit(1));
    await runtime.settle();
    expect(await error).toMatchObject({
      code: "not_held",
      message: expect.stringMatching(/^commit: the reservation of "a" .* its time to live is over, .*\{ ttl: "5m" \}/),
    });
  });
});

describe("arguments", () => {
  test.each([
    ["a ttl without unit", { ttl: 30 }, /^ttl: 30 .*"30s"/],
    ["a ttl of half a millisecond", { ttl: "1.5ms" }, /^ttl: .*whole number of milliseconds/],
    ["two costs", { cost: 3 }, /^cost: .*give it once/],
    ["an option that does not exist", { tll: "30s" }, /^tll: .*did you mean ttl/],
  ])("%s is refused", async (_, options, message) => {
    const { guard } = scene();
    const error = await failed(guard.reserve(check, options as never));
    expect(error).toMatchObject({ code: "invalid_argument", message: expect.stringMatching(message) });
  });

  test("allow under concurrency is refused before anything is sent, and told what to write", async () => {
    const { cluster, guard, runtime } = scene({
      policies: { tokens: { limit: 2, window: "10m", algorithm: "concurrency" } },
    });
    const { key, limit, window, algorithm } = slot;
    const calls = [
      guard.allow(key, limit, window, { algorithm: algorithm as never }),
      guard.allow("a", "tokens"),
      guard.allowAll([slot, { key, limit, window }]),
    ].map(failed);
    await runtime.settle();
    for (const error of await Promise.all(calls)) {
      expect(error).toMatchObject({
        code: "needs_reservation",
        message: expect.stringMatching(/await guard\.reserve/),
      });
    }
    expect(cluster.log).toEqual([]);
  });
});

describe("the signal", () => {
  test("aborts 2 % before the time to live is over, counted from the send of the request", async () => {
    const cluster = new ScriptedCluster();
    const { runtime, guard } = scene({ timeoutMs: 20_000 }, cluster);
    let answer = () => {};
    cluster.nodes[0]!.answers = (frame, stream) => {
      answer = () => stream.reply(frame);
    };
    const asked = guard.reserve(check, { ttl: "30s" });
    await runtime.pass(10_000);
    answer();
    await runtime.settle();
    const { signal } = held(await asked);
    await runtime.pass(19_399);
    expect(signal.aborted).toBe(false);
    await runtime.pass(1);
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toMatchObject({ code: "not_held", message: expect.stringMatching(/time to live/) });
  });

  test("does not abort once the hold is settled", async () => {
    const { runtime, hold } = await reserved();
    const { signal } = hold;
    void hold.commit();
    await runtime.pass(60_000);
    expect(signal.aborted).toBe(false);
  });

  test("lives on with the session's renewals, and aborts before a session that is not renewed can end", async () => {
    const { cluster, runtime, guard } = scene();
    const asked = guard.reserve(slot, { ttl: "1h" });
    await runtime.settle();
    const { signal } = held(await asked);
    await runtime.pass(300_000);
    expect(signal.aborted).toBe(false);
    cluster.renews = false;
    // The last renewal was sent at most a third of the session's minute ago.
    await runtime.pass(38_000);
    expect(signal.aborted).toBe(false);
    await runtime.pass(21_000);
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toMatchObject({ message: expect.stringMatching(/forgotten its session/) });
  });

  test("a renewal that its stream lost is made up for on the next", async () => {
    const { cluster, runtime, guard } = scene();
    const asked = guard.reserve(slot, { ttl: "1h" });
    await runtime.settle();
    const { signal } = held(await asked);
    await runtime.pass(19_000);
    for (const node of cluster.nodes) node.kill();
    await runtime.pass(15_000);
    for (const node of cluster.nodes) node.down = null;
    await runtime.pass(2_000);
    const renewals = () => cluster.log.filter((line) => line.startsWith("renew")).length;
    expect(renewals()).toBe(1);
    cluster.renews = false;
    await runtime.pass(50_000);
    expect(signal.aborted).toBe(false);
  });

  test("aborts when the session is gone, and when the guard is closed", async () => {
    for (const end of ["expired", "closed"]) {
      const { cluster, runtime, guard } = scene();
      const asked = guard.reserve(slot, { ttl: "1h" });
      await runtime.settle();
      const { signal } = held(await asked);
      if (end === "closed") await guard.close();
      else {
        const [stream] = cluster.nodes[0]!.streams;
        stream!.fail(null, { reason: ErrorReason.SESSION_EXPIRED, applied: Applied.NO, message: "gone" });
      }
      await runtime.settle();
      expect(signal.aborted, end).toBe(true);
    }
  });

  test("under a request id of the caller's counts what had passed before this call was made", async () => {
    const cluster = new ScriptedCluster();
    cluster.peekedAtUs = cluster.openedAtUs + 20_000_000n;
    const { runtime, guard } = scene({}, cluster);
    const asked = guard.reserve(check, { ttl: "30s", requestId: "job 1" });
    await runtime.settle();
    const { signal } = held(await asked);
    await runtime.pass(9_799);
    expect(signal.aborted).toBe(false);
    await runtime.pass(1);
    expect(signal.aborted).toBe(true);
  });

  test("of a time to live beyond a timer's range does not abort at once", async () => {
    const { runtime, guard } = scene({}, new ScriptedCluster(), createRequestGuard);
    const asked = guard.reserve(slot, { ttl: "300d" });
    await runtime.settle();
    const { signal } = held(await asked);
    await runtime.pass(290 * 86_400_000);
    expect(signal.aborted).toBe(false);
    await runtime.pass(4 * 86_400_000);
    expect(signal.aborted).toBe(true);
  });
});

describe("when the cluster does not answer", () => {
  const outage = async (options: Partial<GuardOptions<"tokens">>) => {
    const made = scene(options);
    for (const node of made.cluster.nodes) node.kill();
    return made;
  };

  test("local: the hold is on this process's count alone, settles there, and ends there", async () => {
    const { cluster, runtime, guard } = await outage({});
    const ask = async (cost: number, ttl = "30s") => {
      const asked = guard.reserve({ ...check, cost }, { ttl: ttl as "30s" });
      await runtime.pass(1_100);
      return asked;
    };
    const first = held(await ask(60));
    expect(first).toMatchObject({ source: "local", degraded: true, remaining: 40 });
    expect(await ask(60)).toMatchObject({ allowed: false, source: "local" });
    await first.commit(10);
    const second = held(await ask(60));
    await second.cancel();
    const third = held(await ask(90));
    const { signal } = third;
    await runtime.pass(29_500);
    expect(signal.aborted).toBe(true);
    await runtime.pass(2_000);
    expect(await failed(third.commit())).toMatchObject({ code: "not_held" });
    expect(cluster.frames).toEqual([]);
  });

  test("local: slots are counted by this process too", async () => {
    const { runtime, guard } = await outage({});
    const asked = [guard.reserve(slot), guard.reserve(slot), guard.reserve(slot)];
    await runtime.pass(1_100);
    const [one, two, three] = await Promise.all(asked);
    expect([one!.allowed, two!.allowed, three!.allowed]).toEqual([true, true, false]);
    await one![Symbol.asyncDispose]();
    const again = guard.reserve(slot);
    await runtime.pass(1_100);
    expect((await again).allowed).toBe(true);
  });

  test("allow: nothing is held and nothing is settled; deny and throw are as for allow", async () => {
    const { cluster, runtime, guard } = await outage({});
    const asked = (["allow", "deny", "throw"] as const).map((onUnavailable) => guard.reserve(check, { onUnavailable }));
    const thrown = failed(asked[2]!);
    await runtime.pass(1_100);
    const open = held(await asked[0]!);
    expect(open).toMatchObject({ source: "fail-open", degraded: true });
    await open.commit(1_000);
    expect(open.signal.aborted).toBe(false);
    expect(await asked[1]).toMatchObject({ allowed: false, reason: "unavailable", source: "fail-closed" });
    expect(await thrown).toMatchObject({ code: "unavailable" });
    expect(cluster.frames).toEqual([]);
  });

  test("a commit is sent again under its number to whoever leads next", async () => {
    const { cluster, runtime, hold } = await reserved({ endpoints: ["n1:7400", "n2:7400"] });
    await runtime.pass(500);
    cluster.nodes[0]!.answers = () => {};
    const done = hold.commit(7);
    await runtime.settle();
    cluster.elect(2);
    cluster.nodes[0]!.kill();
    await runtime.pass(300);
    await done;
    const [first, second] = cluster.frames.slice(1);
    expect([first!.endpoint, second!.endpoint]).toEqual(["n1:7400", "n2:7400"]);
    expect(second!.frame.firstNumber).toBe(first!.frame.firstNumber);
    expect(second!.frame.costs).toEqual(first!.frame.costs);
  });

  test("a commit that was not answered in time says so, and goes on under its number until it is", async () => {
    const { cluster, runtime, hold } = await reserved();
    cluster.nodes[0]!.answers = () => {};
    const done = failed(hold.commit(7));
    await runtime.pass(1_100);
    expect(await done).toMatchObject({ code: "timed_out", applied: "unknown" });
    const number = cluster.frames.at(-1)!.frame.firstNumber;
    const before = cluster.frames.length;
    expect(runtime.keepsAlive).toBe(false);
    cluster.nodes[0]!.answers = (frame, stream) => stream.reply(frame);
    const [stream] = cluster.nodes[0]!.streams;
    stream!.close();
    await runtime.pass(2_000);
    expect(cluster.frames).toHaveLength(before + 1);
    expect(cluster.frames.at(-1)!.frame.firstNumber).toBe(number);
    expect(lastCall(cluster)).toEqual([3, 7, 101]);
  });

  test("a reserve that was given up is given back once its answer comes", async () => {
    const { cluster, runtime, guard } = scene();
    let answer = () => {};
    cluster.nodes[0]!.answers = (frame, stream) => {
      answer = () => stream.reply(frame);
    };
    const asked = guard.reserve(slot, { onUnavailable: "deny" });
    await runtime.pass(1_100);
    expect(await asked).toMatchObject({ allowed: false, reason: "unavailable" });
    expect(lastCall(cluster)).toEqual([2, 1, 0]);
    cluster.nodes[0]!.answers = (frame, stream) => stream.reply(frame);
    answer();
    await runtime.pass(100);
    expect(lastCall(cluster)).toEqual([4, 1, 101]);
    const next = guard.allow("b", 5, "1m");
    await runtime.settle();
    expect(await next).toMatchObject({ source: "quorum" });
    expect(cluster.frames.at(-1)!.frame.ackedThrough).toBe(2);
  });

  test("calls that were given up take no room from others, and are asked for again", async () => {
    const { cluster, runtime, guard } = scene();
    const ready = guard.allow("b", 5, "1m");
    await runtime.settle();
    await ready;
    cluster.nodes[0]!.answers = () => {};
    for (let frames = 0; frames < 5; frames++) {
      const asked = guard.reserve(slot, { onUnavailable: "deny" });
      await runtime.pass(1_100);
      expect(await asked).toMatchObject({ allowed: false, source: "fail-closed" });
    }
    cluster.nodes[0]!.answers = (frame, stream) => stream.reply(frame);
    const next = guard.allow("b", 5, "1m");
    await runtime.settle();
    expect(await next).toMatchObject({ source: "quorum" });
    // With the next renewal; each is then given back.
    await runtime.pass(20_000);
    const cancels = cluster.frames.flatMap(({ frame }) => [...(frame.verbs ?? [])]).filter((verb) => verb === 4);
    expect(cancels).toHaveLength(5);
    const last = guard.allow("b", 5, "1m");
    await runtime.settle();
    await last;
    expect(cluster.frames.at(-1)!.frame.ackedThrough).toBe(cluster.frames.at(-1)!.frame.firstNumber - 1);
  });

  test("without streams a commit that failed is the same call when it is made again, also by leaving the block", async () => {
    const cluster = new ScriptedCluster();
    const { runtime, hold } = await reserved({}, cluster, createRequestGuard);
    cluster.onUnary = () => Promise.reject(new TransportError("unknown", "lost"));
    const done = failed(hold.commit(7));
    await runtime.pass(1_100);
    expect(await done).toMatchObject({ applied: "unknown" });
    cluster.onUnary = (call) => Promise.resolve(cluster.defaultUnary(call));
    const left = hold[Symbol.asyncDispose]();
    await runtime.settle();
    await left;
    const settling = cluster.batches.flatMap(({ calls }) => calls).filter(({ verb }) => verb !== 2);
    expect(new Set(settling.map(({ requestId }) => requestId)).size).toBe(1);
    expect(settling.at(-1)).toMatchObject({ verb: 3, handle: 101n });
    expect(settling.at(-1)!.checks[0]!.cost).toBe(7);
  });
});

describe("a policy by its name alone", () => {
  const cluster = () => {
    const made = new ScriptedCluster();
    const runtime = new VirtualRuntime();
    const guard = createGuardCore<"login">({ endpoints: ["n1:7400"] }, made, runtime, {
      defaultEndpoints: "n1:7400",
      client: "test",
      endpointOf: (member) => member.grpcEndpoint,
    });
    return { cluster: made, runtime, guard };
  };

  test("travels without numbers", async () => {
    const { cluster: made, runtime, guard } = cluster();
    const calls = [guard.allow("a", "login"), guard.reserve({ key: "a", policy: "login" })];
    await runtime.settle();
    expect(await calls[0]).toMatchObject({ allowed: true, policy: "login" });
    const { rules } = made.frames[0]!.frame;
    expect(rules).toEqual([
      expect.objectContaining({ policy: "login", limit: 0, windowUs: 0, algorithm: 0, burst: 0 }),
    ]);
  });

  test("that the cluster does not know is an error that names it, and what was most likely meant", async () => {
    const { cluster: made, runtime, guard } = scene();
    made.nodes[0]!.answers = (frame, stream) => stream.reply(frame, 23);
    const error = failed((guard as { allow: (key: string, name: string) => Promise<unknown> }).allow("a", "token"));
    await runtime.settle();
    const message = expect.stringMatching(/^policy: "token" is not a policy of the cluster.*did you mean tokens\?/);
    const details = { field: "policy", value: "token", nearest: "tokens", known: ["tokens"] };
    expect(await error).toMatchObject({ code: "unknown_policy", message, retry: "no", details });
  });

  test("is denied by a process that cannot ask, since it knows no limit", async () => {
    const { cluster: made, runtime, guard } = cluster();
    for (const node of made.nodes) node.kill();
    const asked = [guard.allow("a", "login"), guard.allow("a", "login", { onUnavailable: "allow" })];
    await runtime.pass(1_100);
    expect(await asked[0]).toMatchObject({ allowed: false, reason: "unavailable", source: "fail-closed" });
    expect(await asked[1]).toMatchObject({ allowed: true, source: "fail-open" });
  });
});
