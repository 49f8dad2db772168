/** One caller process: a guard with default options but for what its task says, and calls on a schedule until it is told to stop. */
import { createGuard } from "@quorumguard/sdk-node";
import { startSchedule } from "@quorumguard/testbed";
import {
  CallEnd,
  type CallerOrder,
  type CallerReady,
  type CallerReport,
  type CallerTask,
  machineMs,
} from "./messages.ts";

const INTERVAL_MS = 5;
const KEYS = 500;

const { endpoints, routing, callsPerSecond, timeoutMs } = JSON.parse(process.argv[2]!) as CallerTask;
const guard = createGuard({ endpoints, routing, timeoutMs });
// Somebody listens, so that no process warning is written.
guard.on("degraded", () => {});

const columns = { startedAtMs: [] as number[], latencyMs: [] as number[], ends: [] as number[] };
const clockOffsetMs = machineMs() - performance.now();
let turn = 0;

async function call(): Promise<void> {
  turn += 1;
  const startedAt = performance.now();
  let end: number = CallEnd.failed;
  try {
    const { degraded } = await guard.allow(`${process.pid}/${turn % KEYS}`, 1_000_000, "1m", {
      algorithm: "fixed-window",
    });
    end = degraded ? CallEnd.withoutCluster : CallEnd.cluster;
  } catch {
    // Counted as failed: a default guard throws for mistakes only.
  }
  columns.startedAtMs.push(startedAt + clockOffsetMs);
  columns.latencyMs.push(performance.now() - startedAt);
  columns.ends.push(end);
}

const tell = (message: CallerReport | CallerReady) => process.send?.(message);

await guard.ready({ timeoutMs: 30_000 });
const stop = startSchedule({ intervalMs: INTERVAL_MS, callsAtOnce: (callsPerSecond * INTERVAL_MS) / 1_000, call });

process.on("message", async (order: CallerOrder) => {
  if (order === "report") {
    tell({ kind: "report", ...columns });
    columns.startedAtMs = [];
    columns.latencyMs = [];
    columns.ends = [];
    return;
  }
  await stop();
  await guard.close();
  process.disconnect();
});
tell({ kind: "ready" });
