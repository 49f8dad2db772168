import type { TimeBreak } from "@quorumguard/audit";
import { hostClockUs } from "../host-clock.ts";

/** Notes when a majority may have lost its sense of time: stamps may jump then (SEMANTICS T2), and no window reaches across. */
export interface TimeWatch {
  /** The node's process is gone, or about to be: what it knew of time goes with it. */
  lost(nodeId: number): void;
  /** The node has heard of a leader since it started. */
  learned(nodeId: number): void;
  knows(nodeId: number): boolean;
  readonly breaks: readonly TimeBreak[];
}

/** A watch over `count` nodes that know nothing yet. */
export function createTimeWatch(count: number): TimeWatch {
  const knowing = new Set<number>();
  const breaks: { fromUs: number; toUs: number }[] = [{ fromUs: hostClockUs(), toUs: Number.POSITIVE_INFINITY }];
  const majority = Math.floor(count / 2) + 1;
  const isWhole = () => knowing.size >= majority;
  return {
    breaks,
    knows: (nodeId) => knowing.has(nodeId),
    lost(nodeId) {
      const wasWhole = isWhole();
      knowing.delete(nodeId);
      if (wasWhole && !isWhole()) breaks.push({ fromUs: hostClockUs(), toUs: Number.POSITIVE_INFINITY });
    },
    learned(nodeId) {
      const wasWhole = isWhole();
      knowing.add(nodeId);
      if (!wasWhole && isWhole()) breaks.at(-1)!.toUs = hostClockUs();
    },
  };
}
