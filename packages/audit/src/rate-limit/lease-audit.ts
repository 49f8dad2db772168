import { Verb } from "@quorumguard/limiter";
import type { TimeBreak } from "./caller-audit.ts";
import type { NaiveLog } from "./naive-log.ts";
import { type Acknowledgement, type CallerRecord, counterIdentity } from "./records.ts";

/** A lease as the log has it. */
interface LoggedLease {
  /** The stamp at which it was granted, and from which on it may not be spent: as the model moved it (SEMANTICS L2). */
  readonly grantedUs: number;
  readonly endUs: number;
  /** What of it may be spent: what was given back is not. */
  left: number;
}

/** When somebody had certainly heard of a stamp. */
interface HeardStamp {
  readonly atUs: number;
  readonly stampUs: number;
}

/** What is judged, and by what. */
export interface LeaseAuditInput {
  readonly records: readonly CallerRecord[];
  readonly log: Pick<NaiveLog, "admitted" | "holdEndUs">;
  readonly clientOf: (session: string) => string | undefined;
  /** Answers by the log with the time at which they were heard: they tell what stamp it was by then. */
  readonly acknowledgements: readonly Acknowledgement[];
  /** Spans in which stamps may have run at any rate: what was leased before one and spent after it is judged by amount alone. */
  readonly timeBreaks: readonly TimeBreak[];
}

/**
 * SEMANTICS L3, by what callers saw and what the log says: whatever callers were allowed by a lease was granted to their client,
 * not given back, and spent before the lease's end. A stamp that was heard before the call began was reached by then.
 *
 * Counters on which callers ask for leases themselves are left out: what they do with them is not seen.
 */
export function auditLeases(input: LeaseAuditInput): string[] {
  const { records, log, clientOf, timeBreaks } = input;
  const leases = leasesOf(log, clientOf);
  const own = new Set<string>();
  const spent: CallerRecord[] = [];
  for (const record of records) {
    const [item] = record.items;
    const verb = item?.verb ?? Verb.take;
    if (verb === Verb.grant || verb === Verb.giveBack) own.add(counterOf(record));
    if (record.source === "lease" && record.allowed === true) spent.push(record);
  }
  spent.sort((one, other) => one.startUs - other.startUs);
  const stampAt = createStampReader(input.acknowledgements);
  const violations: string[] = [];
  for (const record of spent) {
    const counter = counterOf(record);
    if (own.has(counter)) continue;
    const { cost } = record.items[0]!;
    const granted = leases.get(counter) ?? [];
    const reachedUs = stampAt(record.startUs);
    const hasRoom = granted.filter(({ left }) => left >= cost);
    const usable = hasRoom.filter(({ endUs }) => endUs > reachedUs || isBroken(timeBreaks, record.startUs));
    const [first] = usable.sort((one, other) => one.endUs - other.endUs);
    if (first !== undefined) {
      first.left -= cost;
      continue;
    }
    const [over] = hasRoom.sort((one, other) => other.endUs - one.endUs);
    violations.push(
      over === undefined
        ? `${counter}: ${cost} spent at ${record.startUs} us, and no lease of that client has as much left`
        : `${counter}: ${cost} spent at ${record.startUs} us, when stamp ${reachedUs} was reached: its last lease, granted at ${over.grantedUs}, was over at ${over.endUs}`,
    );
  }
  return violations;
}

function counterOf({ client, items }: CallerRecord): string {
  const { rule, key } = items[0]!;
  return `${client} on ${counterIdentity("", rule, key)}`;
}

/** All leases of the log by client and counter. What may have been spent before the return is what was not given back. */
function leasesOf(
  log: LeaseAuditInput["log"],
  clientOf: LeaseAuditInput["clientOf"],
): ReadonlyMap<string, LoggedLease[]> {
  const byHandle = new Map<number, LoggedLease>();
  const byCounter = new Map<string, LoggedLease[]>();
  for (const { session, decision } of log.admitted()) {
    const [item] = decision.items;
    if (item?.verb !== Verb.grant) continue;
    const { handle } = decision.answers[0]!;
    const endUs = log.holdEndUs(handle) ?? decision.stampUs;
    const lease = { grantedUs: decision.stampUs, endUs, left: item.cost };
    byHandle.set(handle, lease);
    const counter = `${clientOf(session)} on ${counterIdentity("", item.rule, item.key)}`;
    const list = byCounter.get(counter);
    if (list === undefined) byCounter.set(counter, [lease]);
    else list.push(lease);
  }
  for (const { decision } of log.admitted()) {
    const [item] = decision.items;
    const lease = item?.verb === Verb.giveBack ? byHandle.get(item.handle ?? 0) : undefined;
    if (lease !== undefined) lease.left -= Math.min(lease.left, item!.cost);
  }
  return byCounter;
}

/** The largest stamp that was certainly reached at a time. */
function createStampReader(acknowledgements: readonly Acknowledgement[]): (atUs: number) => number {
  const heard: HeardStamp[] = acknowledgements.flatMap(({ source, heardUs, stampUs }) =>
    source === "quorum" && heardUs !== undefined ? [{ atUs: heardUs, stampUs }] : [],
  );
  heard.sort((one, other) => one.atUs - other.atUs);
  let next = 0;
  let reachedUs = 0;
  return (atUs) => {
    for (; next < heard.length && heard[next]!.atUs <= atUs; next++) {
      reachedUs = Math.max(reachedUs, heard[next]!.stampUs);
    }
    return reachedUs;
  };
}

/** No lease lasts longer than a second: one that was spent then was asked for a little more than that before. */
const longestUs = 2_000_000;

function isBroken(breaks: readonly TimeBreak[], atUs: number): boolean {
  return breaks.some(({ fromUs, toUs }) => fromUs <= atUs && toUs >= atUs - longestUs);
}
