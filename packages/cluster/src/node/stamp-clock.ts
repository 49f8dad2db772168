import type { Clock } from "./clock.ts";

/** What a peer said about time, and when it was heard. */
export interface StampEstimate {
  readonly stampUs: number;
  readonly live: boolean;
  /** The term of the leader whose line the estimate follows. */
  readonly lineTerm: number;
  readonly wallUs: number;
  /** Monotonic milliseconds of this node when it was heard. */
  readonly heardMs: number;
}

/** How much faster or slower than the monotonic clock a stamp may run while it is led towards the wall clock. */
const maxSlew = 0.01;
/** What is heard of a leader goes on at the slowest rate that its stamps can have: see {@link StampClock}. */
const slowest = 1 - maxSlew;
/** How much of what one line gained another one surely gained as well. */
const sharedGain = slowest / (1 + maxSlew);
/** The whole difference to the wall clock would be gone after so long, were the slew not bounded. */
const slewHorizonUs = 1_000_000;
/** Rates are set anew no more often than this, so that roundings cannot add up to a rate of their own. */
const anchorMs = 10;

/**
 * The replicated time as one node knows it (SEMANTICS T1–T3). It runs on the monotonic clock from the last stamp that a
 * leader stated; on the leader it is slewed by at most 1 % towards the wall clock, and it never runs backwards there.
 *
 * A follower's estimate is a lower bound of its leader's time: it follows the largest statement, and between statements it
 * runs at the slowest rate that the leader may have. So however long a node was cut off, its estimate is not ahead, and a
 * takeover never brings windows forward; what it lags behind is 2 % of the silence and the delay of a heartbeat.
 *
 * Every leader draws a line of its own, and the line of a later term may run behind that of an earlier one. Its first
 * statement is therefore adopted as it is, and a takeover looks only at estimates of the latest line: whoever follows
 * an older one is ahead, and starting from there would bring windows forward by that much. Any quorum knows the latest line
 * on which something was committed.
 */
export class StampClock {
  readonly #clock: Clock;
  #anchorUs = 0;
  #anchorMs: number;
  #rate = 1;
  #live = false;
  #leads = false;
  #lineTerm = 0;
  #lostLine = false;
  /** The largest stamp handed out as leader or seen in the log. */
  #floorUs = 0;
  /** The largest stamp seen in the log. */
  #loggedUs = 0;

  constructor(clock: Clock, lastStampUs: number) {
    this.#clock = clock;
    this.#anchorMs = clock.monotonicMs();
    this.#anchorUs = lastStampUs;
    this.#floorUs = lastStampUs;
    this.#loggedUs = lastStampUs;
  }

  /** Whether this process has carried the estimate ever since a leader stated it. */
  get live(): boolean {
    return this.#live;
  }

  /** The term of the leader whose line this is: the own one while leading. */
  get lineTerm(): number {
    return this.#lineTerm;
  }

  /** Whether its last takeover found that nobody follows the line of the log's last entry: its stamps may lag from then on. */
  get lostLine(): boolean {
    return this.#lostLine;
  }

  nowUs(): number {
    const nowMs = this.#clock.monotonicMs();
    const elapsedMs = Math.max(0, nowMs - this.#anchorMs);
    // Without a live statement there is nothing to extrapolate from: a restarted node must not count its downtime as zero and go on.
    const value = this.#live ? this.#extrapolate(nowMs) : this.#anchorUs;
    if (this.#leads && elapsedMs >= anchorMs) this.#anchor(value, nowMs, this.#slewRate(value));
    if (value > this.#floorUs) {
      if (this.#leads) this.#floorUs = value;
      return value;
    }
    return this.#floorUs;
  }

  /** Follower: the leader of `term` said what time it is on its line. */
  heard(stampUs: number, term: number): void {
    if (this.#leads || term < this.#lineTerm) return;
    const nowMs = this.#clock.monotonicMs();
    if (!this.#live || term > this.#lineTerm) {
      this.#anchor(stampUs, nowMs, slowest);
      // What it handed out itself and did not bring into the log is nobody's past.
      this.#floorUs = this.#loggedUs;
    } else if (stampUs >= this.#extrapolate(nowMs)) {
      this.#anchor(stampUs, nowMs, slowest);
    }
    this.#lineTerm = term;
    this.#live = true;
  }

  /** An entry with this stamp is in the log: no stamp of ours may be below it. */
  sawEntry(stampUs: number): void {
    if (stampUs > this.#floorUs) this.#floorUs = stampUs;
    if (stampUs > this.#loggedUs) this.#loggedUs = stampUs;
  }

  /**
   * Starts `term` as leader (SEMANTICS T2): from the largest live estimate of the latest line among this node and its
   * voters; with none alive, from the later of the last stamp in the log and the lower median of the voters' wall clocks.
   *
   * Where the log has entries of a later line, and nobody who is alive follows it (its leader died, and whoever had heard it
   * restarted), an older line tells how much time has passed since the last stamp in the log, but not what the later line made
   * of it: of what the older one is ahead, so much counts as two lines have in common. And the later line may have begun with
   * nobody alive, from wall clocks that were behind the older one; so no more counts than these say either.
   *
   * @param loggedTerm The term of the last entry in the log.
   */
  takeOver(voters: readonly StampEstimate[], term: number, loggedTerm: number): number {
    const nowMs = this.#clock.monotonicMs();
    const latest = voters.reduce((line, voter) => (voter.live ? Math.max(line, voter.lineTerm) : line), this.#lineTerm);
    let startUs = this.#live && this.#lineTerm === latest ? this.#extrapolate(nowMs) : -1;
    const wallsUs = [this.#wallUs()];
    for (const voter of voters) {
      const sinceUs = Math.max(0, nowMs - voter.heardMs) * 1_000;
      wallsUs.push(voter.wallUs + sinceUs);
      if (voter.live && voter.lineTerm === latest)
        startUs = Math.max(startUs, Math.floor(voter.stampUs + sinceUs * slowest));
    }
    wallsUs.sort((a, b) => a - b);
    const wallUs = Math.floor(wallsUs[(wallsUs.length - 1) >> 1]!);
    this.#lostLine = startUs >= 0 && latest < loggedTerm;
    if (startUs < 0) startUs = wallUs;
    else if (this.#lostLine) {
      const sharedUs = this.#loggedUs + Math.floor((startUs - this.#loggedUs) * sharedGain);
      startUs = Math.min(sharedUs, wallUs);
    }
    startUs = Math.max(startUs, this.#loggedUs);
    this.#live = true;
    this.#leads = true;
    this.#lineTerm = term;
    this.#floorUs = startUs;
    this.#anchor(startUs, nowMs, this.#slewRate(startUs));
    return startUs;
  }

  stepDown(): void {
    if (!this.#leads) return;
    const nowUs = this.nowUs();
    this.#leads = false;
    this.#anchor(nowUs, this.#clock.monotonicMs(), slowest);
  }

  #extrapolate(nowMs: number): number {
    return Math.floor(this.#anchorUs + Math.max(0, nowMs - this.#anchorMs) * 1_000 * this.#rate);
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
