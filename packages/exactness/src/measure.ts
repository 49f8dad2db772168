import { createNaiveCounter } from "@quorumguard/audit";
import type { Rule } from "@quorumguard/limiter";
import { boundRatioOf } from "./bounds.ts";
import type { CellMeasure } from "./cell.ts";

/** A call that reached the cluster, or should have. */
export interface Arrival {
  /**
   * At which it was decided: of its entry in the log, or of the reply that denied it without one. Of a call without a
   * decision: at which it was asked, reckoned in stamps.
   */
  readonly stampUs: number;
  /** Place in the log; null: no entry decided it. */
  readonly index: number | null;
  readonly position: number;
  readonly cost: number;
  /** Its client was told yes. */
  readonly admitted: boolean;
  /** Its caller was told yes or no. */
  readonly answered: boolean;
}

/** What a run shows about one cell. */
export interface CellEvidence {
  readonly rule: Rule;
  readonly arrivals: readonly Arrival[];
  /** When callers asked, reckoned in stamps: every call of theirs, answered or not. */
  readonly askedStampsUs: readonly number[];
  /** Admissions that came too late for their callers: nobody used them, so they count towards the bound only. */
  readonly unheard: number;
  /** What stands for `boundRatio` where stamps of single admissions are not known for sure. Default: by the stamps. */
  readonly boundRatio?: number;
}

/**
 * Both ratios of a cell. The naive model, which never fails and shares no line with the limiter, decides the same
 * arrivals at the same stamps in the same order, those that got no decision included; both admissions are counted over
 * the whole windows in stamps that lie within the run. Ratios are rounded against the cluster.
 *
 * @throws {Error} when the arrivals do not span one whole window, or callers were told of more admissions than were heard.
 */
export function measureCell(evidence: CellEvidence): CellMeasure {
  const { rule, arrivals, unheard } = evidence;
  if (unheard < 0) throw new Error(`callers were told of ${-unheard} admissions that nothing was heard of`);
  const ordered = [...arrivals].sort(byPlace);
  const span = wholeWindows(ordered, rule.windowUs);
  const admissions = ordered.filter((one) => one.admitted);
  const counted = admissions.filter(({ stampUs }) => stampUs >= span.fromUs && stampUs < span.toUs);
  const admitted = counted.reduce((sum, { cost }) => sum + cost, 0) - unheard;
  const naive = admittedBy(rule, ordered, span);
  const asked = evidence.askedStampsUs.map((stampUs) => ({ stampUs, cost: 1 }));
  const prompt = admittedBy(rule, asked.sort(byPlace), span);
  const boundRatio = evidence.boundRatio ?? boundRatioOf(rule, admissions);
  return {
    admittedRatio: roundedDown(admitted, naive),
    boundRatio: Math.ceil(boundRatio * 10_000 - 1e-9) / 10_000,
    limit: rule.limit,
    arrivals: arrivals.length,
    admitted,
    naive,
    promptRatio: roundedDown(admitted, prompt),
    unanswered: arrivals.filter((one) => !one.answered).length,
  };
}

type Place = Pick<Arrival, "stampUs"> & Partial<Pick<Arrival, "index" | "position">>;

interface Span {
  readonly fromUs: number;
  readonly toUs: number;
}

/** What the naive model admits within a span, if calls come one after the other in this order. */
function admittedBy(rule: Rule, calls: readonly Pick<Arrival, "stampUs" | "cost">[], { fromUs, toUs }: Span): number {
  const counter = createNaiveCounter(rule.algorithm);
  let admitted = 0;
  for (const { stampUs, cost } of calls) {
    if (!counter.judge(rule, cost, stampUs).allowed) continue;
    counter.charge(rule, cost, stampUs);
    if (stampUs >= fromUs && stampUs < toUs) admitted += cost;
  }
  return admitted;
}

const roundedDown = (admitted: number, most: number) =>
  Math.floor((most === 0 ? 1 : admitted / most) * 10_000 + 1e-9) / 10_000;

/** By stamp, and of one stamp by the log; what needed no entry was judged behind all entries that were not later. */
function byPlace(one: Place, other: Place): number {
  const last = Number.POSITIVE_INFINITY;
  const indexes = [one.index ?? last, other.index ?? last] as const;
  if (one.stampUs !== other.stampUs) return one.stampUs - other.stampUs;
  return indexes[0] === indexes[1] ? (one.position ?? 0) - (other.position ?? 0) : indexes[0] - indexes[1];
}

/** Windows that begin at a multiple of their length and lie within the arrivals. */
function wholeWindows(ordered: readonly Arrival[], windowUs: number): Span {
  const firstUs = ordered[0]?.stampUs ?? 0;
  const lastUs = ordered.at(-1)?.stampUs ?? 0;
  const fromUs = Math.ceil(firstUs / windowUs) * windowUs;
  const toUs = Math.floor(lastUs / windowUs) * windowUs;
  if (toUs > fromUs) return { fromUs, toUs };
  throw new Error(`arrivals from stamp ${firstUs} to ${lastUs} hold no whole window of ${windowUs} us; run longer`);
}
