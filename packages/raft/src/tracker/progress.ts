import { assert } from "../assert.ts";
import type { NodeId, ProgressState, ProgressStatus } from "../types.ts";
import { Inflights } from "./inflights.ts";

/** Where a follower starts and how much may be in flight to it. */
export interface ProgressOptions {
  readonly next: number;
  readonly learner: boolean;
  readonly recentActive: boolean;
  readonly maxInflightMessages: number;
  readonly maxInflightBytes: number;
}

/**
 * What a leader knows about one member. Probing sends one append per round trip until the logs are known to agree;
 * replicating streams within the window; during a snapshot nothing is sent. Invariant: match < next.
 */
export class Progress {
  readonly id: NodeId;
  /** The greatest index known to be in the member's log, durable and equal to ours. */
  match = 0;
  /** The index to send next. */
  next: number;
  state: ProgressState = "probe";
  /** The index of the snapshot under way. */
  pendingSnapshot = 0;
  /** Heard from since the last CheckQuorum. */
  recentActive: boolean;
  /** No appends until the next acknowledgement or heartbeat response. */
  flowPaused = false;
  learner: boolean;
  /** The newest read round that this member has confirmed in this term. */
  readRound = 0;
  readonly inflights: Inflights;
  /** The greatest commit index that the member will learn from what was sent; later ones need a message. */
  #sentCommit = 0;

  constructor(id: NodeId, options: ProgressOptions) {
    assert(options.next >= 1, `next ${options.next} of ${id}`);
    this.id = id;
    this.next = options.next;
    this.learner = options.learner;
    this.recentActive = options.recentActive;
    this.inflights = new Inflights(options.maxInflightMessages, options.maxInflightBytes);
  }

  get paused(): boolean {
    return this.state === "snapshot" || this.flowPaused;
  }

  /** Starts over from what the member is known to hold, snapshot included if it was delivered. */
  becomeProbe(): void {
    const base = this.state === "snapshot" ? Math.max(this.match, this.pendingSnapshot) : this.match;
    this.#enter("probe");
    this.next = base + 1;
    this.#sentCommit = Math.min(this.#sentCommit, this.next - 1);
  }

  becomeReplicate(): void {
    this.#enter("replicate");
    this.next = this.match + 1;
  }

  becomeSnapshot(index: number): void {
    this.#enter("snapshot");
    this.pendingSnapshot = index;
    this.next = index + 1;
    this.#sentCommit = index;
  }

  /** An append with `count` entries of `bytes` in total went out. */
  sentEntries(count: number, bytes: number): void {
    if (this.state === "replicate") {
      if (count > 0) {
        this.next += count;
        this.inflights.add(this.next - 1, bytes);
      }
      this.flowPaused = this.inflights.full;
    } else if (count > 0) {
      this.flowPaused = true;
    }
  }

  sentCommit(commit: number): void {
    this.#sentCommit = commit;
  }

  /** Whether `commit` would tell the member something that nothing already sent tells it. */
  wouldLearnCommit(commit: number): boolean {
    return commit > this.#sentCommit && this.#sentCommit < this.next - 1;
  }

  /** The member acknowledged `index`. @returns whether that is news. */
  acknowledge(index: number): boolean {
    if (index <= this.match) return false;
    this.match = index;
    this.next = Math.max(this.next, index + 1);
    this.flowPaused = false;
    return true;
  }

  /**
   * The member rejected the append after `rejected`; the logs may agree at `hint`.
   * @returns false if the rejection is an old one, which must not undo later progress.
   */
  reject(rejected: number, hint: number): boolean {
    if (this.state === "replicate") {
      if (rejected <= this.match) return false;
      this.next = this.match + 1;
    } else {
      if (this.next - 1 !== rejected) return false;
      this.next = Math.max(Math.min(rejected, hint + 1), this.match + 1);
      this.flowPaused = false;
    }
    this.#sentCommit = Math.min(this.#sentCommit, this.next - 1);
    return true;
  }

  status(): ProgressStatus {
    const { match, next, state, learner, recentActive, paused, pendingSnapshot } = this;
    const inflight = this.inflights.count;
    return { match, next, state, learner, recentActive, paused, pendingSnapshot, inflight };
  }

  #enter(state: ProgressState): void {
    this.state = state;
    this.flowPaused = false;
    this.pendingSnapshot = 0;
    this.inflights.reset();
  }
}
