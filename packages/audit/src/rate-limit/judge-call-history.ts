import { type CheckOptions, checkLinearizability } from "../linearizability/check-linearizability.ts";
import type { Operation } from "../linearizability/model.ts";
import type { CallOperation, CommittedCall } from "./call-operation.ts";
import { auditCallers } from "./caller-audit.ts";
import { checkDenialSpans } from "./denial-spans.ts";
import { type PlacedCall, sortEvidence } from "./evidence.ts";
import { type JudgeOptions, type ResolvedJudgeOptions, resolveJudgeOptions } from "./judge-options.ts";
import { type Part, splitParts } from "./parts.ts";
import type { CallerRecord } from "./records.ts";
import { checkDenialsByReplay } from "./replay-denials.ts";
import { checkStampRate } from "./stamp-audit.ts";
import { callerScale, stampScale, type TimeScale } from "./time-scale.ts";
import { createLimitModel, describeCall, type TimedCall, type Told } from "./timed-model.ts";
import { checkPlaces, checkRealTimeOrder, createReplayModel, replay } from "./witness.ts";

/** What a history came to. */
export interface Judgement {
  /** Unknown: nothing is wrong, but a search was given up, or a decision has no model; see `doubts`. */
  readonly verdict: "accepted" | "rejected" | "unknown";
  /** What is wrong; empty unless rejected. */
  readonly violations: readonly string[];
  /** What could not be decided. */
  readonly doubts: readonly string[];
  /** Calls held against a replay in the one order that the log gives. */
  readonly witnessed: number;
  /** Calls judged by a search over orders, or as denials by what was possible at the time. */
  readonly searched: number;
}

/**
 * Whether what callers were told is what one exact limiter could have said, in an order that respects real time
 * (Herlihy & Wing 1990). Witness first: where indexes are known, one sweep and one replay decide, with exact equality of
 * outcome and remaining. Search second (Wing & Gong 1993, Lowe 2017): where they are not, an order must exist.
 *
 * With a final log it also sees lost acknowledgements, calls executed twice, and what became of calls whose outcome
 * nobody learned. Without indexes a call's moment is known only between its start and its end, and stamps only within
 * 1 % of the callers' clock: then it accepts whatever some moments within those bounds explain. It never refuses a right
 * history; what it can miss are errors smaller than that uncertainty. The history is taken to begin with unused counters.
 *
 * Denials without an entry must have been right at some moment between call, less the staleness allowed, and return.
 * Allowances never get that grace. Degraded decisions are exempt. Counters that a call without a model touches are not
 * replayed: of their calls only the places are judged, and the audit by log holds their answers against its own model.
 *
 * @throws {RangeError} when a call ends before it starts, or an option is out of bounds.
 */
export function judgeCallHistory(calls: readonly CallOperation[], options: JudgeOptions = {}): Judgement {
  const resolved = resolveJudgeOptions(options);
  const { log, mayBeUnheard } = resolved;
  const heard = log === null ? calls : [...calls, ...unheardCalls(calls, log.filter(mayBeUnheard))];
  const evidence = sortEvidence(heard, log);
  const { placed } = evidence;
  const violations = [
    ...evidence.violations,
    ...checkPlaces(placed),
    ...checkRealTimeOrder(placed),
    ...checkStampRate(placed, resolved.stampLagUs, resolved.timeBreaks),
    ...auditCallers(recordsOf(calls), resolved.timeBreaks),
  ];
  const doubts = [...evidence.unjudged];
  const untilMs = Number.isFinite(resolved.timeLimitMs) ? resolved.nowMs() + resolved.timeLimitMs : null;
  let witnessed = 0;
  let searched = 0;
  const unmodelled = new Set<CallOperation>();
  for (const part of splitParts(evidence)) {
    const known = callsOf(part);
    if (!known.every(({ items }) => items.every(resolved.isModelled))) {
      for (const call of known) unmodelled.add(call);
      continue;
    }
    const found = judgePart(part, resolved, untilMs);
    violations.push(...found.violations);
    doubts.push(...found.doubts);
    witnessed += found.witnessed;
    searched += found.searched;
  }
  const charges = [
    ...placed.filter(({ allowed }) => allowed !== false),
    ...evidence.decided
      .filter(({ decision }) => decision!.allowed)
      .map((call): { call: CallOperation; endUs: number } => ({ call, endUs: call.endUs })),
    ...evidence.unknown.map((call) => ({ call, endUs: Number.POSITIVE_INFINITY })),
  ];
  const { stalenessUs, stampLagUs, timeBreaks: breaks } = resolved;
  violations.push(
    ...checkDenialSpans(
      evidence.fastDenials.filter((call) => !unmodelled.has(call)),
      charges.filter(({ call }) => !unmodelled.has(call)),
      { stalenessUs, stampLagUs, breaks },
    ),
  );
  const verdict = violations.length > 0 ? "rejected" : doubts.length > 0 ? "unknown" : "accepted";
  return { verdict, violations, doubts, witnessed, searched };
}

const callsOf = ({ placed, decided, fastDenials, unknown }: Part): readonly CallOperation[] => [
  ...placed.map(({ call }) => call),
  ...decided,
  ...fastDenials,
  ...unknown,
];

/** Calls of the log whose callers left no trace: asked at any time, answered to nobody. */
function unheardCalls(calls: readonly CallOperation[], entries: readonly CommittedCall[]): CallOperation[] {
  const known = new Set(calls.map(({ callId }) => callId));
  const startUs = calls.reduce((earliest, call) => Math.min(earliest, call.startUs), 0);
  const span = { startUs, endUs: Number.POSITIVE_INFINITY };
  return entries
    .filter(({ callId }) => !known.has(callId))
    .map(({ callId, namespace = "", items }) => ({
      ...{ clientId: "unheard", callId, namespace, items, ...span },
      ...{ decision: null, applied: "unknown" },
    }));
}

type PartJudgement = Omit<Judgement, "verdict">;

function judgePart(part: Part, options: ResolvedJudgeOptions, untilMs: number | null): PartJudgement {
  const { placed, decided, fastDenials, unknown } = part;
  if (decided.length > 0) return searchByCallers(part, options, untilMs);
  if (placed.length === 0 && unknown.length > 0)
    return { violations: [], doubts: [], witnessed: 0, searched: fastDenials.length };
  const order = witnessOrder(placed);
  const model = createReplayModel(order, fastDenials);
  const replayed = replay(order, model);
  if (replayed.violations.length > 0 && !isCertain(part)) return searchByStamps(part, options, untilMs);
  // A call of unknown outcome may be the reason of a denial: then what was possible decides, not this order.
  const byReplay = unknown.length === 0 && isCertain(part);
  const violations = [
    ...replayed.violations,
    ...(byReplay ? checkDenialsByReplay(fastDenials, replayed, model, options.stalenessUs) : []),
  ];
  const witnessed = placed.length + (byReplay ? fastDenials.length : 0);
  return { violations, doubts: [], witnessed, searched: byReplay ? 0 : fastDenials.length };
}

/** Whether the order of a part is known: every place is, and every outcome. */
function isCertain({ placed, unknown }: Part): boolean {
  if (unknown.length > 0) return false;
  const indexes = new Set(placed.map(({ index }) => index));
  return indexes.size === placed.length || placed.every(({ position }) => position !== null);
}

/** By place; calls of one entry without a place in it as their answers suggest: allowed before denied, more room first. */
function witnessOrder(placed: readonly PlacedCall[]): PlacedCall[] {
  const rank = ({ allowed, remaining }: PlacedCall) => (allowed === false ? -1 : (remaining ?? 0));
  return [...placed].sort((one, other) => {
    if (one.index !== other.index) return one.index - other.index;
    if (one.position !== null && other.position !== null) return one.position - other.position;
    return rank(other) - rank(one);
  });
}

/** Search over orders within entries: an index is a moment, and what has none may lie anywhere from its start on. */
function searchByStamps(part: Part, options: ResolvedJudgeOptions, untilMs: number | null): PartJudgement {
  const history: Operation<TimedCall, Told>[] = witnessOrder(part.placed).map((one) => ({
    clientId: one.call.clientId,
    input: { call: one.call, at: { fromUs: one.stampUs, toUs: one.stampUs } },
    output: one.allowed === null ? null : { allowed: one.allowed, remaining: one.remaining },
    callAt: one.index,
    returnAt: one.index,
  }));
  for (const call of part.unknown) {
    let [index, stampUs] = [0, 0];
    for (const one of part.placed)
      if (one.endUs < call.startUs) [index, stampUs] = [Math.max(index, one.index), Math.max(stampUs, one.stampUs)];
    const at = { fromUs: stampUs, toUs: Number.POSITIVE_INFINITY };
    history.push({
      clientId: call.clientId,
      input: { call, at },
      output: null,
      callAt: index + 0.5,
      returnAt: Number.POSITIVE_INFINITY,
    });
  }
  return search(part, history, stampScale, options, untilMs);
}

/** Search over orders in real time: all that callers know is when they asked and when they were answered. */
function searchByCallers(part: Part, options: ResolvedJudgeOptions, untilMs: number | null): PartJudgement {
  const operation = (call: CallOperation, endUs: number, told: Told): Operation<TimedCall, Told> => ({
    clientId: call.clientId,
    input: { call, at: { fromUs: call.startUs, toUs: endUs } },
    output: told,
    callAt: call.startUs,
    returnAt: endUs,
  });
  const history: Operation<TimedCall, Told>[] = [
    ...part.placed.map(({ call, endUs, allowed, remaining }) =>
      operation(call, endUs, allowed === null ? null : { allowed, remaining }),
    ),
    ...part.decided.map((call) => operation(call, call.endUs, call.decision)),
    ...part.unknown.map((call) => operation(call, Number.POSITIVE_INFINITY, null)),
  ];
  // The search tries what ended first first; of what ended together, as a batch does, what was left with more.
  const room = ({ output }: Operation<TimedCall, Told>) => (output?.allowed === true ? (output.remaining ?? 0) : -1);
  history.sort((one, other) => room(other) - room(one));
  const scale = callerScale({ lagUs: options.stampLagUs, breaks: options.timeBreaks });
  return search(part, history, scale, options, untilMs);
}

function search(
  part: Part,
  history: readonly Operation<TimedCall, Told>[],
  scale: TimeScale,
  { maxSteps, nowMs }: ResolvedJudgeOptions,
  untilMs: number | null,
): PartJudgement {
  const model = createLimitModel(
    history.map(({ input }) => input.call),
    scale,
  );
  const limits: CheckOptions = untilMs === null ? { maxSteps } : { maxSteps, nowMs, timeLimitMs: untilMs - nowMs() };
  const { verdict, steps, explanation } = checkLinearizability(model, history, limits);
  const searched = history.length + part.fastDenials.length;
  const name = describeCall(history[0]!.input.call);
  return {
    violations: verdict === "illegal" ? [`${history.length} calls around ${name}: ${explanation.join("\n  ")}`] : [],
    doubts: verdict === "unknown" ? [`${history.length} calls around ${name}: no answer in ${steps} steps`] : [],
    witnessed: 0,
    searched,
  };
}

/** Calls as the audit by callers takes them. */
function recordsOf(calls: readonly CallOperation[]): CallerRecord[] {
  return calls.map(({ clientId, startUs, endUs, items, decision, applied }) => ({
    client: clientId,
    startUs,
    endUs,
    items,
    requestId: null,
    allowed: decision === null ? null : decision.allowed,
    source: decision === null ? "none" : decision.source,
    degraded: decision?.degraded === true,
    error: decision === null ? "unknown" : null,
    applied,
  }));
}
