import { Verb } from "@quorumguard/limiter";
import { type Call, type CallItem, type CallVerb, isSettling } from "../calls/call.ts";
import { FIRST_FAILURE_OUTCOME } from "../calls/decisions.ts";
import { failureOfOutcome, guardError, heldElsewhere } from "../calls/wire-errors.ts";
import { realMs } from "../real-time.ts";
import { randomId } from "../requests/call-batch.ts";
import { SAFE_SHARE, type SessionLife } from "../session/session-life.ts";
import type { Allowed, Decision, Reservation } from "../surface/guard.ts";
import type { ResolvedRule } from "../surface/resolved-rule.ts";
import type { Runtime } from "../transport.ts";
import type { LocalLimiter } from "../unavailable/local-limiter.ts";
import { type HoldParts, type Settlement, withHold } from "./hold.ts";

/** What settles holds, and how long they live. */
export interface ReservationsOptions {
  readonly runtime: Runtime;
  readonly local: () => LocalLimiter;
  /** The life of the session that opens holds now; null: they are opened outside of sessions. */
  readonly life: () => SessionLife | null;
  /** How often the cluster was replaced by another one. */
  readonly replacements: () => number;
  /** The replicated time now, asked of the cluster by a peek. */
  readonly stampUs: (item: CallItem, timeoutMs: number) => Promise<number>;
  /** Sends a call that settles a hold, and resolves when it is done. */
  readonly send: (item: CallItem, verb: CallVerb, timeoutMs: number, requestId: string | null) => Promise<void>;
  /** Sends one of which nobody hears. */
  readonly sendUnheard: (call: Call, item: CallItem, verb: CallVerb) => void;
}

/** Makes reservations of decided calls. */
export interface Reservations {
  /** Right after the call was decided: what it came to, with its hold. */
  open(call: Call, decision: Decision): Reservation | Promise<Reservation>;
  /** What a call that was given up has opened after all is given back. */
  late(call: Call, outcome: number, handle: number): void;
}

/** The reservations of one guard. */
export function createReservations(options: ReservationsOptions): Reservations {
  const { runtime, local } = options;

  const itemOf = (call: Call, cost: number): CallItem => ({ key: call.key, rule: call.rule, cost });
  const verbOf = (settlement: Settlement): Settlement["verb"] =>
    // A commit of nothing is a cancel: the wire has no cost of 0.
    settlement.actual === 0 ? Verb.cancel : settlement.verb;

  const settleHere = async (call: Call, rule: ResolvedRule, settlement: Settlement): Promise<void> => {
    const item = { ...itemOf(call, settlement.actual || call.cost), rule };
    const verb = { verb: verbOf(settlement), ttlMs: 0, handle: call.opened };
    const outcome = local().decide({ ...item, group: null, ...verb })?.outcomes[0] ?? 0;
    if (outcome >= FIRST_FAILURE_OUTCOME) throw guardError(failureOfOutcome(outcome)!, "no");
  };

  const heldBy = (call: Call, decision: Allowed): Pick<HoldParts, "endsMs" | "life" | "persistent" | "settle"> => {
    const safeMs = call.openForMs * SAFE_SHARE;
    const none = { life: null, persistent: true };
    if (decision.source === "fail-open" || call.opened === 0) {
      const nothing = async () => {};
      const endsMs = call.ttlMs === 0 ? Number.POSITIVE_INFINITY : runtime.monotonicMs() + call.ttlMs * SAFE_SHARE;
      return { ...none, endsMs, settle: nothing };
    }
    if (decision.source === "local") {
      // The count that opened it goes by the numbers that were known then.
      const rule = { ...call.rule };
      const settle = (settlement: Settlement) => settleHere(call, rule, settlement);
      return { ...none, endsMs: runtime.monotonicMs() + safeMs, settle };
    }
    // What was asked for under a request id of the caller's own went past the session.
    const life = call.requestId === null ? options.life() : null;
    const persistent = options.life() !== null;
    const replacements = options.replacements();
    return {
      life,
      persistent,
      endsMs: call.sentMs + safeMs,
      settle: async (settlement) => {
        // In another cluster the hold's number may be somebody else's.
        if (options.replacements() !== replacements) throw guardError({ ...heldElsewhere, code: "not_held" }, "no");
        const item = itemOf(call, settlement.actual || call.cost);
        const verb = { verb: verbOf(settlement), ttlMs: 0, handle: call.opened };
        return options.send(item, verb, call.timeoutMs, persistent ? null : settlement.requestId);
      },
    };
  };

  const hold = (call: Call, decision: Allowed): Reservation => {
    const { key, cost } = call;
    const newRequestId = () => randomId(runtime);
    return withHold(decision, { runtime, key, cost, newRequestId, ...heldBy(call, decision) });
  };

  /**
   * Under a caller's request id the answer may be that of an earlier call, even of another process: how much of its time is
   * left is counted anew, from the send of a question that follows it.
   */
  const age = async (call: Call): Promise<void> => {
    const sentMs = runtime.monotonicMs();
    // Who cannot learn it must suppose that the time is over.
    const leftMs = Math.max(1, Math.ceil(call.deadlineMs - realMs(runtime)));
    const nowUs = await options.stampUs(itemOf(call, call.cost), leftMs).catch(() => Number.POSITIVE_INFINITY);
    call.openForMs = Math.max(0, call.openForMs - Math.max(0, nowUs - call.openedAtUs) / 1_000);
    call.sentMs = sentMs;
  };

  return {
    open(call, decision) {
      if (!decision.allowed) return { ...decision, [Symbol.asyncDispose]: async () => {} };
      if (call.requestId === null || decision.degraded) return hold(call, decision);
      return age(call).then(() => hold(call, decision));
    },
    late(call, outcome, handle) {
      call.phase = "settled";
      if (isSettling(call) || outcome !== 1 || handle === 0) return;
      options.sendUnheard(call, itemOf(call, call.cost), { verb: Verb.cancel, ttlMs: 0, handle });
    },
  };
}
