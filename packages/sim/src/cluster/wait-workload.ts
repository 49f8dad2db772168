import type { AskedItem } from "@quorumguard/audit";
import { Algorithm, type Rule } from "@quorumguard/limiter";
import type { Random } from "../world/random.ts";
import type { World } from "../world/world.ts";
import type { ClientHost, ClientMachine } from "./client-host.ts";
import type { WaitTerms } from "./guard-calls.ts";

/** Few keys that callers wait for, in lines that they leave admitted, out of time, or of their own will. */
export interface WaitWorkload {
  /** Mean pause between arrivals in a process, and the most callers who come in one turn. */
  readonly thinkUs: number;
  readonly mostTogether: number;
  /** Chance that a caller gives up before its turn comes, and how long that takes, on average. */
  readonly abortChance: number;
  readonly patienceUs: number;
  readonly keys: number;
  /** Nobody asks for these keys in another way. */
  item(at: number, cost: number): AskedItem;
}

/** Draws who waits for what; null: nobody does. */
export function planWaits(random: Random): WaitWorkload | null {
  const waits = random.chance(0.4);
  const algorithm = random.pick([Algorithm.slidingWindowLog, Algorithm.slidingWindowLog, Algorithm.tokenBucket]);
  const limit = random.between(1, 4);
  const burst = algorithm === Algorithm.tokenBucket ? random.between(1, limit) : 0;
  const rule: Rule = { algorithm, limit, windowUs: random.pick([100, 250, 500]) * 1_000, burst, policy: "" };
  const planned: WaitWorkload = {
    thinkUs: random.between(200, 500) * 1_000,
    mostTogether: random.between(2, 6),
    abortChance: random.pick([0, 0.2, 0.4]),
    patienceUs: random.pick([40, 400]) * 1_000,
    keys: random.between(1, 2),
    item: (at, cost) => ({ key: `waited-${at}`, rule, cost }),
  };
  return waits ? planned : null;
}

/** What the callers of one process need. */
export interface WaitCallersParts {
  readonly world: World;
  readonly random: Random;
  readonly workload: WaitWorkload;
  readonly machine: ClientMachine;
  readonly going: () => boolean;
  readonly wait: ClientHost["wait"];
}

/** Callers arrive until the process ends, or until no more are to come; none waits for longer than a few seconds. */
export function startWaitCallers({ world, random, workload, machine, going, wait }: WaitCallersParts): void {
  const { process } = machine;
  const { thinkUs, mostTogether, abortChance, patienceUs, keys } = workload;

  function termsOf(draw: Random): WaitTerms {
    const timeoutMs = draw.pick([20, 100, 400, 1_500, 3_000]);
    if (!draw.chance(abortChance)) return { timeoutMs, signal: null };
    const controller = new AbortController();
    const delayUs = Math.min(draw.exponential(patienceUs), 3_000_000);
    world.schedule(delayUs, process, "gives up its turn", () => controller.abort());
    return { timeoutMs: draw.chance(0.5) ? timeoutMs : null, signal: controller.signal };
  }

  async function arrivals(): Promise<void> {
    while (going() && process.alive) {
      await world.sleep(random.exponential(thinkUs), process, "think");
      if (!going()) return;
      for (let left = random.between(1, mostTogether); left > 0; left--) {
        // A dear one is worth two turns; one that no waiting helps may come as well.
        const item = workload.item(random.below(keys), random.chance(0.85) ? 1 : random.between(2, 3));
        void wait(machine, item, termsOf(random));
      }
    }
  }

  world.schedule(0, process, "waiters", () => {
    void arrivals();
  });
}
