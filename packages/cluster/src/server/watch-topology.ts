import { create } from "@bufbuild/protobuf";
import { type WatchTopologyResponse, WatchTopologyResponseSchema } from "@quorumguard/proto";
import type { ClusterNode } from "../node/node.ts";
import { wireTopology } from "./wire-topology.ts";

/** The topology now and after every change, until `signal` aborts. A slow reader misses what is no longer true. */
export async function* watchTopology(node: ClusterNode, signal: AbortSignal): AsyncGenerator<WatchTopologyResponse> {
  let wake = () => {};
  let changed = true;
  const notice = () => {
    changed = true;
    wake();
  };
  const end = node.onTopology(notice);
  signal.addEventListener("abort", notice);
  try {
    while (!signal.aborted) {
      changed = false;
      yield create(WatchTopologyResponseSchema, { topology: wireTopology(node.topology()) });
      if (changed) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    signal.removeEventListener("abort", notice);
    end();
  }
}
