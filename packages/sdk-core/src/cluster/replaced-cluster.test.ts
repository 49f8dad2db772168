import { describe, expect, test } from "vitest";
import { createGuardCore } from "../create-guard-core.ts";
import type { Decision, GuardEvent, Reservation } from "../surface/guard.ts";
import type { GuardError } from "../surface/guard-error.ts";
import type { GuardOptions } from "../surface/guard-options.ts";
import { LeaseScene } from "../testing/lease-scene.ts";
import { ScriptedCluster } from "../testing/scripted-cluster.ts";
import { VirtualRuntime } from "../testing/virtual-runtime.ts";

const endpoints = ["n1:7400", "n2:7400", "n3:7400"];

/** A guard that has been told which cluster is its own. */
async function scene(options: Partial<GuardOptions> = {}) {
  const cluster = new ScriptedCluster();
  cluster.appliedIndex = 10n;
  const runtime = new VirtualRuntime();
  const warnings: string[] = [];
  const guard = createGuardCore({ endpoints, onUnavailable: "throw", timeoutMs: 500, ...options }, cluster, runtime, {
    defaultEndpoints: endpoints,
    client: "test",
    endpointOf: (member) => member.grpcEndpoint,
    warn: (message, about) => warnings.push(`${about}: ${message}`),
  });
  const ready = guard.ready();
  await runtime.settle();
  await ready;
  return { cluster, runtime, guard, warnings };
}

type Scene = Awaited<ReturnType<typeof scene>>;

/** How a call ends, in at most a second. */
async function ask({ guard, runtime }: Pick<Scene, "guard" | "runtime">): Promise<Decision | GuardError> {
  const end = guard.allow("k", 5, "10s").catch((error: GuardError) => error);
  await runtime.pass(600);
  return end;
}

function stop({ cluster }: Pick<Scene, "cluster">): void {
  for (const node of cluster.nodes) node.kill();
}

/** At these addresses, another cluster starts from nothing. */
function rebuild({ cluster }: Pick<Scene, "cluster">, at = cluster.nodes): void {
  cluster.clusterId = "new";
  cluster.term = 1;
  cluster.leaderId = at[0]!.nodeId;
  cluster.sessions.clear();
  for (const node of at) node.down = null;
}

describe("a cluster that was replaced", () => {
  test("is taken when nobody speaks for the old one, with an event, and its counts are the guard's from then on", async () => {
    const at = await scene();
    const events: GuardEvent[] = [];
    at.guard.on("replaced", (event) => events.push(event));
    at.cluster.elect(2);
    stop(at);
    await at.runtime.pass(1_000);
    rebuild(at);
    // Until it is decided, it is an outage, and no mistake.
    expect(await ask(at)).toMatchObject({
      code: "unavailable",
      message: expect.stringContaining('belongs to cluster "new"'),
    });
    await at.runtime.pass(4_000);
    expect(await ask(at)).toMatchObject({ allowed: true, source: "quorum" });
    expect(events).toMatchObject([{ formerClusterId: "test", clusterId: "new" }]);
    expect((events[0] as { reason: string }).reason).toContain(
      'n1:7400, n2:7400, n3:7400 is another one than before (was "test", is "new")',
    );
    expect(at.warnings).toEqual([]);
    // Its terms begin anew: a later leader is followed.
    at.cluster.elect(3);
    await at.runtime.settle();
    await ask(at);
    expect(at.cluster.frames.at(-1)!.endpoint).toBe("n3:7400");
  });

  test("is warned of where nobody listens, once", async () => {
    const at = await scene();
    stop(at);
    await at.runtime.pass(1_000);
    rebuild(at);
    await at.runtime.pass(6_000);
    expect(await ask(at)).toMatchObject({ source: "quorum" });
    expect(at.warnings.filter((warning) => warning.startsWith("replaced: endpoints: the cluster at "))).toHaveLength(1);
  });

  test("is no other one while a member of the old one answers", async () => {
    const at = await scene();
    const [first, second, third] = at.cluster.nodes;
    third!.kill();
    third!.otherClusterId = "new";
    third!.down = null;
    await at.runtime.pass(10_000);
    expect(await ask(at)).toMatchObject({ allowed: true, source: "quorum" });
    expect([first!, second!].flatMap((node) => [...node.streams])).not.toEqual([]);
  });

  test("is not taken for an answer or two: an old one that is only slow to start comes back", async () => {
    const at = await scene();
    const events: GuardEvent[] = [];
    at.guard.on("replaced", (event) => events.push(event));
    stop(at);
    await at.runtime.pass(500);
    const stray = at.cluster.nodes[2]!;
    stray.otherClusterId = "new";
    stray.down = null;
    await at.runtime.pass(1_000);
    at.cluster.nodes[0]!.down = null;
    at.cluster.nodes[1]!.down = null;
    await at.runtime.pass(10_000);
    expect(await ask(at)).toMatchObject({ source: "quorum" });
    expect(events).toEqual([]);
  });

  test("one that comes back beside its successor is a mistake: two clusters at the same time", async () => {
    const at = await scene({ endpoints: ["n1:7400", "n2:7400"] });
    stop(at);
    await at.runtime.pass(1_000);
    const [, second] = at.cluster.nodes;
    second!.otherClusterId = "new";
    second!.down = null;
    await at.runtime.pass(5_000);
    expect(await ask(at)).toMatchObject({ source: "quorum" });
    at.cluster.nodes[0]!.down = null;
    await at.runtime.pass(5_000);
    const error = (await ask(at)) as GuardError;
    expect(error.code).toBe("wrong_cluster");
    expect(error.message).toContain('n2:7400 belongs to cluster "new", and n1:7400 to "test"');
  });

  test("ends calls as a lost session does: what may have been counted is not sent to another cluster", async () => {
    const at = await scene({ timeoutMs: 60_000 });
    for (const node of at.cluster.nodes) node.answers = () => {};
    const sent = at.guard.allow("sent", 5, "10s").catch((error: GuardError) => error);
    await at.runtime.settle();
    stop(at);
    const kept = at.guard.allow("kept", 5, "10s");
    await at.runtime.pass(1_000);
    for (const node of at.cluster.nodes) node.answers = (frame, stream) => stream.reply(frame);
    rebuild(at);
    await at.runtime.pass(6_000);
    expect(await sent).toMatchObject({ code: "session_expired", applied: "unknown" });
    expect(await kept).toMatchObject({ allowed: true, source: "quorum" });
    expect(at.cluster.frames.flatMap(({ keys }) => keys)).toEqual(["sent", "kept"]);
  });

  test("does not hear of holds that the old one kept: their numbers may be others' there", async () => {
    const at = await scene({ timeoutMs: 60_000 });
    const reserve = async (): Promise<Reservation> => {
      const held = at.guard.reserve({ key: "k", limit: 5, window: "1h" });
      await at.runtime.settle();
      return held;
    };
    const [late, early] = [await reserve(), await reserve()];
    if (!late.allowed || !early.allowed) throw new Error("both are held");
    stop(at);
    await at.runtime.pass(1_000);
    const queued = early.commit().catch((error: GuardError) => error);
    rebuild(at);
    await at.runtime.pass(6_000);
    expect(await queued).toMatchObject({ code: "session_expired", message: expect.stringContaining("replaced") });
    const frames = at.cluster.frames.length;
    await expect(late.commit()).rejects.toMatchObject({
      code: "not_held",
      message: expect.stringContaining("replaced"),
    });
    expect(at.cluster.frames.length).toBe(frames);
  });

  test("is asked again about a key that the old one had denied", async () => {
    const at = await scene();
    for (const node of at.cluster.nodes) {
      node.answers = (frame, stream) =>
        stream.reply(frame, 2, 2, { asOfIndex: 20, firmForMs: 3_600_000, retryAfterMs: 3_600_000 });
    }
    expect(await ask(at)).toMatchObject({ allowed: false });
    expect(await ask(at)).toMatchObject({ allowed: false, source: "denial-cache" });
    for (const node of at.cluster.nodes) node.answers = (frame, stream) => stream.reply(frame);
    stop(at);
    await at.runtime.pass(1_000);
    rebuild(at);
    await at.runtime.pass(6_000);
    expect(await ask(at)).toMatchObject({ allowed: true, source: "quorum" });
  });

  test("is not given back what the old one had leased, and grants anew", async () => {
    const at = new LeaseScene({ onUnavailable: "local" });
    for (let call = 0; call < 50; call++) {
      await at.allow();
      await at.runtime.pass(10);
    }
    expect(at.grants.length).toBeGreaterThan(0);
    stop(at);
    at.returns.length = 0;
    await at.runtime.pass(1_000);
    rebuild(at);
    await at.runtime.pass(6_000);
    const end = at.guard.allow("k", "api");
    await at.runtime.pass(1_500);
    expect(await end).toMatchObject({ source: "quorum" });
    expect(at.returns).toEqual([]);
  });
});
