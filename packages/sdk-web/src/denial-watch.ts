import type { Decision, Denied, Runtime } from "@quorumguard/sdk-core";

/** A denial, and when it is over. */
export interface Denial {
  /** As it was told. */
  readonly decision: Denied;
  /** When the same call would be admitted if nobody else took anything, on the clock of `performance.now()`; null: never. */
  readonly retryAtMs: number | null;
}

/** A key under a policy, with the cost that is asked for. */
export interface WatchedKey {
  readonly key: string;
  readonly policy: string;
  readonly cost: number;
}

/** What is known and who listens, for one key. */
interface Entry {
  denial: Denial | null;
  /** When that was heard, on both clocks. */
  heardMs: number;
  heardWallMs: number;
  readonly listeners: Set<(decision: Decision) => void>;
}

/** Keys that are kept although nobody listens. */
const MAX_UNWATCHED = 1_000;
/** What the wall clock gains on the other one is sleep if it is more. */
const SLEEP_MS = 1_000;

/** The last decision on each key: what countdowns are drawn from. It decides nothing. */
export class DenialWatch {
  readonly #runtime: Pick<Runtime, "monotonicMs" | "wallMs">;
  readonly #entries = new Map<string, Entry>();

  constructor(runtime: Pick<Runtime, "monotonicMs" | "wallMs">) {
    this.#runtime = runtime;
  }

  /** A call on that key was decided. */
  note(watched: WatchedKey, decision: Decision): void {
    const id = idOf(watched);
    const known = this.#entries.get(id);
    if (known === undefined && decision.allowed) return;
    const entry = known ?? this.#open(id);
    const nowMs = this.#runtime.monotonicMs();
    entry.heardMs = nowMs;
    entry.heardWallMs = this.#runtime.wallMs();
    entry.denial = decision.allowed
      ? null
      : { decision, retryAtMs: decision.retryAfterMs === null ? null : nowMs + decision.retryAfterMs };
    // A listener's error is its owner's, and not that of whoever asked.
    for (const listener of entry.listeners) queueMicrotask(() => listener(decision));
    if (entry.denial === null && entry.listeners.size === 0) this.#entries.delete(id);
  }

  denialOf(watched: WatchedKey): Denial | null {
    const entry = this.#entries.get(idOf(watched));
    if (entry === undefined || entry.denial === null) return null;
    const nowMs = this.#runtime.monotonicMs();
    this.#catchUp(entry, nowMs);
    const { retryAtMs } = entry.denial;
    if (retryAtMs !== null && nowMs >= retryAtMs) entry.denial = null;
    return entry.denial;
  }

  watch(watched: WatchedKey, listener: (decision: Decision) => void): () => void {
    const id = idOf(watched);
    const entry = this.#entries.get(id) ?? this.#open(id);
    // Wrapped, so that the same listener may be given twice.
    const own = (decision: Decision) => listener(decision);
    entry.listeners.add(own);
    return () => {
      entry.listeners.delete(own);
      if (entry.listeners.size === 0 && entry.denial === null) this.#entries.delete(id);
    };
  }

  /** The clock of `performance.now()` stands still while some devices sleep; what is over by the wall clock is over. */
  #catchUp(entry: Entry, nowMs: number): void {
    const wallMs = this.#runtime.wallMs();
    const sleptMs = wallMs - entry.heardWallMs - (nowMs - entry.heardMs);
    if (sleptMs < SLEEP_MS || entry.denial === null) return;
    const { decision, retryAtMs } = entry.denial;
    entry.heardMs = nowMs;
    entry.heardWallMs = wallMs;
    if (retryAtMs !== null) entry.denial = { decision, retryAtMs: retryAtMs - sleptMs };
  }

  #open(id: string): Entry {
    if (this.#entries.size >= MAX_UNWATCHED) {
      for (const [oldest, { listeners }] of this.#entries) {
        if (listeners.size > 0) continue;
        this.#entries.delete(oldest);
        break;
      }
    }
    const entry: Entry = { denial: null, heardMs: 0, heardWallMs: 0, listeners: new Set() };
    this.#entries.set(id, entry);
    return entry;
  }
}

function idOf({ key, policy, cost }: WatchedKey): string {
  return JSON.stringify([policy, cost, key]);
}
