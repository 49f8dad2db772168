import type { AttemptFailure } from "../calls/wire-errors.ts";

/** For so long nobody speaks for the known cluster before another takes its place: one that hangs, or moves, gets a word in. */
export const REPLACED_AFTER_MS = 2_000;

/** A cluster in the place of the one that was known. */
export interface Replaced {
  readonly formerClusterId: string;
  readonly clusterId: string;
  /** Where it answered. */
  readonly endpoints: readonly string[];
}

/** What the last attempt to reach an endpoint came to. */
export interface TriedEndpoint {
  readonly endpoint: string;
  /** The known cluster is connected. */
  readonly ready: boolean;
  /** The other cluster that answered; empty: it did not say which; null: none did. */
  readonly strangerId: string | null;
  /** When the last attempt failed, on the monotonic clock. */
  readonly failedMs: number;
}

/**
 * Judges whether a cluster was replaced by another: the known one is reached nowhere, also not by an attempt that began to fail
 * after another was heard, and of the configured endpoints all that answer name the same other one, for as long.
 */
export interface Succession {
  /** The cluster that takes the known one's place; null: none does, or not yet. */
  successor(tried: Iterable<TriedEndpoint>, nowMs: number): string | null;
}

/** No other cluster was heard. Only what `seeds` say counts: whoever makes a guard now would ask nobody else. */
export function createSuccession(seeds: readonly string[]): Succession {
  let candidate: { readonly clusterId: string; readonly sinceMs: number } | null = null;

  return {
    successor(tried, nowMs) {
      const all = [...tried];
      const named = new Set(all.filter(({ endpoint }) => seeds.includes(endpoint)).map(({ strangerId }) => strangerId));
      named.delete(null);
      const [clusterId] = named;
      if (all.some(({ ready }) => ready) || named.size !== 1 || !clusterId) {
        candidate = null;
        return null;
      }
      if (candidate?.clusterId !== clusterId) candidate = { clusterId, sinceMs: nowMs };
      const { sinceMs } = candidate;
      const isOld = nowMs - sinceMs >= REPLACED_AFTER_MS;
      if (!isOld || all.some(({ failedMs }) => failedMs <= sinceMs)) return null;
      candidate = null;
      return clusterId;
    },
  };
}

/** An endpoint, and the id of the cluster that it named. */
export interface NamedCluster {
  readonly endpoint: string;
  readonly clusterId: string;
}

/** Endpoints name two clusters at the same time. That is for good: calls of one guard must never be counted in both. */
export function twoClusters(one: NamedCluster, other: NamedCluster): AttemptFailure {
  const [its, others] = [JSON.stringify(one.clusterId), JSON.stringify(other.clusterId)];
  const message = `endpoints: ${one.endpoint} belongs to cluster ${its}, and ${other.endpoint} to ${others}; name the nodes of one cluster only`;
  return { code: "wrong_cluster", message, applied: "no", retryable: false, retryAfterMs: 0, detail: null };
}
