import { openStorage } from "../storage/open-storage.ts";
import type { Storage } from "../storage/storage.ts";
import type { ResolvedNodeOptions } from "./node-options.ts";

/** Opens this node's data folder. @throws {Error} when it belongs to another node. */
export async function openOwnStorage(options: ResolvedNodeOptions, onFatal: (error: Error) => void): Promise<Storage> {
  const { files, clock, randomBytes, nodeId, segmentBytes, repairDamage } = options;
  const storage = await openStorage(files, {
    monotonicMs: () => clock.monotonicMs(),
    randomBytes,
    setTimer: (callback, delayMs) => clock.setTimer(callback, delayMs),
    onFatal,
    ...(segmentBytes === undefined ? {} : { segmentBytes }),
    repair: repairDamage,
  });
  const { identity } = storage;
  if (identity === null || identity.nodeId === nodeId) return storage;
  await storage.close();
  throw new Error(
    `the data folder belongs to node ${identity.nodeId} of cluster ${identity.clusterId}, not to node ${nodeId}; give each node its own folder`,
  );
}
