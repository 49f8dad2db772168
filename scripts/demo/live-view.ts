import type { LocalCluster } from "@quorumguard/testbed";
import type { TrafficCounts } from "./traffic.ts";

/** One line, four times a second, on standard error: leader, term, rate, outcomes, latency. */
export function startLiveView(cluster: LocalCluster, counts: TrafficCounts): () => void {
  const terminal = process.stderr.isTTY;
  let lastDecisions = counts.decisions;
  let lastAt = performance.now();
  let asking = false;
  let newest = { leaderId: 0, term: 0 };

  const show = async () => {
    if (asking) return;
    asking = true;
    const all = await Promise.all(cluster.nodes.map((node) => cluster.status(node.nodeId)));
    asking = false;
    // The highest term knows best: a node that was cut off may still name a leader of the past.
    newest = all.reduce((best, status) => (status !== null && status.term >= best.term ? status : best), newest);
    const now = performance.now();
    const rate = Math.round(((counts.decisions - lastDecisions) * 1_000) / (now - lastAt));
    lastDecisions = counts.decisions;
    lastAt = now;
    const latencies = counts.recentLatenciesMs.splice(0).sort((a, b) => a - b);
    const p = (share: number) => (latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(1);
    const leader = newest.leaderId === 0 ? "nobody" : `node ${newest.leaderId}`;
    const line = [
      `leader ${leader}`,
      `term ${newest.term}`,
      `${all.filter((status) => status !== null).length}/${cluster.nodes.length} up`,
      `${rate.toLocaleString("en")} decisions/s`,
      `allowed ${counts.allowed.toLocaleString("en")}`,
      `denied ${counts.denied.toLocaleString("en")}`,
      `p50 ${p(0.5)} ms`,
      `p99 ${p(0.99)} ms`,
    ].join(" · ");
    process.stderr.write(terminal ? `\r\x1b[2K  ${line}` : `  ${line}\n`);
  };
  const timer = setInterval(() => void show(), terminal ? 250 : 1_000);
  return () => {
    clearInterval(timer);
    if (terminal) process.stderr.write("\n");
  };
}
