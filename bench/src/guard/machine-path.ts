import { Algorithm, createLimiter } from "@quorumguard/limiter";
import { CALLS_PER_ENTRY, Workload, type WrittenEntry } from "../million-keys/workload.ts";
import type { HotPath } from "./hot-path.ts";

const ENTRIES = 4;
const KEYS = 10_000;
/** Replicated time from entry to entry: some calls are denied, most are not, and what was counted expires. */
const STEP_US = 2_000_000;

/** The state machine applies entries of calls, as every node does. */
export function machineApply(name: keyof typeof Algorithm): HotPath {
  let nowUs = 1_763_000_000_000_000;
  const tick = () => {
    nowUs += STEP_US;
    return nowUs;
  };
  const bounds = { sessionTtlUs: 10_000 * STEP_US };
  const workload = new Workload(createLimiter(bounds), Algorithm[name], KEYS, tick);
  for (let left = workload.round; left > 0; left--) workload.entry("fill");
  let written: WrittenEntry[] = [];
  return {
    unit: "decisions",
    operations: ENTRIES * CALLS_PER_ENTRY,
    prepare() {
      written = Array.from({ length: ENTRIES }, () => workload.write("random"));
    },
    run() {
      for (const entry of written) workload.apply(entry);
    },
  };
}

/** The leader writes the calls of a turn as an entry; what the clients' frames are is made for it as well. */
export function machineWrite(): HotPath {
  const workload = new Workload(createLimiter(), Algorithm.tokenBucket, KEYS, () => 1_763_000_000_000_000);
  return {
    unit: "calls",
    operations: ENTRIES * CALLS_PER_ENTRY,
    prepare() {},
    run() {
      for (let i = 0; i < ENTRIES; i++) workload.write("random");
    },
  };
}
