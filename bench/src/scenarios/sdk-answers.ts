import process from "node:process";
import { setImmediate } from "node:timers/promises";
import { createGuard, type Decision, type Guard } from "@quorumguard/sdk-node";
import { startLocalCluster } from "@quorumguard/testbed";
import { median } from "../median.ts";
import type { ScenarioOptions, ScenarioResult } from "../scenario.ts";

/** Calls that await each other before the event loop turns. */
const callsPerBlock = 1_000;
/** The most that such an answer may take on average. */
const mostUs = 0.5;
/** What several guards may take together from one counter, in a window that outlasts the run. */
const sharedLimit = 20_000;

/** What blocks of one kind of answer took. */
export interface AnswerSample {
  readonly blocks: number;
  /** Microseconds per call: the mean over all blocks, and the median and the slowest hundredth of the blocks' own means. */
  readonly meanUs: number;
  readonly medianUs: number;
  readonly p99Us: number;
  /** What of the mean this thread computed: the rest of it, others had the processor. */
  readonly cpuUs: number;
  /** Times the bare loop in the same run, by what was computed. */
  readonly ratio: number;
  /** Blocks that were not counted, since the cluster had to be asked within them. */
  readonly askedBlocks: number;
}

/** What several guards took together of one limit. */
export interface SharedFacts {
  readonly limit: number;
  readonly admitted: number;
  readonly byLease: number;
}

/**
 * Answers that the client's process gives by itself, against the bare loop that awaits them: leases and remembered denials, of real
 * nodes. In turns, so that whatever else the machine does is in all of them.
 */
export async function sdkAnswers({ quick, say }: ScenarioOptions): Promise<ScenarioResult> {
  const cluster = await startLocalCluster({ nodes: 3 });
  const guards: Guard<string>[] = [];
  const open = () => {
    const guard = createGuard({
      endpoints: cluster.endpoints,
      onUnavailable: "throw",
      timeoutMs: 10_000,
      policies: {
        plenty: { limit: 2_000_000_000, window: "10s", algorithm: "sliding-window-counter", lease: true },
        shared: { limit: sharedLimit, window: "1h", lease: true },
        none: { limit: 1, window: "1h" },
      },
    });
    guards.push(guard);
    return guard;
  };
  try {
    const guard = open();
    await guard.ready({ timeoutMs: 10_000 });
    const bare = Promise.resolve({ source: "bare" } as const);
    const kinds = {
      bare: { source: "bare", ask: () => bare },
      lease: { source: "lease", ask: () => guard.allow("k", "plenty") },
      denial: { source: "denial-cache", ask: () => guard.allow("k", "none") },
    };
    for (let warm = 0; warm < 300; warm++)
      for (const kind of Object.values(kinds)) await timeBlock(kind.ask, kind.source);
    const taken = { bare: new Times(), lease: new Times(), denial: new Times() };
    for (let block = 0; block < (quick ? 300 : 3_000); block++) {
      for (const name of ["bare", "lease", "denial"] as const) {
        taken[name].add(await timeBlock(kinds[name].ask, kinds[name].source));
      }
    }
    const samples = Object.fromEntries(
      Object.entries(taken).map(([name, times]) => [name, times.sample(taken.bare.cpuUs)]),
    ) as Record<keyof typeof taken, AnswerSample>;
    for (const [name, { meanUs, medianUs, p99Us, cpuUs, ratio }] of Object.entries(samples)) {
      say(
        `  ${name.padEnd(8)} mean ${meanUs} us   median ${medianUs}   p99 ${p99Us}   computed ${cpuUs}   ${ratio} x the bare loop`,
      );
    }
    const shared = await exhaust([guard, open(), open(), open()]);
    say(`  four guards took ${shared.admitted} of ${shared.limit}, ${shared.byLease} of them by leases`);
    return summarize(samples, shared);
  } finally {
    await Promise.all(guards.map((guard) => guard.close()));
    await cluster.stop();
  }
}

/** @throws {Error} when nothing was answered locally, or more was admitted than the limit: then there is nothing to publish. */
export function summarize(
  samples: Readonly<Record<"bare" | "lease" | "denial", AnswerSample>>,
  shared: SharedFacts,
): ScenarioResult {
  const { bare, lease, denial } = samples;
  for (const [name, { blocks }] of Object.entries(samples)) {
    if (blocks === 0) throw new Error(`${name}: no block was answered without the cluster`);
  }
  const overAdmitted = Math.max(0, shared.admitted - shared.limit);
  if (overAdmitted > 0) throw new Error(`${shared.admitted} were admitted of ${shared.limit}: over-admitted`);
  const isWithin = lease.meanUs < mostUs && denial.meanUs < mostUs;
  return {
    line:
      `a lease ${lease.meanUs} us, a remembered denial ${denial.meanUs} us, the bare loop ${bare.meanUs} us: ` +
      `${isWithin ? "within" : "NOT within"} ${mostUs} us; over-admitted 0`,
    summary: {
      leaseUs: lease.meanUs,
      denialUs: denial.meanUs,
      bareUs: bare.meanUs,
      cpuUs: { lease: lease.cpuUs, denial: denial.cpuUs, bare: bare.cpuUs },
      leaseRatio: lease.ratio,
      denialRatio: denial.ratio,
      mostUs,
      within: isWithin,
      overAdmitted,
    },
    details: { samples, shared },
  };
}

/** Microseconds per call of blocks that count. */
class Times {
  readonly #perCallUs: number[] = [];
  #cpuUs = 0;
  #askedBlocks = 0;

  add(block: BlockTime | null): void {
    if (block === null) {
      this.#askedBlocks += 1;
      return;
    }
    this.#perCallUs.push(block.wallUs);
    this.#cpuUs += block.cpuUs;
  }

  get cpuUs(): number {
    return this.#cpuUs / this.#perCallUs.length;
  }

  get meanUs(): number {
    return this.#perCallUs.reduce((sum, one) => sum + one, 0) / this.#perCallUs.length;
  }

  sample(bareUs: number): AnswerSample {
    const sorted = [...this.#perCallUs].sort((one, other) => one - other);
    const round = (value: number) => Math.round(value * 1_000) / 1_000;
    return {
      blocks: sorted.length,
      meanUs: round(this.meanUs),
      medianUs: round(median(sorted)),
      p99Us: round(sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN),
      cpuUs: round(this.cpuUs),
      ratio: round(this.cpuUs / bareUs),
      askedBlocks: this.#askedBlocks,
    };
  }
}

/** Microseconds per call, by the clock and by this thread's own work. */
interface BlockTime {
  readonly wallUs: number;
  readonly cpuUs: number;
}

/** Null: not all of them were answered from that source. Then the loop turns, so that leases are renewed. */
async function timeBlock(ask: () => Promise<{ readonly source: string }>, source: string): Promise<BlockTime | null> {
  let others = 0;
  const before = process.threadCpuUsage();
  const startMs = performance.now();
  for (let call = 0; call < callsPerBlock; call++) if ((await ask()).source !== source) others += 1;
  const elapsedMs = performance.now() - startMs;
  const { user, system } = process.threadCpuUsage(before);
  await setImmediate();
  if (others > 0) return null;
  return { wallUs: (elapsedMs * 1_000) / callsPerBlock, cpuUs: (user + system) / callsPerBlock };
}

/** All guards take of one counter until the cluster itself denies: what they got together is all that there was, or less. */
async function exhaust(guards: readonly Guard<string>[]): Promise<SharedFacts> {
  let admitted = 0;
  let byLease = 0;
  const take = async (guard: Guard<string>) => {
    for (let decision: Decision | null = null; decision?.allowed !== false; ) {
      decision = await guard.allow("shared", "shared");
      if (!decision.allowed) continue;
      admitted += 1;
      if (decision.source === "lease") byLease += 1;
      if (admitted % callsPerBlock === 0) await setImmediate();
    }
  };
  await Promise.all(guards.map(take));
  return { limit: sharedLimit, admitted, byLease };
}
