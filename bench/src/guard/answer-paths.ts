import { Verb } from "../../../packages/limiter/src/index.ts";
import { createGuardCore } from "../../../packages/sdk-core/src/create-guard-core.ts";
import type { Decision } from "../../../packages/sdk-core/src/surface/guard.ts";
import { ScriptedCluster } from "../../../packages/sdk-core/src/testing/scripted-cluster.ts";
import { VirtualRuntime } from "../../../packages/sdk-core/src/testing/virtual-runtime.ts";
import type { HotPath } from "./hot-path.ts";

const ANSWERS = 2_048;
/** How long leases and denials of this cluster last: more than passes here. */
const FIRM_MS = 86_400_000;

/** A guard of a cluster that says what is wanted, in a time that passes when it is told to. */
function createScene() {
  const runtime = new VirtualRuntime();
  const cluster = new ScriptedCluster(1);
  cluster.appliedIndex = 10n;
  cluster.nodes[0]!.answers = (frame, stream) => {
    const isGrant = frame.verbs?.[0] === Verb.grant;
    const isDenied = !isGrant && frame.rules[0]?.limit === 1;
    const told = { index: 20, remaining: isDenied ? 0 : 1_000_000_000, firmForMs: isGrant || isDenied ? FIRM_MS : 0 };
    stream.reply(frame, isDenied ? 2 : 1, 1, isDenied ? { ...told, retryAfterMs: FIRM_MS } : told);
  };
  const guard = createGuardCore(
    {
      endpoints: "n1:7400",
      onUnavailable: "throw",
      policies: {
        plenty: { limit: 2_000_000_000, window: "1d", lease: true },
        each: { limit: 100, window: "1m", algorithm: "token-bucket" },
        none: { limit: 1, window: "1d" },
      },
    },
    cluster,
    runtime,
    { defaultEndpoints: "n1:7400", client: "bench", endpointOf: (member) => member.grpcEndpoint },
  );
  const ask = async (policy: "plenty" | "none"): Promise<Decision> => {
    const answer = guard.allow("k", policy);
    await runtime.settle();
    return answer;
  };
  return { runtime, cluster, guard, ask };
}

/** Answers that this process gives by itself; `prepare` sees to it that it can. */
function local(policy: "plenty" | "none", source: Decision["source"]): HotPath {
  const { runtime, guard, ask } = createScene();
  const isLocal = async () => (await ask(policy)).source === source;
  return {
    unit: "answers",
    operations: ANSWERS,
    async prepare() {
      // What is asked for often is leased: demand is calls in time.
      for (let tries = 0; !(await isLocal()); tries++) {
        if (tries === 100_000) throw new Error(`no answer came by ${source}`);
        await runtime.pass(tries % 64 === 0 ? 1 : 0);
      }
      await runtime.settle();
    },
    async run() {
      for (let i = 0; i < ANSWERS; i++) {
        if ((await guard.allow("k", policy)).source !== source) throw new Error(`an answer did not come by ${source}`);
      }
    },
  };
}

/** An admission out of a lease. */
export const leaseAnswer = (): HotPath => local("plenty", "lease");

/** A denial that is remembered. */
export const denialAnswer = (): HotPath => local("none", "denial-cache");

/** Calls that the cluster decides, 64 of a turn, from the call to its decision; the scripted cluster's own part is in it. */
export function sdkCalls(): HotPath {
  const { runtime, cluster, guard } = createScene();
  const keys = Array.from({ length: 64 }, (_, at) => `user:${String(at * 7_919).padStart(15, "0")}`);
  const turns = 4;
  return {
    unit: "calls",
    operations: keys.length * turns,
    async prepare() {
      cluster.frames.length = 0;
      await runtime.pass(1);
    },
    async run() {
      for (let turn = 0; turn < turns; turn++) {
        const decisions = Promise.all(keys.map((key) => guard.allow(key, "each")));
        await runtime.settle();
        for (const { source } of await decisions) if (source !== "quorum") throw new Error("a call was not decided");
      }
    },
  };
}
