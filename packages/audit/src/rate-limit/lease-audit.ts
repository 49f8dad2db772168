import { Verb } from "@quorumguard/limiter";
import type { TimeBreak } from "./caller-audit.ts";
import type { NaiveLog } from "./naive-log.ts";
import { type Acknowledgement, type CallerRecord, counterIdentity } from "./records.ts";
import { canShare, type Spend } from "./share-leases.ts";

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
  const byCounter = new Map<string, TimedSpend[]>();
  for (const record of spent) {
    const counter = counterOf(record);
    if (own.has(counter)) continue;
    const spend = {
      atUs: record.startUs,
      cost: record.items[0]!.cost,
      reachedUs: isBroken(timeBreaks, record.startUs) ? 0 : stampAt(record.startUs),
    };
    const spends = byCounter.get(counter);
    if (spends === undefined) byCounter.set(counter, [spend]);
    else spends.push(spend);
  }
  return [...byCounter].flatMap(([counter, spends]) => {
    const granted = leases.get(counter) ?? [];
    const misfits = misfitsOf(spends, granted);
    // A client that has 4 left of one lease and 3 of another, which ends later, may take 1, 1 and 1 from the other and 4 at once
    // from the first.
    if (misfits.length === 0 || canShare(spends, granted) !== false) return [];
    return misfits.map((misfit) => `${counter}: ${misfit}`);
  });
}

/** A call that was admitted by a lease, and the largest stamp that was certainly reached by then. */
interface TimedSpend extends Spend {
  readonly atUs: number;
}

/** What finds no lease if each call takes from the lease that ends first of those that have as much left. */
function misfitsOf(spends: readonly TimedSpend[], granted: readonly LoggedLease[]): string[] {
  const leases = granted.map((lease) => ({ ...lease })).sort((one, other) => one.endUs - other.endUs);
  const misfits: string[] = [];
  for (const spend of spends) {
    const { atUs, cost, reachedUs } = spend;
    const hasRoom = leases.filter(({ left }) => left >= cost);
    const first = hasRoom.find(({ endUs }) => endUs > reachedUs);
    if (first !== undefined) {
      first.left -= cost;
      continue;
    }
    const over = hasRoom.at(-1);
    misfits.push(
      over === undefined
        ? `${cost} spent at ${atUs} us, and no lease of that client has as much left`
        : `${cost} spent at ${atUs} us, when stamp ${reachedUs} was reached: its last lease, granted at ${over.grantedUs}, was over at ${over.endUs}`,
    );
  }
  return misfits;
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
