import { Applied, ErrorReason, Outcome } from "@quorumguard/proto";
import { describe, expect, test } from "vitest";
import { createGuardCore } from "./create-guard-core.ts";
import type { GuardObserver } from "./guard-observer.ts";
import type { CallOptions } from "./surface/guard.ts";
import type { GuardOptions } from "./surface/guard-options.ts";
import { AbortController } from "./testing/abort-controller.ts";
import { ScriptedCluster } from "./testing/scripted-cluster.ts";
import { VirtualRuntime } from "./testing/virtual-runtime.ts";
import { TransportError } from "./transport.ts";
import type { LocalAnswerCounts } from "./without-network/local-answer-counts.ts";

/** A guard, and all that it tells of its calls in one list. */
function scene(options: Partial<GuardOptions<"login">> = {}) {
  const told: string[] = [];
  const counts: Readonly<LocalAnswerCounts>[] = [];
  let calls = 0;
  const observer: GuardObserver = {
    callStarted({ verb, policy, key, checks, timeoutMs }) {
      calls += 1;
      const name = `call ${calls}`;
      told.push(`${name}: ${verb} ${policy ?? "inline"} ${key} x${checks} in ${timeoutMs} ms`);
      return {
        sent: (endpoint, attempt, number) => told.push(`${name}: attempt ${attempt} of #${number} to ${endpoint}`),
        attemptFailed: (reason, applied) => told.push(`${name}: failed, applied ${applied}: ${reason}`),
        decided: (decisions) => told.push(`${name}: ${decisions.map(({ source }) => source).join()}`),
        failed: ({ code }) => told.push(`${name}: ${code}`),
      };
    },
    localAnswers: (given) => counts.push(given),
    event: ({ type }) => told.push(type),
    closed: () => told.push("closed"),
  };
  const [runtime, cluster] = [new VirtualRuntime(), new ScriptedCluster()];
  const guard = createGuardCore(
    { endpoints: ["n1:7400"], policies: { login: { limit: 5, window: "1m" } }, onUnavailable: "throw", ...options },
    cluster,
    runtime,
    { defaultEndpoints: "n1:7400", client: "test", endpointOf: (member) => member.grpcEndpoint, observer },
  );
  return { guard, runtime, cluster, told, counts };
}

test("an observer follows a call through its attempts to its decision", async () => {
  const { guard, runtime, cluster, told } = scene();
  let refusals = 1;
  cluster.nodes[0]!.answers = (frame, stream) => {
    if (refusals-- <= 0) stream.reply(frame);
    else stream.fail(frame, { reason: ErrorReason.UNAVAILABLE, applied: Applied.NO, message: "no leader" });
  };
  const call = guard.allow("user:1", "login");
  await runtime.pass(200);
  await call;
  expect(told).toEqual([
    "call 1: take login user:1 x1 in 1000 ms",
    "topology",
    "call 1: attempt 1 of #1 to n1:7400",
    "call 1: failed, applied no: no leader",
    "call 1: attempt 2 of #1 to n1:7400",
    "call 1: quorum",
  ]);
});

test("an observer hears of a group once, and of an error in a decision's place", async () => {
  const { guard, runtime, cluster, told } = scene({ timeoutMs: 300 });
  const group = guard.allowAll([
    { key: "a", policy: "login" },
    { key: "b", limit: 2, window: "1s" },
  ]);
  await runtime.settle();
  await group;
  cluster.nodes[0]!.answers = () => {};
  const late = guard.allow("c", 5, "10s").catch(() => {});
  await runtime.pass(400);
  await late;
  expect(told.filter((line) => /^call \d: (take|quorum|timed)/.test(line))).toEqual([
    "call 1: take login a x2 in 300 ms",
    "call 1: quorum,quorum",
    "call 2: take inline c x1 in 300 ms",
    "call 2: timed_out",
  ]);
  expect(told.at(-1)).toBe("call 2: timed_out");
  await guard.close();
  expect(told.at(-1)).toBe("closed");
});

test("a request of its own names the endpoint of each attempt", async () => {
  const { guard, runtime, told } = scene();
  const call = guard.allow("user:1", 5, "10s", { requestId: "order-7" });
  await runtime.settle();
  await call;
  expect(told.filter((line) => line.includes("attempt"))).toEqual(["call 1: attempt 1 of #0 to n1:7400"]);
});

describe("a denial that is remembered", () => {
  async function denied(outcome: Outcome) {
    const made = scene({ onUnavailable: "allow" });
    const { guard, runtime, cluster } = made;
    cluster.appliedIndex = 10n;
    cluster.nodes[0]!.answers = (frame, stream) => stream.reply(frame, outcome, 2, { index: 20, firmForMs: 600_000 });
    const ask = async (options?: CallOptions) => {
      const call = guard.allow("k", "login", options);
      await runtime.pass(1_100);
      return (await call).source;
    };
    expect(await ask()).toBe("leader");
    made.told.length = 0;
    return { ...made, ask };
  }

  test.each([
    [Outcome.LIMITED, { bansServed: 0, blocksServed: 0 }],
    [Outcome.BANNED, { bansServed: 2, blocksServed: 0 }],
    [Outcome.BLOCKED, { bansServed: 0, blocksServed: 2 }],
  ])("with outcome %s is counted and not followed, with options as without", async (outcome, kinds) => {
    const { ask, counts, told } = await denied(outcome);
    expect([await ask(), await ask({ timeoutMs: 500 })]).toEqual(["denial-cache", "denial-cache"]);
    expect(counts[0]).toMatchObject({ denialsServed: 2, ...kinds });
    expect(told).toEqual([]);
  });

  test("and is honoured where the cluster cannot decide is the end of a call that was followed, and counted as that alone", async () => {
    const { ask, counts, told, cluster } = await denied(Outcome.LIMITED);
    for (const node of cluster.nodes) node.kill();
    const before = counts[0]!.denialsServed;
    // A call with a request id is never answered from memory, but in an outage.
    cluster.onUnary = () => Promise.reject(new TransportError("not-sent", "connection refused"));
    expect(await ask({ requestId: "order-7" })).toBe("denial-cache");
    expect(told.at(-1)).toMatch(/: denial-cache$/);
    expect(counts[0]!.denialsServed).toBe(before);
  });

  test("is no answer to a caller that has given up", async () => {
    const { guard, counts } = await denied(Outcome.LIMITED);
    const controller = new AbortController();
    controller.abort();
    await expect(guard.allow("k", "login", { signal: controller.signal })).rejects.toMatchObject({ code: "aborted" });
    expect(counts[0]!.denialsServed).toBe(0);
  });
});
