/** A process with one limiter, all of whose keys are live: applies a round of entries for any of them. Started by the scenario. */
import { Algorithm, createLimiter } from "@quorumguard/limiter";
import { CALLS_PER_ENTRY, KEYS_PER_SESSION, Workload } from "../million-keys/workload.ts";
import type { MachineMessage, MachineOrder, MachineTask } from "./machine-messages.ts";
import { profileClockUs } from "./self-times.ts";

const START_US = 1_763_000_000_000_000;
const BEGAN_US = profileClockUs();

const { algorithm, keys } = JSON.parse(process.argv[2]!) as MachineTask;
const limiter = createLimiter({
  maxKeys: keys + CALLS_PER_ENTRY,
  maxHolds: Math.max(100_000, keys * 1.2),
  maxHoldsPerSession: KEYS_PER_SESSION * 1.2,
  sessionTtlUs: 86_400_000_000,
});
const workload = new Workload(limiter, Algorithm[algorithm], keys, () => START_US + profileClockUs() - BEGAN_US);
for (let left = workload.round; left > 0; left--) workload.entry("fill");
if (limiter.stats.keys !== keys) throw new Error(`${limiter.stats.keys} of ${keys} keys are live`);
workload.rewind();
for (let left = workload.round; left > 0; left--) workload.entry("random");

// No more than a round: of slots, the next one gives back what this one opens.
const written = Array.from({ length: workload.round }, () => workload.write("random"));
const tell = (message: MachineMessage) => void process.send!(message);
process.on("message", (order: MachineOrder) => {
  if (order === "end") {
    process.disconnect();
    return;
  }
  const fromUs = profileClockUs();
  let decisions = 0;
  let allowed = 0;
  for (const entry of written) {
    allowed += workload.apply(entry);
    decisions += entry.items;
  }
  const toUs = profileClockUs();
  if (allowed === 0) throw new Error("no decision allowed anything");
  tell({ kind: "applied", decisions, fromUs, toUs });
});
process.on("disconnect", () => process.exit(0));
tell({ kind: "ready" });
