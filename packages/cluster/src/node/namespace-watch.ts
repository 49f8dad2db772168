import type { Applied, Limiter, ResetKey } from "@quorumguard/limiter";
import type { Clock } from "./clock.ts";

/** What may be untrue of what a namespace's clients remember, since this node applied the entry at `index`. */
export interface Forgotten {
  readonly index: number;
  /** The version of the namespace's policies. */
  readonly policyVersion: number;
  /** Counters that were emptied; null: any denial may be untrue. */
  readonly keys: readonly Pick<ResetKey, "rule" | "key">[] | null;
}

/** What clients of a namespace are told without asking. */
export interface NamespaceListener {
  forget(what: Forgotten): void;
  /** So many sessions live in the namespace now. */
  clients(count: number): void;
}

/** What of applied state clients are told of. */
export type WatchedState = Pick<Limiter, "appliedIndex" | "policies" | "countSessions">;

/**
 * Forgets are gathered for so long after one was told, lest one caller who resets key after key has a node write to all
 * its streams all the time; the more listeners there are, the longer.
 */
export const forgetPauseMs = { least: 20, perListener: 0.1, most: 1_000 } as const;
/** What one forget names at most; beyond it, everything is to be forgotten. */
export const forgetBounds = { keys: 64, keyBytes: 16_384 } as const;
/** Between two counts of a namespace's clients. */
const clientsPauseMs = 1_000;

interface Watched {
  readonly namespace: string;
  readonly listeners: Set<NamespaceListener>;
  policyVersion: number;
  clients: number;
  /** What is to be told when the pause ends; null: nothing. */
  gathered: { index: number; keys: Pick<ResetKey, "rule" | "key">[] | null; keyBytes: number } | null;
  /** Nothing is told before this. */
  pauseEndsMs: number;
}

/**
 * Sees to it that clients of the namespaces that somebody listens for hear of what this node applies: resets, changes of
 * policies, and how many they are. Each node tells its own streams, at its own time.
 */
export class NamespaceWatch {
  readonly #clock: Clock;
  readonly #state: () => WatchedState | null;
  readonly #watched = new Map<string, Watched>();
  #nextCountMs = 0;

  constructor(clock: Clock, state: () => WatchedState | null) {
    this.#clock = clock;
    this.#state = state;
  }

  /** Tells `listener` what is applied from now on. Returns what ends it. */
  listen(namespace: string, listener: NamespaceListener): () => void {
    const watched = this.#watched.get(namespace) ?? this.#begin(namespace);
    watched.listeners.add(listener);
    return () => {
      watched.listeners.delete(listener);
      if (watched.listeners.size === 0 && this.#watched.get(namespace) === watched) this.#watched.delete(namespace);
    };
  }

  #begin(namespace: string): Watched {
    const state = this.#state();
    const watched: Watched = {
      namespace,
      listeners: new Set(),
      policyVersion: state?.policies.version(namespace) ?? 0,
      clients: state?.countSessions(namespace) ?? 0,
      gathered: null,
      pauseEndsMs: 0,
    };
    this.#watched.set(namespace, watched);
    return watched;
  }

  /** An entry was applied, and nobody was answered for it yet. */
  applied({ index, resets, operations }: Applied): void {
    if (this.#watched.size === 0) return;
    for (const reset of resets) {
      const watched = this.#watched.get(reset.namespace);
      if (watched !== undefined) gather(watched, index, reset);
    }
    const mayDiffer = operations.some(({ kind }) => kind === "administered");
    if (mayDiffer) for (const watched of this.#watched.values()) this.#compareVersions(watched, index);
    if (mayDiffer || resets.length > 0) for (const watched of this.#watched.values()) this.#tell(watched);
  }

  #compareVersions(watched: Watched, index: number): void {
    const version = this.#state()?.policies.version(watched.namespace) ?? 0;
    if (version !== watched.policyVersion) gather(watched, index, null);
  }

  /** Applied state was replaced: what it skipped is not known here. */
  replaced(): void {
    const index = this.#state()?.appliedIndex ?? 0;
    for (const watched of this.#watched.values()) {
      gather(watched, index, null);
      this.#tell(watched);
    }
  }

  /** Once per tick of the node. */
  ticked(): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#nextCountMs) return;
    this.#nextCountMs = nowMs + clientsPauseMs;
    for (const watched of this.#watched.values()) {
      const clients = this.#state()?.countSessions(watched.namespace) ?? 0;
      if (clients === watched.clients) continue;
      watched.clients = clients;
      for (const listener of [...watched.listeners]) listener.clients(clients);
    }
  }

  /** At once, or when the pause since the last time is over. */
  #tell(watched: Watched): void {
    const { gathered, listeners, namespace } = watched;
    if (gathered === null || listeners.size === 0) return;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < watched.pauseEndsMs) return;
    const { least, perListener, most } = forgetPauseMs;
    const pauseMs = Math.min(most, Math.max(least, listeners.size * perListener));
    watched.gathered = null;
    watched.pauseEndsMs = nowMs + pauseMs;
    this.#clock.setTimer(() => this.#tell(watched), pauseMs);
    watched.policyVersion = this.#state()?.policies.version(namespace) ?? 0;
    const { index, keys } = gathered;
    const what: Forgotten = { index, policyVersion: watched.policyVersion, keys };
    for (const listener of [...listeners]) listener.forget(what);
  }
}

/** Adds a key to what is to be told, or (null) everything. */
function gather(watched: Watched, index: number, reset: ResetKey | null): void {
  watched.gathered ??= { index, keys: [], keyBytes: 0 };
  const { gathered } = watched;
  gathered.index = index;
  if (gathered.keys === null) return;
  gathered.keyBytes += reset?.key.length ?? 0;
  const isFull = gathered.keys.length === forgetBounds.keys || gathered.keyBytes > forgetBounds.keyBytes;
  if (reset === null || isFull) gathered.keys = null;
  else gathered.keys.push({ rule: reset.rule, key: reset.key });
}
