import type { CallOperation } from "@quorumguard/audit";
import { Outcome } from "@quorumguard/limiter";
import type { SessionLine } from "../clients/history.ts";
import { tapSessions } from "../clients/http2-tap.ts";
import { createSessionTap } from "../clients/session-tap.ts";
import { hostClockUs } from "../host-clock.ts";

/** What went over the Session streams of all guards of this process. */
export interface HeardCalls {
  /** Every call, with the first decision that came back. */
  calls(): CallOperation[];
  /** Numbers that were used twice, and answers that nobody asked for. */
  readonly violations: readonly string[];
  /** Forgets what it heard: a new run begins. */
  clear(): void;
}

/** Listens from now on to what the SDK in this process says and hears. To be called once. */
export function listenToSessions(): HeardCalls {
  const calls = new Map<string, CallOperation>();
  const violations: string[] = [];
  const client = "all";

  function answered(line: SessionLine): void {
    if (line.kind === "broken") violations.push(line.problem);
    if (line.kind !== "answer") return;
    const callId = `${line.session}#${line.number}`;
    const call = calls.get(callId);
    if (call === undefined || call.decision !== null || line.outcomes[0]! >= Outcome.keysFull) return;
    const decision = {
      allowed: line.outcomes[0] === Outcome.allowed,
      remaining: line.remaining[0]!,
      source: line.source,
      degraded: false,
      index: line.source === "quorum" ? line.index : null,
      position: null,
      stampUs: line.stampUs,
    };
    calls.set(callId, { ...call, endUs: hostClockUs(), decision, applied: null });
  }

  // Which guard a call belongs to does not matter here: a call is known by the number that its session gave it.
  const names = {
    numbered(callId: string, items: CallOperation["items"]) {
      const span = { startUs: hostClockUs(), endUs: Number.POSITIVE_INFINITY };
      calls.set(callId, { clientId: client, callId, items, ...span, decision: null, applied: "unknown" });
    },
  };
  // Sessions are named by their place in a cluster's log, so those of another cluster bear the same names: a run has a tap of
  // its own.
  let tap = createSessionTap(client, answered, names);
  tapSessions({ stream: () => tap.stream() });
  return {
    calls: () => [...calls.values()],
    violations,
    clear() {
      tap = createSessionTap(client, answered, names);
      calls.clear();
      violations.length = 0;
    },
  };
}
