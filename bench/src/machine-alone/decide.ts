/** A process with one limiter, all of whose keys are live: applies entries of calls for any of them. Started by the scenario. */
import { Algorithm, createLimiter } from "@quorumguard/limiter";
import { CALLS_PER_ENTRY, KEYS_PER_SESSION, Workload } from "../million-keys/workload.ts";
import type { DecideTask } from "./messages.ts";
import { serveWindows } from "./serve-windows.ts";

/** Entries that are written before they are applied: fewer than a round, so that no slot is given back twice. */
const ENTRIES = 64;
const START_US = 1_763_000_000_000_000;

const { algorithm, keys, decisionsPerWindow } = JSON.parse(process.argv[2]!) as DecideTask;
const limiter = createLimiter({
  maxKeys: keys + CALLS_PER_ENTRY,
  maxHolds: Math.max(100_000, keys * 1.2),
  maxHoldsPerSession: KEYS_PER_SESSION * 1.2,
  sessionTtlUs: 86_400_000_000,
});
const nowUs = () => START_US + Math.floor(performance.now() * 1_000);
const workload = new Workload(limiter, Algorithm[algorithm], keys, nowUs);
for (let left = workload.round; left > 0; left--) workload.entry("fill");
if (limiter.stats.keys !== keys) throw new Error(`${limiter.stats.keys} of ${keys} keys are live`);
workload.rewind();

serveWindows(decisionsPerWindow, () => {
  const written = Array.from({ length: ENTRIES }, () => workload.write("random"));
  return () => {
    let decisions = 0;
    let allowed = 0;
    for (const entry of written) {
      allowed += workload.apply(entry);
      decisions += entry.items;
    }
    return { decisions, allowed };
  };
});
