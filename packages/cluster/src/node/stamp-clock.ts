import type { Clock } from "./clock.ts";

/** What a peer said about time, and when it was heard. */
export interface StampEstimate {
  readonly stampUs: number;
  readonly live: boolean;
  readonly wallUs: number;
  /** Monotonic milliseconds of this node when it was heard. */
  readonly heardMs: number;
}

/** How much faster or slower than the monotonic clock a stamp may run while it is led towards the wall clock. */
const maxSlew = 0.01;
/** The whole difference to the wall clock would be gone after so long, were the slew not bounded. */
const slewHorizonUs = 1_000_000;
/** Rates are set anew no more often than this, so that roundings cannot add up to a rate of their own. */
const anchorMs = 10;

/**
 * The replicated time as one node knows it (SEMANTICS T1–T3). It runs on the monotonic clock from the last stamp that a
 * leader stated; on the leader it is slewed by at most 1 % towards the wall clock, and it never runs backwards there.
 *
 * A follower's estimate follows the largest recent statement: one that arrives late says nothing new, so the estimate then
 * slows by 1 % rather than jumping back, and delays do not accumulate over many elections.
 */
export class StampClock {
  readonly #clock: Clock;
  #anchorUs = 0;
  #anchorMs: number;
  #rate = 1;
  #live = false;
  #leads = false;
  /** The largest stamp handed out as leader or seen in the log. */
  #floorUs = 0;

  constructor(clock: Clock, lastStampUs: number) {
    this.#clock = clock;
    this.#anchorMs = clock.monotonicMs();
    this.#anchorUs = lastStampUs;
    this.#floorUs = lastStampUs;
  }

  /** Whether this process has carried the estimate ever since a leader stated it. */
  get live(): boolean {
    return this.#live;
  }

  nowUs(): number {
    const nowMs = this.#clock.monotonicMs();
    const elapsedMs = Math.max(0, nowMs - this.#anchorMs);
    // Without a live statement there is nothing to extrapolate from: a restarted node must not count its downtime as zero and go on.
    const value = this.#live ? Math.floor(this.#anchorUs + elapsedMs * 1_000 * this.#rate) : this.#anchorUs;
    if (this.#leads && elapsedMs >= anchorMs) this.#anchor(value, nowMs, this.#slewRate(value));
    if (value > this.#floorUs) {
      if (this.#leads) this.#floorUs = value;
      return value;
    }
    return this.#floorUs;
  }

  /** Follower: the leader said what time it is. */
  heard(stampUs: number): void {
    if (this.#leads) return;
    const nowMs = this.#clock.monotonicMs();
    const estimate = this.#live
      ? Math.floor(this.#anchorUs + Math.max(0, nowMs - this.#anchorMs) * 1_000 * this.#rate)
      : 0;
    if (stampUs >= estimate) this.#anchor(stampUs, nowMs, 1);
    else this.#anchor(estimate, nowMs, 1 - maxSlew);
    this.#live = true;
  }

  /** An entry with this stamp is in the log: no stamp of ours may be below it. */
  sawEntry(stampUs: number): void {
    if (stampUs > this.#floorUs) this.#floorUs = stampUs;
  }

  /**
   * Starts a term as leader (SEMANTICS T2): from the largest live estimate among this node and its voters; with none
   * alive, from the later of the last stamp in the log and the lower median of the voters' wall clocks.
   */
  takeOver(voters: readonly StampEstimate[]): number {
    const nowMs = this.#clock.monotonicMs();
    let startUs = this.#live ? this.nowUs() : -1;
    const wallsUs = [this.#wallUs()];
    for (const voter of voters) {
      const sinceUs = Math.max(0, nowMs - voter.heardMs) * 1_000;
      wallsUs.push(voter.wallUs + sinceUs);
      if (voter.live) startUs = Math.max(startUs, Math.floor(voter.stampUs + sinceUs));
    }
    if (startUs < 0) {
      wallsUs.sort((a, b) => a - b);
      startUs = Math.floor(wallsUs[(wallsUs.length - 1) >> 1]!);
    }
    startUs = Math.max(startUs, this.#floorUs);
    this.#live = true;
    this.#leads = true;
    this.#floorUs = startUs;
    this.#anchor(startUs, nowMs, this.#slewRate(startUs));
    return startUs;
  }

  stepDown(): void {
    if (!this.#leads) return;
    const nowUs = this.nowUs();
    this.#leads = false;
    this.#anchor(nowUs, this.#clock.monotonicMs(), 1);
  }

  #anchor(stampUs: number, nowMs: number, rate: number): void {
    this.#anchorUs = stampUs;
    this.#anchorMs = nowMs;
    this.#rate = rate;
  }

  #slewRate(stampUs: number): number {
    const off = (this.#wallUs() - stampUs) / slewHorizonUs;
    return 1 + Math.max(-maxSlew, Math.min(maxSlew, off));
  }

  #wallUs(): number {
    return Math.max(0, Math.floor(this.#clock.wallMs() * 1_000));
  }
}
