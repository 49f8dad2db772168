import type { TimeBreak } from "@quorumguard/audit";
import type { NodeHost } from "../cluster/node-host.ts";
import type { World } from "../world/world.ts";
import { type Configurations, hasQuorum } from "./configuration.ts";
import type { NodeWatch } from "./node-watch.ts";

/**
 * Observes nodes after each of their events, and notes when a majority may have lost its sense of time: then a leader begins
 * anew, by the wall clocks of nodes that have restarted, and what anybody knows from before is of another time.
 */
export function watchCluster(
  world: World,
  nodes: NodeHost,
  watch: NodeWatch,
  configurations: Configurations,
  badClocks: boolean,
): () => readonly TimeBreak[] {
  const breaks: { fromUs: number; toUs: number }[] = [];
  let wasWhole = false;
  let commitIndex = 0;
  /** When the last two advances of the commit index were seen: the stamp of what the second one brought is no older than the first. */
  let advancedUs = [0, 0];
  let latestTerm = 0;
  /** The term whose leader began time anew. */
  let originTerm = 0;
  const knowing = new Set<number>();

  function beginTerm(term: number): void {
    latestTerm = term;
    if (wasWhole) return;
    originTerm = term;
    for (const { running } of nodes.machines) if (running !== null) running.knowsTime = false;
  }

  world.onEvent((process) => {
    knowing.clear();
    for (const machine of nodes.machines) {
      const running = machine.running;
      if (running === null) continue;
      if (running.process === process) {
        watch.observe(machine.nodeId, machine.boot, running.node);
        if (watch.term > latestTerm) beginTerm(watch.term);
        if (watch.commitIndex > commitIndex) advancedUs = [advancedUs[1]!, world.nowUs];
        commitIndex = watch.commitIndex;
        const { leaderId, term } = running.node.topology();
        running.knowsTime ||= leaderId !== 0 && term >= originTerm;
      }
      if (running.knowsTime) knowing.add(machine.nodeId);
    }
    const whole = hasQuorum(configurations.latest, (nodeId) => knowing.has(nodeId)) && !badClocks;
    if (!whole) watch.timeBroke();
    if (whole && !wasWhole && breaks.length > 0) breaks.at(-1)!.toUs = world.nowUs;
    // What begins anew begins with the last stamp in the log, so the time since then may count for nothing.
    if (!whole && (wasWhole || breaks.length === 0))
      breaks.push({ fromUs: Math.max(advancedUs[0]!, breaks.at(-1)?.toUs ?? 0), toUs: Number.POSITIVE_INFINITY });
    wasWhole = whole;
  });
  return () => breaks;
}
