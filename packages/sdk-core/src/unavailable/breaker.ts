import type { Runtime } from "../transport.ts";

/** Calls in a row that the cluster let down before it is spared. */
const FAILURES_TO_OPEN = 5;
/** Without an answer for so long, or for a deadline if that is shorter: one lost frame ends many calls at once, and is no outage. */
const SILENCE_TO_OPEN_MS = 500;
/** The call that looks whether the cluster is back waits no longer for it. */
export const PROBE_TIMEOUT_MS = 1_000;
/** After a probe in vain the next one waits for 50 to 100 % of this. */
const PROBE_PAUSE_MS = 200;
/** The share of calls that goes to a cluster that is just back; it grows to all of them. */
const FIRST_SHARE = 0.1;
/** How long that takes, give or take a fifth, so that clients are not in step. */
const RAMP_MS = 1_000;

/** `closed`: calls go to the cluster. `open`: they do not, but for a probe. `ramping`: it is back, and a growing share does. */
export type BreakerState = "closed" | "open" | "ramping";

/** What becomes of a call that wants to go to the cluster. `probe`: it may go, and what it comes to decides. */
export type Passage = "pass" | "probe" | "refuse";

/**
 * Spares a cluster that does not decide, and its callers the wait for it: once some calls in a row were let down, the others
 * are answered at once, while one at a time looks whether the cluster is back. Then calls return to it in growing shares, so
 * that a new leader is not met by everyone at once.
 *
 * It has no timers: everything happens when a call comes or ends.
 */
export interface Breaker {
  readonly state: BreakerState;
  /** Asks for a call to be let through; it is told apart from others by identity. */
  admit(call: object): Passage;
  /** The cluster said something about a call, be it that its table is full: it decides. */
  answered(): void;
  /** The cluster let this call down: no leader, or no answer in time. `reason` is asked only if it is what opens the breaker. */
  failed(call: object, reason: () => string): void;
  /** The call ended in a way that says nothing about the cluster. */
  ended(call: object): void;
  /**
   * This device has its network back: the next call looks at once whether the cluster is there, and if it is, all calls return to it:
   * it was not the cluster that was away.
   */
  networkIsBack(): void;
  /** Why a call is refused now, for people. */
  explain(): string;
}

/** What a breaker needs of its guard. */
export interface BreakerOptions {
  readonly runtime: Pick<Runtime, "monotonicMs" | "random">;
  /** The guard's own deadline of a call. */
  readonly timeoutMs: number;
  /** Whether somebody is there whom a probe could be sent to; while nobody is, connecting is what looks for the cluster. */
  readonly reachable: () => boolean;
  readonly onChange: (state: BreakerState) => void;
}

/** A closed breaker. */
export function createBreaker({ runtime, timeoutMs, reachable, onChange }: BreakerOptions): Breaker {
  const silenceMs = Math.min(timeoutMs, SILENCE_TO_OPEN_MS);
  let state: BreakerState = "closed";
  let failures = 0;
  let answeredMs = Number.NEGATIVE_INFINITY;
  let openedMs = 0;
  let reason = "";
  let probe: object | null = null;
  let probeUntilMs = 0;
  let nextProbeMs = 0;
  let rampFromMs = 0;
  let rampMs = RAMP_MS;
  /** The network of this device was away, as far as is known. */
  let wasOurs = false;

  const change = (next: BreakerState): void => {
    if (state === next) return;
    state = next;
    failures = 0;
    onChange(next);
  };
  /** A ramp ends by itself. */
  const current = (): BreakerState => {
    if (state === "ramping" && runtime.monotonicMs() - rampFromMs >= rampMs) change("closed");
    return state;
  };
  /** By the clock: on edge runtimes a call whose request is over never ends, and neither do its timers. */
  const isLooking = (): boolean => probe !== null && runtime.monotonicMs() < probeUntilMs;
  const ended = (call: object): void => {
    if (probe === call) probe = null;
  };

  return {
    get state() {
      return current();
    },
    admit(call) {
      switch (current()) {
        case "closed":
          return "pass";
        case "ramping": {
          const share = FIRST_SHARE + ((1 - FIRST_SHARE) * (runtime.monotonicMs() - rampFromMs)) / rampMs;
          return runtime.random() < share ? "pass" : "refuse";
        }
        case "open":
          if (isLooking() || runtime.monotonicMs() < nextProbeMs || !reachable()) return "refuse";
          probe = call;
          probeUntilMs = runtime.monotonicMs() + PROBE_TIMEOUT_MS;
          return "probe";
      }
    },
    answered() {
      failures = 0;
      answeredMs = runtime.monotonicMs();
      if (state !== "open") return;
      probe = null;
      if (wasOurs) {
        change("closed");
        return;
      }
      rampFromMs = answeredMs;
      rampMs = RAMP_MS * (0.8 + 0.4 * runtime.random());
      change("ramping");
    },
    failed(call, why) {
      const nowMs = runtime.monotonicMs();
      if (probe === call) {
        probe = null;
        wasOurs = false;
        nextProbeMs = nowMs + PROBE_PAUSE_MS * (0.5 + 0.5 * runtime.random());
      }
      if (current() === "open") return;
      failures += 1;
      // A cluster that fails again while it is being returned to has used up its credit.
      if (state === "closed" && failures < FAILURES_TO_OPEN) return;
      if (nowMs - answeredMs < silenceMs) return;
      reason = why();
      wasOurs = false;
      openedMs = nowMs;
      nextProbeMs = nowMs;
      change("open");
    },
    ended,
    networkIsBack() {
      probe = null;
      nextProbeMs = runtime.monotonicMs();
      wasOurs = true;
    },
    explain() {
      const nowMs = runtime.monotonicMs();
      if (current() === "ramping") {
        const backMs = Math.round(nowMs - rampFromMs);
        return `the cluster decides again since ${backMs} ms, and calls return to it in growing shares; this one was not sent (it had been away: ${reason})`;
      }
      const openMs = Math.round(nowMs - openedMs);
      return `the breaker is open since ${openMs} ms: the cluster did not decide, so this call was not sent (${reason})`;
    },
  };
}
