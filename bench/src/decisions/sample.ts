import { quantile } from "../quantile.ts";
import type { LoopReport } from "./closed-loop.ts";
import { type CoreTimes, idlePercent } from "./core-times.ts";
import type { ProcessUsage } from "./process-usage.ts";

/** What one contender did in one window of time. */
export interface Sample {
  readonly decisionsPerSecond: number;
  /** Of calls. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** The longest time in which a client process had no answer at all. */
  readonly longestGapMs: number;
  readonly decisions: number;
  readonly allowed: number;
  readonly denied: number;
  readonly degraded: number;
  readonly failed: number;
  /** Processor time of the client processes. This and what follows is null where servers were killed: nobody can add it up. */
  readonly clientCpuUsPerDecision: number;
  /** Processor time of all processes, servers and clients. */
  readonly cpuUsPerDecision: number | null;
  /** Of all cores, the time in which they ran nobody, in per cent: a load that waits for something else than the processor leaves them so. */
  readonly idlePercent: number | null;
  /** Resident in all servers at the end. */
  readonly serverMemoryBytes: number | null;
  /**
   * What all servers sent to their disks, at most: what the kernel counts for their processes, or what the disk was written
   * meanwhile, whichever is less. For a process it counts whole folios of the page cache, a hundred times a small record.
   */
  readonly writtenBytesPerDecision: number | null;
  /** Of each server process; null also where they do not count them. */
  readonly flushes: readonly number[] | null;
  /** Of all of them. */
  readonly flushesPerDecision: number | null;
}

/** What servers had used, and how often they had flushed, at one time. */
export interface ServerState extends ProcessUsage {
  readonly flushes: readonly number[] | null;
  /** What the disk was written, by whomever; null where that is not told. */
  readonly diskBytes: number | null;
  readonly cores: CoreTimes;
}

/** `servers`: null where they are not the same ones before and after. */
export function sampleOf(
  reports: readonly LoopReport[],
  decisionsPerCall: number,
  servers: { readonly before: ServerState; readonly after: ServerState } | null,
): Sample {
  const sum = (numberOf: (report: LoopReport) => number) => reports.reduce((total, one) => total + numberOf(one), 0);
  const count = (name: keyof LoopReport["outcomes"]) => sum((report) => report.outcomes[name]) * decisionsPerCall;
  const [allowed, denied, degraded, failed] = [count("allowed"), count("denied"), count("degraded"), count("failed")];
  const decisions = allowed + denied + degraded;
  const latencies = Float64Array.from(reports.flatMap((report) => [...report.latenciesMs])).sort();
  const seconds = Math.max(...reports.map((report) => report.seconds));
  const perDecision = (total: number | null, digits: number) =>
    total === null ? null : rounded(total / decisions, digits);
  const used = (field: "cpuUs" | "writtenBytes" | "diskBytes") =>
    servers === null ? null : (servers.after[field] ?? Infinity) - (servers.before[field] ?? 0);
  const flushesBefore = servers?.before.flushes ?? null;
  const flushes = servers?.after.flushes?.map((flushed, at) => flushed - (flushesBefore?.[at] ?? 0)) ?? null;
  const clientCpuUs = sum((report) => report.cpuUs);
  const serverCpuUs = used("cpuUs");
  const sentBytes = used("writtenBytes");
  const writtenBytes = sentBytes === null ? null : Math.min(sentBytes, used("diskBytes")!);
  const at = (share: number) => rounded(quantile(latencies, share), 3);
  return {
    decisionsPerSecond: Math.round(decisions / seconds),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    p999Ms: at(0.999),
    longestGapMs: rounded(Math.max(...reports.map((report) => report.longestGapMs)), 1),
    ...{ decisions, allowed, denied, degraded, failed },
    clientCpuUsPerDecision: rounded(clientCpuUs / decisions, 2),
    cpuUsPerDecision: perDecision(serverCpuUs === null ? null : serverCpuUs + clientCpuUs, 2),
    idlePercent: servers === null ? null : rounded(idlePercent(servers.before.cores, servers.after.cores), 1),
    serverMemoryBytes: servers?.after.memoryBytes ?? null,
    writtenBytesPerDecision: perDecision(writtenBytes, 1),
    flushes,
    flushesPerDecision: perDecision(flushes?.reduce((total, one) => total + one, 0) ?? null, 5),
  };
}

function rounded(value: number, digits: number): number {
  const unit = 10 ** digits;
  return Math.round(value * unit) / unit;
}
