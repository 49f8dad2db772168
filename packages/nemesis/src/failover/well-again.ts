import type { NemesisCluster } from "../nodes/nemesis-cluster.ts";

/** Waits until all nodes run and none is behind. @throws {Error} saying what nodes did wrong, if they are not within `timeoutMs`. */
export async function wellAgain(cluster: NemesisCluster, timeoutMs: number): Promise<void> {
  if (await cluster.caughtUp(timeoutMs)) return;
  const known = cluster.violations.map((line) => `; ${line}`);
  throw new Error(`not all nodes had caught up after ${timeoutMs} ms${known.join("")}`);
}
