import type { Picture } from "@quorumguard/pictures";
import { type PairSection, pairPlot } from "../pair-plot.ts";
import type { Insertions } from "./insertions.ts";
import type { MachineRow } from "./tables.ts";

/** Decisions a second beside a map's, bytes per key beside Redis's, and delays beside an idle process's. */
export function machinePlot(
  machines: readonly MachineRow[],
  insertions: readonly Insertions[],
  goalPerSecond: number,
): Picture {
  const ours = "the limiter";
  const rates: PairSection = {
    ...{ title: "Decisions per second, on one thread", oursName: ours, otherName: "a map from strings to objects" },
    groups: [
      {
        heading: "",
        rows: machines.map(({ algorithm, perSecond, mapPerSecond }) => ({
          ...{ label: algorithm, ours: perSecond, other: mapPerSecond },
        })),
      },
    ],
    bound: { value: goalPerSecond, words: `dashed: the goal, ${goalPerSecond.toLocaleString("en")}` },
  };
  const hasRedis = machines.some(({ redis }) => redis !== null);
  const memory: PairSection = {
    ...{ title: "Bytes per key", oursName: ours, otherName: hasRedis ? "Redis" : "Redis: absent" },
    groups: [
      {
        heading: "as each accounts for it",
        rows: machines.map(({ algorithm, bytesPerKey, redis }) => ({
          ...{ label: algorithm, ours: bytesPerKey, other: redis?.usedBytesPerKey ?? null },
        })),
      },
      {
        heading: "as its process grew",
        rows: machines.map(({ algorithm, residentBytesPerKey, redis }) => ({
          ...{ label: algorithm, ours: residentBytesPerKey, other: redis?.residentBytesPerKey ?? null },
        })),
      },
    ],
  };
  const delays: PairSection = {
    title: "99.9th percentile of the event loop's delay while keys are inserted, ms",
    ...{ oursName: ours, otherName: "an idle process at the same time" },
    groups: [
      {
        heading: "",
        rows: insertions.map(({ algorithm, delayMs, controlMs }) => ({
          ...{ label: algorithm, ours: delayMs.median, other: controlMs.median },
        })),
      },
    ],
  };
  return pairPlot({ name: "machine-alone", title: "The state machine alone", sections: [rates, memory, delays] });
}
