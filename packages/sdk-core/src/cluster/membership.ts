import type { PlainMessage, Topology } from "@quorumguard/proto";
import type { AttemptFailure } from "../calls/wire-errors.ts";
import type { Runtime } from "../transport.ts";
import { type Replaced, twoClusters } from "./succession.ts";
import type { ClusterView } from "./topology.ts";

/** An endpoint that did not say where it belongs is asked again after so long, beside some call. */
const ASK_AGAIN_MS = 10_000;

/** What a membership needs of the guard that it watches over. */
export interface MembershipOptions {
  readonly runtime: Pick<Runtime, "monotonicMs">;
  readonly endpoints: readonly string[];
  readonly view: ClusterView;
  /** Asks that endpoint, and no other, for its topology. */
  readonly ask: (endpoint: string) => Promise<PlainMessage<Topology>>;
  readonly onFault: (failure: AttemptFailure) => void;
  readonly onTopology: () => void;
  readonly onReplaced: (replaced: Replaced) => void;
}

/**
 * Knows which endpoints belong to one cluster, where answers do not say it: each endpoint is asked once, beside its first
 * call, so that no call waits for it. Until it has answered, calls may have been counted in another cluster; from then on
 * none is sent any more (SEMANTICS: calls of one guard are never counted in two clusters for longer than that).
 */
export interface Membership {
  /** Two clusters were found at the same time: for good. */
  readonly fault: AttemptFailure | null;
  /** Asks unless it is known or being asked. Never rejects. */
  check(endpoint: string): Promise<void>;
}

/** A membership that knows nothing yet. */
export function createMembership(options: MembershipOptions): Membership {
  const { runtime, endpoints, view, ask, onFault, onTopology, onReplaced } = options;
  const belonging = new Set<string>();
  const askedAtMs = new Map<string, number>();
  let fault: AttemptFailure | null = null;

  /** Another cluster answered: all are asked at once, whether the known one still speaks, or any third one. */
  const judge = async (endpoint: string, otherId: string): Promise<void> => {
    const formerClusterId = view.clusterId;
    const ids = await Promise.all(
      endpoints.map((each) =>
        each === endpoint
          ? otherId
          : ask(each).then(
              (topology) => topology.clusterId,
              () => "",
            ),
      ),
    );
    if (fault !== null || view.clusterId !== formerClusterId) return;
    const rival = ids.findIndex((id) => id !== "" && id !== otherId);
    if (rival >= 0) {
      fault = twoClusters({ endpoint: endpoints[rival]!, clusterId: ids[rival]! }, { endpoint, clusterId: otherId });
      onFault(fault);
      return;
    }
    view.replace(otherId);
    belonging.clear();
    const answering = endpoints.filter((_, at) => ids[at] === otherId);
    for (const each of answering) belonging.add(each);
    onReplaced({ formerClusterId, clusterId: otherId, endpoints: answering });
  };
  const learn = async (endpoint: string, topology: PlainMessage<Topology>): Promise<void> => {
    if (fault !== null || topology.clusterId === "") return;
    if (!view.foreign(topology)) {
      belonging.add(endpoint);
      if (view.observe(topology)) onTopology();
      return;
    }
    await judge(endpoint, topology.clusterId);
    if (fault === null && view.observe(topology)) onTopology();
  };

  return {
    get fault() {
      return fault;
    },
    async check(endpoint) {
      if (fault !== null || belonging.has(endpoint)) return;
      const nowMs = runtime.monotonicMs();
      // A promise would not do: on edge runtimes what a request began may never settle once the request is over.
      if (nowMs - (askedAtMs.get(endpoint) ?? Number.NEGATIVE_INFINITY) < ASK_AGAIN_MS) return;
      askedAtMs.set(endpoint, nowMs);
      try {
        await learn(endpoint, await ask(endpoint));
      } catch {
        // The call beside it meets the same trouble, and tells.
      }
    },
  };
}
