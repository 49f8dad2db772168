import type { AskedItem } from "@quorumguard/audit";
import { Algorithm, type Rule, Verb } from "@quorumguard/limiter";
import type { Random } from "../world/random.ts";
import type { World } from "../world/world.ts";
import type { ClientHost, ClientMachine } from "./client-host.ts";

/** Few keys that every client asks for so often that leases are worthwhile, and that are used up all the same. */
export interface LeaseWorkload {
  readonly callersPerClient: number;
  /** Mean pause of a caller between bursts, and the most calls in one. */
  readonly thinkUs: number;
  readonly mostInBurst: number;
  readonly timeoutMs: number;
  /** Chance that a caller resets its key instead. */
  readonly resetChance: number;
  readonly keys: number;
  readonly rules: readonly Rule[];
}

const { slidingWindowLog, tokenBucket, slidingWindowCounter, fixedWindow } = Algorithm;

/** The log merges admissions beyond 288 of a window, which the models of the audits do not: no more of them. */
const limitsOfLog = [150, 250];
const limitsOfOthers = [250, 1_000];
/** Where a client's share of the limit is worth a lease, although there are many clients. */
const limitsOfCrowd = [2_000, 6_000];

/** Draws what is leased, by few clients or by a crowd of them; null: nothing, as for most seeds, since it takes many calls. */
export function planLeases(random: Random, isCrowd: boolean): LeaseWorkload | null {
  const leases = isCrowd || random.chance(0.4);
  const others = [tokenBucket, slidingWindowCounter, fixedWindow];
  const algorithm = random.pick(isCrowd ? others : [slidingWindowLog, slidingWindowLog, ...others]);
  const windowUs = random.pick([1_000_000, 2_000_000, 3_000_000]);
  const limits = algorithm === slidingWindowLog ? limitsOfLog : limitsOfOthers;
  const limit = random.pick(isCrowd ? limitsOfCrowd : limits);
  const burst = algorithm === tokenBucket ? Math.floor(limit / random.between(1, 2)) : 0;
  const rule: Rule = { algorithm, limit, windowUs, burst, policy: "" };
  // Whoever asks with less of a limit shares the counter: as when an operator cuts it.
  const rules = random.chance(0.4) ? [rule, rule, rule, { ...rule, limit: Math.floor(limit / 2) }] : [rule];
  const planned = {
    callersPerClient: 1,
    thinkUs: random.between(15, 40) * 1000,
    mostInBurst: random.between(6, 16),
    timeoutMs: random.pick([300, 1_000, 1_000]),
    // What was reset, callers cannot count: most seeds leave that to the log.
    resetChance: random.chance(0.3) ? 0.01 : 0,
    keys: random.between(1, 2),
    rules,
  };
  return leases ? planned : null;
}

/** What the callers of one process need. */
export interface LeaseCallersParts {
  readonly world: World;
  readonly random: Random;
  readonly workload: LeaseWorkload;
  readonly machine: ClientMachine;
  readonly going: () => boolean;
  readonly call: ClientHost["call"];
  readonly reset: (machine: ClientMachine, item: AskedItem) => Promise<void>;
}

/** Begins them; they end with their process, or when no more calls are to begin. */
export function startLeaseCallers({ world, random, workload, machine, going, call, reset }: LeaseCallersParts): void {
  const { process } = machine;
  const { thinkUs, mostInBurst, timeoutMs, resetChance, keys, rules } = workload;

  async function burst(draw: Random): Promise<void> {
    const place = { key: `leased-${draw.below(keys)}`, rule: draw.pick(rules) };
    if (draw.chance(resetChance)) {
      await reset(machine, { ...place, cost: 1, verb: Verb.reset });
      return;
    }
    const ask = () => call(machine, [{ ...place, cost: draw.chance(0.9) ? 1 : draw.between(2, 5) }], timeoutMs);
    // Half of them at once, as of many requests, and half one after the other, as of one that has much to do.
    const together = draw.between(1, mostInBurst);
    await Promise.all(Array.from({ length: together }, ask));
    for (let left = together; left > 0 && going() && process.alive; left--) {
      const { allowed } = await ask();
      if (allowed !== true) return;
    }
  }

  async function caller(draw: Random): Promise<void> {
    while (going() && process.alive) {
      await world.sleep(draw.exponential(thinkUs), process, "think");
      if (going()) await burst(draw);
    }
  }

  for (let at = 0; at < workload.callersPerClient; at++) {
    const draw = random.fork(`caller-${at}`);
    world.schedule(0, process, "lease caller", () => {
      void caller(draw);
    });
  }
}
