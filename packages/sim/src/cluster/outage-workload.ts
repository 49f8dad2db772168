import type { AskedItem } from "@quorumguard/audit";
import { Algorithm, type Rule } from "@quorumguard/limiter";
import type { Random } from "../world/random.ts";
import type { World } from "../world/world.ts";
import type { ClientHost, ClientMachine } from "./client-host.ts";

/** Calls that each process decides by itself while the cluster does not, and reports once it does again. */
export interface OutageWorkload {
  /** Mean pause between calls in a process. */
  readonly thinkUs: number;
  readonly timeoutsMs: readonly number[];
  /** Chance that a call also asks for a key that all share: those may be full when the report comes. */
  readonly sharedChance: number;
  readonly shared: AskedItem;
}

/** Longer than any run: whatever is admitted counts to its end, and no report comes too late to count. */
const windowUs = 300_000_000;

/** Draws them; null: nobody decides alone. */
export function planOutages(random: Random): OutageWorkload | null {
  const isPlanned = random.chance(0.35);
  const rule: Rule = { algorithm: Algorithm.slidingWindowLog, limit: 1, windowUs, burst: 0, policy: "" };
  const planned: OutageWorkload = {
    thinkUs: random.between(150, 400) * 1_000,
    timeoutsMs: random.pick([[100], [300, 1_000], [1_000]]),
    sharedChance: random.pick([0, 0.3]),
    shared: { key: "outage-shared", rule: { ...rule, limit: random.pick([10, 40]) }, cost: 1 },
  };
  return isPlanned ? planned : null;
}

/** What the callers of one process need. */
export interface OutageCallersParts {
  readonly world: World;
  readonly random: Random;
  readonly workload: OutageWorkload;
  readonly machine: ClientMachine;
  readonly going: () => boolean;
  readonly callAlone: ClientHost["callAlone"];
}

/** Begins them. Each call ends with a key of its own, by which the log tells what became of that very call. */
export function startOutageCallers({ world, random, workload, machine, going, callAlone }: OutageCallersParts): void {
  const { process } = machine;
  const { thinkUs, timeoutsMs, sharedChance, shared } = workload;
  const own = `outage-${machine.name}/${machine.boot}`;

  async function callers(): Promise<void> {
    for (let at = 0; going() && process.alive; at++) {
      await world.sleep(random.exponential(thinkUs), process, "think");
      if (!going()) return;
      const item: AskedItem = { key: `${own}-${at}`, rule: { ...shared.rule, limit: 1 }, cost: 1 };
      void callAlone(machine, random.chance(sharedChance) ? [shared, item] : [item], random.pick(timeoutsMs));
    }
  }

  world.schedule(0, process, "outage callers", () => {
    void callers();
  });
}
