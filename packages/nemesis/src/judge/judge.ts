import {
  type Acknowledgement,
  auditCallers,
  auditLeases,
  auditLink,
  auditLog,
  type CallerRecord,
  type CallOperation,
  type CommittedEntry,
  callsOfRecords,
  judgeCallHistory,
  type TimeBreak,
} from "@quorumguard/audit";
import { Algorithm, defaultBounds, Outcome, readEntry, Verb } from "@quorumguard/limiter";
import type { CallLine, SessionLine } from "../clients/history.ts";
import { ledgerRule } from "../clients/workload.ts";
import { createLedger, type Ledger } from "./ledger.ts";

/** Everything that a run leaves to be judged. */
export interface Evidence {
  readonly calls: readonly CallLine[];
  readonly sessions: readonly SessionLine[];
  /** The committed log, by ascending index. */
  readonly entries: readonly CommittedEntry[];
  readonly breaks: readonly TimeBreak[];
  /** What the cluster says in the end is left of ledger keys. */
  readonly settled: ReadonlyMap<string, number>;
}

/** What the judge finds. */
export interface Verdict {
  /** Admissions beyond a limit, by what callers saw or by the replayed log, or beyond what was leased. */
  readonly overAdmitted: number;
  /** Units that were charged more often than asked for. */
  readonly chargedTwice: number;
  /** Acknowledged admissions that the log, or the cluster in the end, does not have. */
  readonly acknowledgedLost: number;
  readonly degraded: number;
  readonly violations: readonly string[];
}

/**
 * Judges a run several times over, by models that share nothing with the product: what callers saw against the limits, what
 * owners of a key saw against what is left, what sessions were told against the replayed log, callers' sums against those of
 * the log, and all of it as one history of one exact limiter.
 */
export function judge({ calls: told, sessions, entries, breaks, settled }: Evidence): Verdict {
  const calls = told.map(asAskedOfTheCluster);
  const ledger = judgeLedger(calls, settled);
  const byCallers = auditCallers(calls, breaks);
  const acknowledgements = sessions.filter((line) => line.kind === "answer");
  const audit = auditLog({ entries, decode: readEntry, bounds: defaultBounds, acknowledgements });
  const { log } = audit;
  const owners = new Map<string, string>();
  for (const line of sessions) if (line.kind === "session") owners.set(line.session, line.client);
  const clientOf = (session: string) => owners.get(session);

  const judgement = judgeCallHistory(operationsOf(calls), {
    ...{ log: log.executed, timeBreaks: breaks },
    // A guard leases by itself: no caller knows of that.
    mayBeUnheard: ({ items }) => isLeasing(items[0]!),
  });
  const leases = auditLeases({ records: calls, log, clientOf, acknowledgements, timeBreaks: breaks });
  const against = countAgainstLog(acknowledgements, log);
  const doubled = chargedBeyondAsked(calls, log, clientOf);
  return {
    overAdmitted: byCallers.length + against.overAdmitted + leases.length,
    chargedTwice: ledger.twice + doubled.units,
    acknowledgedLost: ledger.lost + against.lost,
    degraded: told.filter((call) => call.degraded).length,
    violations: [
      ...byCallers.map((line) => `callers: ${line}`),
      ...ledger.violations.map((line) => `ledger: ${line}`),
      ...gaps(entries).map((line) => `log: ${line}`),
      ...audit.violations.map((line) => `log: ${line}`),
      ...unexplained(told).map((line) => `callers: ${line}`),
      ...leases.map((line) => `leases: ${line}`),
      ...auditLink(calls, log, clientOf).map((line) => `link: ${line}`),
      ...judgement.violations.map((line) => `history: ${line}`),
      ...judgement.doubts.map((line) => `history, undecided: ${line}`),
      ...doubled.violations.map((line) => `link: ${line}`),
      ...sessions.flatMap((line) => (line.kind === "broken" ? [`session: ${line.problem}`] : [])),
      ...settledByLog(settled, log, entries).map((line) => `ledger: ${line}`),
    ],
  };
}

/** Errors that faults of nodes and links explain. */
const bearable: ReadonlySet<string> = new Set(["unavailable", "overloaded", "timed_out", "session_expired", "closed"]);

/** A call that ends in another error was a mistake of the load, and tests nothing. */
function unexplained(calls: readonly CallLine[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { error } of calls)
    if (error !== null && !bearable.has(error)) counts.set(error, (counts.get(error) ?? 0) + 1);
  return [...counts].map(([error, count]) => `${count} calls ended in ${error}, which no fault explains`);
}

/** What a process decided by itself says nothing of what the cluster did with the call: it may have come, late, and been charged. */
function asAskedOfTheCluster(call: CallLine): CallLine {
  if (!call.degraded) return call;
  return { ...call, allowed: null, remaining: null, source: "", degraded: false, applied: "unknown" };
}

const isLeasing = ({ verb }: CallLine["items"][number]) => verb === Verb.grant || verb === Verb.giveBack;

/** Calls of sessions under the names that the log has for them; those with a request id as one each. */
function operationsOf(calls: readonly CallLine[]): CallOperation[] {
  const inSessions = calls
    // What a lease allowed was charged when it was granted: the audit of leases holds it against that.
    .filter(({ requestId, source }) => requestId === null && source !== "lease")
    .map((call, at): CallOperation => {
      const { client, callId, items, startUs, endUs, allowed, remaining, source, degraded, applied } = call;
      const base = { clientId: client, callId: callId ?? `${client}, never sent ${at}`, items, startUs, endUs };
      if (allowed === null) return { ...base, decision: null, applied: applied ?? "unknown" };
      const nowhere = { index: null, position: null, stampUs: null };
      return { ...base, decision: { allowed, remaining, source, degraded, ...nowhere }, applied: null };
    });
  return [...inSessions, ...callsOfRecords(calls.filter(({ requestId }) => requestId !== null))];
}

type NaiveLog = ReturnType<typeof auditLog>["log"];

function judgeLedger(calls: readonly CallLine[], settled: ReadonlyMap<string, number>): Ledger {
  const ledger = createLedger();
  for (const call of calls) ledger.saw(call);
  for (const [key, remaining] of settled) ledger.settled(key, remaining);
  return ledger;
}

/** A log that was not seen whole proves nothing. */
function gaps(entries: readonly CommittedEntry[]): string[] {
  const at = entries.findIndex((entry, place) => entry.index !== place + 1);
  if (entries.length === 0) return ["no committed entry was seen"];
  return at < 0 ? [] : [`the entry at index ${at + 1} was never seen`];
}

function countAgainstLog(
  acknowledgements: readonly Acknowledgement[],
  log: NaiveLog,
): { lost: number; overAdmitted: number } {
  let lost = 0;
  let overAdmitted = 0;
  for (const ack of acknowledgements) {
    if (!ack.outcomes.every((outcome) => outcome === Outcome.allowed)) continue;
    const decision = log.decision(ack.session, ack.number);
    if (decision === undefined) lost += 1;
    else if (!decision.allowed) overAdmitted += 1;
  }
  return { lost, overAdmitted };
}

const counterOf = (client: string | undefined, key: string, rule: CallLine["items"][number]["rule"]) =>
  `${client} on ${key} by ${rule.algorithm}/${rule.windowUs}${rule.algorithm === Algorithm.tokenBucket ? `/${rule.limit}/${rule.burst}` : ""}`;

/** What a client's sessions were charged in the log beyond what its callers were given, or may have been given. */
function chargedBeyondAsked(
  calls: readonly CallerRecord[],
  log: NaiveLog,
  clientOf: (session: string) => string | undefined,
): { units: number; violations: string[] } {
  const charged = new Map<string, number>();
  const asked = new Map<string, number>();
  const add = (counts: Map<string, number>, counter: string, cost: number) =>
    counts.set(counter, (counts.get(counter) ?? 0) + cost);
  for (const { session, decision } of log.admitted())
    for (const item of decision.items)
      if (!isLeasing(item)) add(charged, counterOf(clientOf(session), item.key, item.rule), item.cost);
  for (const { client, items, allowed, applied, requestId, source } of calls) {
    const mayCount = (allowed === true && source !== "lease") || (allowed === null && applied !== "no");
    if (requestId !== null || !mayCount) continue;
    for (const { key, rule, cost } of items) add(asked, counterOf(client, key, rule), cost);
  }
  let units = 0;
  const violations: string[] = [];
  for (const [counter, count] of charged) {
    const most = asked.get(counter) ?? 0;
    if (count <= most) continue;
    units += count - most;
    violations.push(`${counter}: the log charged ${count}, callers can account for ${most}`);
  }
  return { units, violations };
}

/** In the end the cluster itself must say of every ledger what the replayed log says. */
function settledByLog(
  settled: ReadonlyMap<string, number>,
  log: NaiveLog,
  entries: readonly CommittedEntry[],
): string[] {
  const charged = new Map<string, number>();
  for (const { decision } of log.admitted())
    for (const { key, cost } of decision.items) charged.set(key, (charged.get(key) ?? 0) + cost);
  const last = entries.at(-1)?.index ?? 0;
  const wrong: string[] = [];
  for (const [key, remaining] of settled) {
    const counted = ledgerRule.limit - remaining;
    const logged = charged.get(key) ?? 0;
    if (counted !== logged) wrong.push(`${key}: the cluster counts ${counted}, its log up to ${last} has ${logged}`);
  }
  return wrong;
}
