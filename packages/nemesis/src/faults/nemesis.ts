import type { Random } from "../random.ts";
import type { Fault, FaultScene } from "./fault.ts";

/** What the nemesis did. */
export interface NemesisReport {
  /** Kinds that cannot be done here, and why. */
  readonly skipped: ReadonlyMap<string, string>;
  /** A fault that itself went wrong: the nodes are not to blame, but the run is worth nothing. */
  readonly problems: readonly string[];
}

/** Pauses of each lane between two faults, on average: most of the time one fault is at work, at times two, at times none. */
const laneGapsMs = [500, 1_500];

/**
 * Draws faults for so long, at most two at a time, never two on one node or two on the network. Kinds come from a
 * shuffled deck, so that a short run meets many of them and a long one all of them equally often.
 */
export async function runNemesis(
  scene: FaultScene,
  all: readonly Fault[],
  until: Promise<void>,
): Promise<NemesisReport> {
  const { random, cluster } = scene;
  const skipped = new Map<string, string>();
  const faults = all.filter((one) => {
    const reason = one.skipReason(scene);
    if (reason !== null) skipped.set(one.kind, reason);
    return reason === null;
  });
  const problems: string[] = [];
  const resources = createResources(cluster.nodeIds);
  let over = faults.length === 0;
  const ended = until.then(() => {
    over = true;
    resources.wake();
  });
  let deck: Fault[] = [];
  const lane = async (meanGapMs: number) => {
    while (!over) {
      await Promise.race([scene.pause(random.around(meanGapMs)), ended]);
      if (over) return;
      if (deck.length === 0) deck = shuffle(faults, random);
      const next = deck.pop()!;
      const victims = await resources.take(
        next,
        () => chooseVictims(scene, next, resources.free()),
        () => over,
      );
      if (victims === null) return;
      await next.run(scene, victims).catch((error: unknown) => void problems.push(`${next.kind}: ${String(error)}`));
      resources.giveBack(next, victims);
    }
  };
  await Promise.all(laneGapsMs.map(lane));
  return { skipped, problems };
}

/** Leaders are the more interesting victims. */
function chooseVictims(scene: FaultScene, { needs }: Fault, free: readonly number[]): readonly number[] | null {
  const { cluster, random } = scene;
  if (needs.nodes === "all") return free.length === cluster.nodeIds.length ? free : null;
  if (needs.nodes > free.length) return null;
  const leader = cluster.leader();
  const order = shuffle(free, random);
  if (free.includes(leader) && random.chance(0.45)) order.sort((a, b) => Number(b === leader) - Number(a === leader));
  return order.slice(0, needs.nodes);
}

interface Resources {
  free(): readonly number[];
  /** Waits until the fault's needs can be met; null: the nemesis ended. */
  take(fault: Fault, choose: () => readonly number[] | null, over: () => boolean): Promise<readonly number[] | null>;
  giveBack(fault: Fault, victims: readonly number[]): void;
  wake(): void;
}

function createResources(nodeIds: readonly number[]): Resources {
  const busy = new Set<number>();
  let network = false;
  let waiting: (() => void)[] = [];
  const wake = () => {
    const all = waiting;
    waiting = [];
    for (const resolve of all) resolve();
  };
  return {
    free: () => nodeIds.filter((nodeId) => !busy.has(nodeId)),
    async take(fault, choose, over) {
      for (;;) {
        if (over()) return null;
        const victims = fault.needs.network && network ? null : choose();
        if (victims !== null) {
          for (const nodeId of victims) busy.add(nodeId);
          if (fault.needs.network) network = true;
          return victims;
        }
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
    giveBack(fault, victims) {
      for (const nodeId of victims) busy.delete(nodeId);
      if (fault.needs.network) network = false;
      wake();
    },
    wake,
  };
}

function shuffle<T>(from: readonly T[], random: Random): T[] {
  return from
    .map((one) => ({ one, rank: random.next() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ one }) => one);
}
