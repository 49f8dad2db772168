import type { Picture } from "@quorumguard/pictures";
import { pairPlot } from "../pair-plot.ts";
import type { PhaseRow } from "./measure-algorithm.ts";
import type { MemoryRow } from "./tables.ts";

/** The delay of the event loop in each phase of each algorithm, beside that of the idle process. */
export function delaysPlot(keys: number, memory: readonly MemoryRow[], phases: readonly PhaseRow[]): Picture {
  return pairPlot({
    name: "million-keys",
    title: `${keys.toLocaleString("en")} live keys: how long what is due has to wait`,
    sections: [
      {
        title: "99.9th percentile of the event loop's delay, ms",
        oursName: "the limiter's process",
        otherName: "an idle process at the same time",
        groups: memory.map(({ algorithm, bytesPerKey }) => ({
          heading: `${algorithm}, ${bytesPerKey.toLocaleString("en", { maximumFractionDigits: 0 })} bytes per key`,
          rows: phases
            .filter((row) => row.algorithm === algorithm)
            .map(({ phase, delay, controlP999Ms }) => ({ label: phase, ours: delay.p999Ms, other: controlP999Ms })),
        })),
      },
    ],
  });
}
