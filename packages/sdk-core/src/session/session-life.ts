import type { Runtime } from "../transport.ts";

/**
 * The share of a span of replicated time that is surely not over by a clock of this process: stamps advance at 0.99 to 1.01
 * of real time (SEMANTICS T3), and what is left of it is time to stop working.
 */
export const SAFE_SHARE = 0.98;
/** Renewals without an answer that are remembered; older ones are answered never, or too late to tell anything new. */
const MAX_UNANSWERED = 8;

/** A session as the log knows it. */
export interface Session {
  readonly index: bigint;
  readonly position: number;
  readonly nonce: Uint8Array;
  readonly life: SessionLife;
}

/** A registration under way: sent again under the same nonce it makes no second session (SEMANTICS S4). */
export interface Registration {
  readonly nonce: Uint8Array;
  readonly helloStampUs: bigint;
  /** When it was first sent. */
  readonly sentMs: number;
}

/**
 * For how long the cluster surely knows a session: from when the last thing was sent that it acknowledged. Whatever the
 * session holds in the cluster, such as slots of `concurrency`, lives no longer (SEMANTICS R2).
 */
export class SessionLife {
  readonly #runtime: Runtime;
  readonly #ttlMs: number;
  readonly #sendRenewal: (id: bigint) => boolean;
  readonly #watchers = new Set<() => void>();
  /** When unanswered renewals were sent. */
  readonly #sent = new Map<bigint, number>();
  #lastId = 0n;
  #heardMs: number;
  #heardWallMs = 0;
  #ended = false;
  #cancelTimer: () => void = () => {};

  /** Begins with the registration, sent at `sentMs`. `sendRenewal` says whether there was somebody to send it to. */
  constructor(runtime: Runtime, ttlMs: number, sentMs: number, sendRenewal: (id: bigint) => boolean) {
    this.#runtime = runtime;
    this.#ttlMs = ttlMs;
    this.#heardMs = Number.NEGATIVE_INFINITY;
    this.heard(sentMs);
    this.#sendRenewal = sendRenewal;
    this.#schedule();
  }

  /** On the monotonic clock; it moves on as the cluster is heard of. In the past: the session has ended, or may have. */
  get safeUntilMs(): number {
    return this.#ended ? Number.NEGATIVE_INFINITY : this.#heardMs + this.#ttlMs * SAFE_SHARE;
  }

  /** Something that was sent then went through the log. */
  heard(sentMs: number): void {
    if (sentMs <= this.#heardMs) return;
    this.#heardMs = sentMs;
    this.#heardWallMs = this.#runtime.wallMs() - (this.#runtime.monotonicMs() - sentMs);
  }

  /** By the monotonic clock and by the wall clock: a machine that slept has one that stood still. */
  get isSafe(): boolean {
    if (this.#runtime.monotonicMs() >= this.safeUntilMs) return false;
    return this.#runtime.wallMs() - this.#heardWallMs < this.#ttlMs * SAFE_SHARE;
  }

  /** The renewal with this id went through the log. */
  renewed(id: bigint): void {
    const sentMs = this.#sent.get(id);
    if (sentMs === undefined) return;
    this.heard(sentMs);
    for (const each of this.#sent.keys()) if (each <= id) this.#sent.delete(each);
  }

  /** Somebody takes renewals again: one that could not be sent, or was lost with its stream, is made up for. */
  reachable(): void {
    if (!this.#ended && this.#runtime.monotonicMs() - this.#heardMs >= this.#ttlMs / 3) this.#renew();
  }

  /** Calls `look` when the session ends before its time; returns what ends the subscription. */
  watch(look: () => void): () => void {
    this.#watchers.add(look);
    return () => void this.#watchers.delete(look);
  }

  /** The session is over, or nobody will renew it. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelTimer();
    for (const look of [...this.#watchers]) look();
  }

  #schedule(): void {
    const renew = () => {
      this.#renew();
      this.#schedule();
    };
    this.#cancelTimer = this.#runtime.setTimer(renew, this.#ttlMs / 3, false);
  }

  #renew(): void {
    this.#lastId += 1n;
    if (!this.#sendRenewal(this.#lastId)) return;
    this.#sent.set(this.#lastId, this.#runtime.monotonicMs());
    if (this.#sent.size <= MAX_UNANSWERED) return;
    for (const oldest of this.#sent.keys()) {
      this.#sent.delete(oldest);
      return;
    }
  }
}
