import type { PlainMessage, Topology } from "@quorumguard/proto";
import type { AttemptFailure } from "../calls/wire-errors.ts";
import type { Runtime } from "../transport.ts";
import type { ClusterView } from "./topology.ts";

/** An endpoint that did not say where it belongs is asked again after so long, beside some call. */
const ASK_AGAIN_MS = 10_000;

/** What a membership needs of the guard that it watches over. */
export interface MembershipOptions {
  readonly runtime: Pick<Runtime, "monotonicMs">;
  readonly view: ClusterView;
  /** Asks that endpoint, and no other, for its topology. */
  readonly ask: (endpoint: string) => Promise<PlainMessage<Topology>>;
  readonly onFault: (failure: AttemptFailure) => void;
  readonly onTopology: () => void;
}

/**
 * Knows which endpoints belong to one cluster, where answers do not say it: each endpoint is asked once, beside its first
 * call, so that no call waits for it. Until it has answered, calls may have been counted in another cluster; from then on
 * none is sent any more (SEMANTICS: calls of one guard are never counted in two clusters for longer than that).
 */
export interface Membership {
  /** Two clusters were found: for good. */
  readonly fault: AttemptFailure | null;
  /** Asks unless it is known or being asked. Never rejects. */
  check(endpoint: string): Promise<void>;
}

/** A membership that knows nothing yet. */
export function createMembership({ runtime, view, ask, onFault, onTopology }: MembershipOptions): Membership {
  const belonging = new Set<string>();
  const askedAtMs = new Map<string, number>();
  let fault: AttemptFailure | null = null;

  const learn = (endpoint: string, topology: PlainMessage<Topology>): void => {
    if (fault !== null || topology.clusterId === "") return;
    if (!view.foreign(topology)) {
      belonging.add(endpoint);
      if (view.observe(topology)) onTopology();
      return;
    }
    const [first] = belonging;
    const [known, other] = [JSON.stringify(view.clusterId), JSON.stringify(topology.clusterId)];
    const message = `endpoints: ${first ?? "the first node heard of"} belongs to cluster ${known}, and ${endpoint} to ${other}; name the nodes of one cluster only`;
    fault = { code: "wrong_cluster", message, applied: "no", retryable: false, retryAfterMs: 0, detail: null };
    onFault(fault);
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
        learn(endpoint, await ask(endpoint));
      } catch {
        // The call beside it meets the same trouble, and tells.
      }
    },
  };
}
