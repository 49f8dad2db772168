import type { Decision, Denied, Runtime } from "@quorumguard/sdk-core";
import { createSleepMeter } from "./sleep-meter.ts";

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
  /** That of the call that told so. */
  order: number;
  readonly listeners: Set<(decision: Decision) => void>;
}

/** Keys that are kept although nobody listens. */
const MAX_UNWATCHED = 1_000;

/** The last decision on each key: what countdowns are drawn from. It decides nothing. */
export class DenialWatch {
  readonly #runtime: Pick<Runtime, "monotonicMs" | "wallMs">;
  readonly #sleptMs: () => number;
  readonly #entries = new Map<string, Entry>();

  constructor(runtime: Pick<Runtime, "monotonicMs" | "wallMs">) {
    this.#runtime = runtime;
    this.#sleptMs = createSleepMeter(runtime);
  }

  /** A call on that key was decided; `order` grows with each call that is made, for answers may overtake each other. */
  note(watched: WatchedKey, order: number, decision: Decision): void {
    const id = idOf(watched);
    const entry = this.#entries.get(id) ?? this.#open(id);
    if (order < entry.order) return;
    entry.order = order;
    this.#catchUp();
    const { retryAfterMs } = decision;
    entry.denial = decision.allowed
      ? null
      : { decision, retryAtMs: retryAfterMs === null ? null : this.#runtime.monotonicMs() + retryAfterMs };
    // A listener's error is its owner's, and not that of whoever asked.
    for (const listener of entry.listeners) {
      queueMicrotask(() => {
        if (entry.listeners.has(listener)) listener(decision);
      });
    }
  }

  denialOf(watched: WatchedKey): Denial | null {
    const entry = this.#entries.get(idOf(watched));
    if (entry === undefined || entry.denial === null) return null;
    this.#catchUp();
    const { retryAtMs } = entry.denial;
    if (retryAtMs !== null && this.#runtime.monotonicMs() >= retryAtMs) entry.denial = null;
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
    };
  }

  /** Denials went on while the device slept. */
  #catchUp(): void {
    const sleptMs = this.#sleptMs();
    if (sleptMs === 0) return;
    for (const entry of this.#entries.values()) {
      const { denial } = entry;
      if (denial?.retryAtMs != null) entry.denial = { ...denial, retryAtMs: denial.retryAtMs - sleptMs };
    }
  }

  #open(id: string): Entry {
    if (this.#entries.size >= MAX_UNWATCHED) {
      // An admission is kept for its order only: an older call may yet be told that it is denied.
      let spared: string | undefined;
      for (const [each, { denial, listeners }] of this.#entries) {
        if (listeners.size > 0) continue;
        spared = denial === null ? each : (spared ?? each);
        if (denial === null) break;
      }
      if (spared !== undefined) this.#entries.delete(spared);
    }
    const entry: Entry = { denial: null, order: 0, listeners: new Set() };
    this.#entries.set(id, entry);
    return entry;
  }
}

function idOf({ key, policy, cost }: WatchedKey): string {
  return JSON.stringify([policy, cost, key]);
}
