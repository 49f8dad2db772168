import type { CallerRecord, CallOperation, CommittedCall } from "@quorumguard/audit";
import type { Rule } from "@quorumguard/limiter";
import type { Arrival, CellEvidence } from "./measure.ts";

/** What was heard of the calls of one run, whoever made them. */
export interface Heard {
  /** From the clients' side of the wire: every call of a session, with the first decision that came back. */
  readonly wire: readonly CallOperation[];
  /** What callers saw, on the same clock. */
  readonly records: readonly CallerRecord[];
  /** Where the log executed a call; undefined: it did not, or the log is not known. */
  readonly placeOf: (callId: string) => CommittedCall | undefined;
}

/** The decision of the cluster that came back first, if one did. */
type Decided = CallOperation & { readonly decision: { readonly stampUs: number } };

const isDecided = (call: CallOperation): call is Decided => call.decision !== null && call.decision.stampUs !== null;

/** Answers that a client gives by itself, on the cluster's word: nothing of such a call goes over the wire. */
const ownAnswers: ReadonlySet<string> = new Set(["denial-cache", "lease"]);

/**
 * The arrivals at one key. A call that the log executed counts at its place there, however late its reply was. One that the
 * client answered by itself, or nobody did, counts at the time of asking.
 */
export function collectCell(key: string, rule: Rule, { wire, records, placeOf }: Heard): CellEvidence {
  const decided = wire.filter(isDecided);
  const stampAt = stampsByTime(decided);
  const own = decided.filter(({ items }) => items[0]!.key === key);
  const callers = records.filter(({ items }) => items[0]!.key === key);
  const arrivals = own.map((call): Arrival => {
    const { decision, items } = call;
    const place = placeOf(call.callId);
    return {
      stampUs: place?.stampUs ?? decision.stampUs,
      index: place?.index ?? decision.index,
      position: place?.position ?? 0,
      cost: items[0]!.cost,
      admitted: decision.allowed,
      answered: true,
    };
  });
  for (const { allowed, source, startUs, items } of callers) {
    if (allowed !== null && !ownAnswers.has(source)) continue;
    const place = { stampUs: stampAt(startUs), index: null, position: 0 };
    arrivals.push({ ...place, cost: items[0]!.cost, admitted: allowed === true, answered: allowed !== null });
  }
  const admitted = arrivals.filter((one) => one.admitted).length;
  const askedStampsUs = callers.map(({ startUs }) => stampAt(startUs));
  return {
    rule,
    arrivals,
    askedStampsUs,
    unheard: admitted - callers.filter(({ allowed }) => allowed === true).length,
  };
}

/** Reckons a time in stamps: the last stamp that had been heard by then, and what has passed since. */
function stampsByTime(decided: readonly Decided[]): (timeUs: number) => number {
  const heard = [...decided].sort((one, other) => one.endUs - other.endUs);
  return (timeUs) => {
    let [low, high] = [0, heard.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (heard[middle]!.endUs <= timeUs) low = middle + 1;
      else high = middle;
    }
    const last = heard[Math.max(0, low - 1)];
    return last === undefined ? timeUs : Math.round(last.decision.stampUs + timeUs - last.endUs);
  };
}
