import { create } from "@bufbuild/protobuf";
import { type WatchTopologyResponse, WatchTopologyResponseSchema } from "@quorumguard/proto";
import type { ClusterNode } from "../node/node.ts";
import type { CallError } from "./call-error.ts";
import { wireTopology } from "./wire-topology.ts";

/** Looks after whatever lets a watcher watch on. Calls `end` at most once, and returns what stops it. */
export type WatchWhile = (end: (error: CallError) => void) => () => void;

/**
 * The topology now and after every change, until `signal` aborts. A slow reader misses what is no longer true.
 * @throws {CallError} when whoever watches may not any longer.
 */
export async function* watchTopology(
  node: ClusterNode,
  signal: AbortSignal,
  watchWhile: WatchWhile,
): AsyncGenerator<WatchTopologyResponse> {
  let wake = () => {};
  let changed = true;
  const ended: CallError[] = [];
  const notice = () => {
    changed = true;
    wake();
  };
  const stop = watchWhile((error) => {
    ended.push(error);
    notice();
  });
  const end = node.onTopology(notice);
  signal.addEventListener("abort", notice);
  try {
    while (!signal.aborted) {
      if (ended.length > 0) throw ended[0];
      changed = false;
      yield create(WatchTopologyResponseSchema, { topology: wireTopology(node.topology()) });
      if (changed) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    signal.removeEventListener("abort", notice);
    stop();
    end();
  }
}
