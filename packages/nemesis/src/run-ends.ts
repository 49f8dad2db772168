import { rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { createGuard } from "@quorumguard/sdk-node";
import type { ClientProcesses } from "./clients/client-processes.ts";
import type { CallLine } from "./clients/history.ts";
import { isLedgerKey, ledgerRule } from "./clients/workload.ts";
import { readLines } from "./judge/read-lines.ts";
import { writeRunFolder } from "./judge/run-folder.ts";
import type { Wiretap } from "./network/wiretap.ts";
import type { NemesisCluster } from "./nodes/nemesis-cluster.ts";

/** Nobody waits longer for a cluster to form. */
const patienceMs = 60_000;
const shownViolations = 50;

/** Waits until a leader serves: the cluster has formed. */
export async function served(cluster: NemesisCluster): Promise<void> {
  const guard = createGuard({ endpoints: cluster.endpoints, onUnavailable: "throw" });
  try {
    await guard.ready({ timeoutMs: patienceMs });
  } finally {
    await guard.close();
  }
}

/** What the cluster says in the end is left of the keys that had one owner. */
export async function settle(cluster: NemesisCluster, clients: ClientProcesses): Promise<ReadonlyMap<string, number>> {
  const keys = new Set<string>();
  for (const file of clients.callsFiles)
    for await (const { items } of readLines<CallLine>(file)) if (isLedgerKey(items[0]!.key)) keys.add(items[0]!.key);
  const guard = createGuard({ endpoints: cluster.endpoints, onUnavailable: "throw", timeoutMs: 10_000 });
  const settled = new Map<string, number>();
  try {
    const window = `${ledgerRule.windowUs / 1_000}ms` as const;
    for (const key of keys) {
      const { remaining } = await guard.peek({ key, limit: ledgerRule.limit, window });
      if (remaining !== null) settled.set(key, remaining);
    }
  } finally {
    await guard.close();
  }
  return settled;
}

/** All nodes must come to the same state. An idle leader may still write now and then, so they are asked again. */
export async function agree(cluster: NemesisCluster): Promise<readonly string[]> {
  let shown = "";
  for (let asked = 0; asked < 300; asked++) {
    const all = await Promise.all(cluster.nodeIds.map((nodeId) => cluster.status(nodeId)));
    shown = all.map((one) => `${one?.nodeId} ${one?.appliedIndex} ${one?.stateHash}`).join(", ");
    const [first] = all;
    if (first != null && all.every((one) => one?.appliedIndex === first.appliedIndex)) {
      return all.every((one) => one?.stateHash === first.stateHash) ? [] : [`nodes differ in state: ${shown}`];
    }
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  return [`nodes did not catch up: ${shown}`];
}

/** Asks all nodes to stop. Resolves with what is wrong about how they did. */
export async function stopNodes(cluster: NemesisCluster): Promise<readonly string[]> {
  const codes = await cluster.stop();
  return codes.flatMap((code, at) => (code === 0 ? [] : [`node ${at + 1} was asked to stop and exited with ${code}`]));
}

/** Completes the run's folder, so that it can be judged. */
export async function writeHistory(
  folder: string,
  clients: ClientProcesses,
  cluster: NemesisCluster,
  wiretap: Wiretap,
  settled: ReadonlyMap<string, number>,
): Promise<void> {
  const inFolder = (files: readonly string[]) => files.map((file) => relative(folder, file));
  const facts = {
    callsFiles: inFolder(clients.callsFiles),
    sessionsFiles: inFolder(clients.sessionsFiles),
    breaks: cluster.time.breaks,
    settled: [...settled],
  };
  await writeRunFolder(folder, facts, wiretap.committed());
}

/** Writes down what is wrong in a folder that is kept, and removes any other. Resolves with what a result says of both. */
export async function closeFolder(
  folder: string,
  kept: boolean,
  violations: readonly string[],
): Promise<{ readonly violations: readonly string[]; readonly folder: string | null }> {
  if (kept) await writeFile(join(folder, "violations.txt"), violations.map((line) => `${line}\n`).join(""));
  else await rm(folder, { recursive: true, force: true });
  return { violations: violations.slice(0, shownViolations), folder: kept ? folder : null };
}
