import type { RunPlan } from "./cell.ts";

const nodeCounts = [1, 3, 5] as const;
const clientCounts = [1, 8, 64] as const;
const loads = [0.5, 1, 2, 5, 10] as const;
const windowsMs = [1_000, 10_000, 60_000] as const;

/** Windows that are measured: fewer of those that take long. */
const windowsOf = (windowMs: number) => (windowMs <= 1_000 ? 6 : windowMs <= 10_000 ? 3 : 2);

type Sample = readonly [nodes: number, clients: number, load: number, windowMs: number, leaderKilled: boolean];

const plansOf = (samples: readonly Sample[], world: RunPlan["world"], seed: number, most = 6): RunPlan[] =>
  samples.map(([nodes, clients, load, windowMs, leaderKilled], at) => ({
    ...{ nodes, clients, load, windowMs, leaderKilled, world },
    windows: Math.min(most, windowsOf(windowMs)),
    seed: seed * 100_000 + at,
  }));

/** Every combination on virtual time, and some of them again with real processes. */
export function fullGrid(seed: number): RunPlan[] {
  const samples = nodeCounts.flatMap((nodes) =>
    clientCounts.flatMap((clients) =>
      loads.flatMap((load) =>
        windowsMs.flatMap((windowMs) =>
          [false, true].map((leaderKilled): Sample => [nodes, clients, load, windowMs, leaderKilled]),
        ),
      ),
    ),
  );
  const real = nodeCounts.flatMap((nodes) =>
    [false, true].flatMap((leaderKilled): Sample[] => [
      [nodes, 1, 2, 1_000, leaderKilled],
      [nodes, 8, 5, 2_000, leaderKilled],
      [nodes, 64, 2, 5_000, leaderKilled],
    ]),
  );
  return [...plansOf(samples, "simulated", seed), ...plansOf(real, "real", seed)];
}

/**
 * What can be had in half a minute: every value of every dimension. Without a fault and with one come first, both at a load
 * that is judged: a machine that is too busy for all leaves out more of the same. Then the longest first.
 */
export function quickSample(seed: number): RunPlan[] {
  const samples: Sample[] = [
    [3, 8, 10, 1_000, false],
    [5, 64, 2, 1_000, true],
    [3, 8, 2, 1_000, true],
    [1, 64, 2, 10_000, false],
    [3, 1, 2, 60_000, true],
    [3, 8, 5, 10_000, true],
    [5, 8, 1, 10_000, true],
    [1, 8, 5, 1_000, true],
    [5, 1, 0.5, 1_000, false],
  ];
  const real: Sample[] = [[3, 8, 2, 1_000, true]];
  return [...plansOf(real, "real", seed, 2), ...plansOf(samples, "simulated", seed, 2)];
}
