/** A process with one limiter, all of whose keys are live: applies entries of calls for any of them. Started by the scenario. */
import { Algorithm, createLimiter } from "@quorumguard/limiter";
import { CALLS_PER_ENTRY, KEYS_PER_SESSION, Workload } from "../million-keys/workload.ts";
import type { DecideSample, DecideTask } from "./messages.ts";

/** Entries that are written before they are applied: fewer than a round, so that no slot is given back twice. */
const ENTRIES = 64;
const START_US = 1_763_000_000_000_000;

const { algorithm, keys, windows, decisionsPerWindow } = JSON.parse(process.argv[2]!) as DecideTask;
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

function measureWindow(): DecideSample {
  let decisions = 0;
  let allowed = 0;
  let elapsedMs = 0;
  let cpuUs = 0;
  while (decisions < decisionsPerWindow) {
    const written = Array.from({ length: ENTRIES }, () => workload.write("random"));
    const cpuBefore = process.cpuUsage();
    const beganMs = performance.now();
    for (const entry of written) {
      allowed += workload.apply(entry);
      decisions += entry.items;
    }
    elapsedMs += performance.now() - beganMs;
    const { user, system } = process.cpuUsage(cpuBefore);
    cpuUs += user + system;
  }
  return { decisions, allowed, seconds: elapsedMs / 1_000, cpuSeconds: cpuUs / 1_000_000 };
}

// The first one is for the compiler.
measureWindow();
for (let left = windows; left > 0; left--) process.send!(measureWindow());
process.disconnect();
