import type { PlacedCall } from "./evidence.ts";
import { stampScale } from "./time-scale.ts";
import { createLimitModel, describeCall, type LimitState } from "./timed-model.ts";

/**
 * Index order must respect real time: what ended before another began comes before it in the log. One sweep finds every
 * call whose end lies before the start of something at or before its own index; two calls of one entry overlap, since the
 * entry was not yet written when the later of them was asked.
 */
export function checkRealTimeOrder(placed: readonly PlacedCall[]): string[] {
  const violations: string[] = [];
  const sorted = [...placed].sort((one, other) => one.index - other.index);
  let latest: PlacedCall | null = null;
  for (let from = 0; from < sorted.length; ) {
    let to = from;
    for (; to < sorted.length && sorted[to]!.index === sorted[from]!.index; to++)
      if (latest === null || sorted[to]!.call.startUs > latest.call.startUs) latest = sorted[to]!;
    for (; from < to; from++) {
      const one = sorted[from]!;
      if (one.endUs < latest!.call.startUs)
        violations.push(
          `${describeCall(one.call)}: ended at ${one.endUs} us with index ${one.index}, but ${describeCall(latest!.call)}, asked later at ${latest!.call.startUs} us, has index ${latest!.index}`,
        );
    }
  }
  return violations;
}

/** One place of the log holds one call, and stamps never run backwards (SEMANTICS T3). */
export function checkPlaces(placed: readonly PlacedCall[]): string[] {
  const violations: string[] = [];
  const holders = new Map<string, PlacedCall>();
  for (const one of placed) {
    if (one.position === null) continue;
    const name = `index ${one.index}, position ${one.position}`;
    const holder = holders.get(name);
    if (holder !== undefined)
      violations.push(`${name} is claimed twice: by ${describeCall(holder.call)} and by ${describeCall(one.call)}`);
    holders.set(name, one);
  }
  const sorted = [...placed].sort((one, other) => one.index - other.index);
  for (const [at, one] of sorted.entries()) {
    const before = sorted[at - 1];
    if (before === undefined) continue;
    const same = before.index === one.index;
    if (same ? before.stampUs !== one.stampUs : before.stampUs > one.stampUs)
      violations.push(
        `stamps: index ${before.index} has ${before.stampUs}, index ${one.index} has ${one.stampUs}: ${same ? "one entry has one stamp" : "backwards"}`,
      );
  }
  return violations;
}

/** The state of a part's counters after one of its calls. */
export interface ReplayPoint {
  readonly placed: PlacedCall;
  readonly state: LimitState;
}

/** What a replay came to: the states on the way, and every answer that the model does not give. */
export interface Replay {
  readonly points: readonly ReplayPoint[];
  readonly violations: readonly string[];
}

/** Replays calls in the order given, each at its stamp: outcome and remaining must be exactly what the model says. */
export function replay(order: readonly PlacedCall[], model: ReturnType<typeof createLimitModel>): Replay {
  const points: ReplayPoint[] = [];
  const violations: string[] = [];
  let state = model.initial();
  for (const placed of order) {
    const { call, stampUs, allowed, remaining, index } = placed;
    const input = { call, at: { fromUs: stampUs, toUs: stampUs } };
    const after = model.step(state, input, allowed === null ? null : { allowed, remaining });
    if (after === null) {
      const left = remaining === null || call.items.length > 1 ? "" : ` with ${remaining} remaining`;
      violations.push(
        `${describeCall(call)}: ${allowed ? "allowed" : "denied"}${left} at index ${index}, stamp ${stampUs}; the model says otherwise: ${verdictOf(model, state, placed)}`,
      );
      // Goes on from what the caller was told, so that one mistake is reported once.
      state = (allowed === true ? model.step(state, input, { allowed: true, remaining: null }) : null) ?? state;
    } else state = after;
    points.push({ placed, state });
  }
  return { points, violations };
}

/** What the model would say, for a message. */
function verdictOf(
  model: ReturnType<typeof createLimitModel>,
  state: LimitState,
  { call, stampUs }: PlacedCall,
): string {
  const input = { call, at: { fromUs: stampUs, toUs: stampUs } };
  const allowed = model.step(state, input, { allowed: true, remaining: null }) !== null;
  const most = Math.max(...call.items.map(({ rule }) => Math.max(rule.limit, rule.burst)));
  if (call.items.length > 1 || most > 100_000) return allowed ? "allowed" : "denied";
  for (let remaining = 0; remaining <= most; remaining++)
    if (model.step(state, input, { allowed, remaining }) !== null)
      return `${allowed ? "allowed" : "denied"}, ${remaining} remaining`;
  return allowed ? "allowed" : "denied";
}

/** The model of a part whose calls are judged at their stamps. */
export function createReplayModel(order: readonly PlacedCall[], others: readonly PlacedCall["call"][] = []) {
  return createLimitModel([...order.map(({ call }) => call), ...others], stampScale);
}
