import { encodeFrameReply, type ReceivedFrame, type ResultValues } from "@quorumguard/proto";
import { expect, test } from "vitest";
import { createGuardCore, createRequestGuard } from "./create-guard-core.ts";
import { GuardError } from "./surface/guard-error.ts";
import type { GuardOptions } from "./surface/guard-options.ts";
import { ScriptedCluster } from "./testing/scripted-cluster.ts";
import { VirtualRuntime } from "./testing/virtual-runtime.ts";
import { TransportError } from "./transport.ts";

function scene(
  options: Partial<GuardOptions<"login">> = {},
  cluster = new ScriptedCluster(),
  create = createGuardCore,
) {
  const runtime = new VirtualRuntime();
  const all = { endpoints: ["n1:7400"], policies: { login: { limit: 5, window: "1m" } }, ...options } as const;
  const guard = create(all, cluster, runtime, {
    defaultEndpoints: "n1:7400",
    client: "test",
    endpointOf: (member) => member.grpcEndpoint,
  });
  return { cluster, runtime, guard };
}

/** A reply to the whole frame, allowed but for what is said. */
function replyTo(frame: ReceivedFrame, said: Partial<ResultValues>, runs: number[] | null = null): Uint8Array {
  const column = (value: number) => new Array<number>(frame.items).fill(value);
  const plain = { outcomes: column(1), remaining: column(4), resetAfterMs: column(9), retryAfterMs: column(0) };
  const rest = { firmForMs: column(0), handles: column(0), limits: column(0), shadows: column(0) };
  return encodeFrameReply({
    ...{ firstNumber: frame.firstNumber, calls: frame.calls, index: 7, stampUs: 1, policyVersion: 0, source: 1 },
    ...{ results: { ...plain, ...rest, ...said }, tellLimits: said.limits !== undefined },
    ...{ fromItem: 0, toItem: frame.items, runs },
  });
}

const check = { key: "a", policy: "login" } as const;

test("a reply settles the calls that its runs name, and no others", async () => {
  const { runtime, guard, cluster } = scene();
  cluster.nodes[0]!.answers = (frame, stream) => {
    const some = { ...frame, calls: 2, items: 2 };
    stream.raw(replyTo(some, { outcomes: [2, 2], remaining: [1, 3] }, [1, 1, 1]));
    const rest = { ...frame, firstNumber: frame.firstNumber + 1, calls: 1, items: 1 };
    stream.raw(replyTo(rest, { remaining: [2] }));
  };
  const ended: unknown[] = [];
  for (const [at, key] of ["a", "b", "c"].entries()) {
    guard.allow(key, "login").then(({ allowed, remaining }) => {
      ended[at] = [allowed, remaining];
    });
  }
  await runtime.settle();
  expect(ended).toEqual([
    [false, 1],
    [true, 2],
    [false, 3],
  ]);
  expect(cluster.frames).toHaveLength(1);
});

test("a reset shares the frame of its turn with takes, and a frame of takes has no verbs", async () => {
  const { runtime, guard, cluster } = scene();
  const done = [guard.allow("a", "login"), guard.reset({ ...check, cost: 3 }), guard.allowAll([check, check])];
  await runtime.settle();
  expect(await done[1]).toBeUndefined();
  await Promise.all(done);
  const { frame } = cluster.frames[0]!;
  expect(frame).toMatchObject({
    calls: 3,
    verbs: Uint8Array.of(0, 1, 0),
    ttlsMs: new Float64Array(4),
    handles: new Float64Array(4),
    costs: null,
  });
  const take = guard.allow("a", "login");
  await runtime.settle();
  await take;
  expect(cluster.frames.at(-1)!.frame).toMatchObject({ verbs: null, ttlsMs: null, handles: null });
});

test("a reset that the cluster did not do is an error, whatever onUnavailable says", async () => {
  const { runtime, guard, cluster } = scene({ onUnavailable: "allow" });
  for (const node of cluster.nodes) node.kill();
  const end = guard.reset(check).catch((error: unknown) => error);
  await runtime.pass(1_100);
  const error = await end;
  expect(error).toBeInstanceOf(GuardError);
  expect(error).toMatchObject({ code: "unavailable", applied: "no" });
});

test("without streams a verb travels in its batch, under a request id", async () => {
  const cluster = new ScriptedCluster();
  const { runtime, guard } = scene({}, cluster, createRequestGuard);
  let failures = 1;
  cluster.onUnary = (call) => {
    if (failures-- > 0) return Promise.reject(new TransportError("unknown", "lost"));
    return Promise.resolve(cluster.defaultUnary(call));
  };
  const done = guard.reset(check);
  await runtime.pass(300);
  await done;
  const [first, second] = cluster.batches.map((batch) => batch.calls[0]!);
  expect(first).toMatchObject({ verb: 1, ttlMs: 0n, handle: 0n });
  expect(second!.requestId).toBe(first!.requestId);
  expect(second!.requestId).toHaveLength(32);
});

test("K3 decisions tell the limit in force, also if it is 0, bans, lists and shadow verdicts", async () => {
  const { runtime, guard, cluster } = scene();
  cluster.nodes[0]!.answers = (frame, stream) =>
    stream.raw(replyTo(frame, { outcomes: [1, 3, 4], limits: [9, 9, 0], shadows: [2, 0, 3] }));
  const asked = ["a", "b", "c"].map((key) => guard.allow(key, "login"));
  await runtime.settle();
  expect(await Promise.all(asked)).toMatchObject([
    { allowed: true, limit: 9, shadow: "limited" },
    { allowed: false, reason: "banned", limit: 9, shadow: null },
    { allowed: false, reason: "blocked", limit: 0, shadow: "banned" },
  ]);
});

test.each([
  [23, "unknown_policy", "no"],
  [24, "not_held", "no"],
  [25, "holds_full", "safe"],
  [26, "namespace_full", "safe"],
  [27, "needs_reservation", "no"],
])("outcome %i is the error %s", async (outcome, code, retry) => {
  const { runtime, guard, cluster } = scene();
  cluster.nodes[0]!.answers = (frame, stream) => stream.raw(replyTo(frame, { outcomes: [outcome] }));
  const end = guard.reset(check).catch((error: unknown) => error);
  await runtime.settle();
  expect(await end).toMatchObject({ code, retry, applied: "no" });
});
