import { Verb } from "@quorumguard/limiter";
import type { NaiveLog } from "./naive-log.ts";
import { type AskedItem, type CallerRecord, counterIdentity } from "./records.ts";

/**
 * A client's sessions execute no more calls than its callers made (P2): whoever asks again for a call that it cannot tell
 * the end of does so under the same number, and not under another one, where it would be charged, reserved or settled a
 * second time. Needs every call of the callers, those that never ended as well; calls outside sessions are left out.
 *
 * Who waits for a turn asks as often as it takes: what is waited for, the audit of waits judges.
 *
 * Only cancels may be more than were asked for: what a caller gave up is cancelled for it, once (SEMANTICS R1). What is leased where
 * no caller asks for leases, a client leased for itself: the audit of leases judges that.
 *
 * @param clientOf Whose session it is.
 */
export function auditOnce(
  records: readonly CallerRecord[],
  log: Pick<NaiveLog, "executed">,
  clientOf: (session: string) => string | undefined,
): string[] {
  const asked = new Map<string, number>();
  const leasing = new Set<string>();
  const waitedFor = new Set<string>();
  const count = (counts: Map<string, number>, name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);
  for (const { client, items, requestId, allowed, waited } of records) {
    if (requestId !== null) continue;
    if (waited !== undefined) waitedFor.add(counterOf(client, items));
    count(asked, nameOf(client, items));
    const [item] = items;
    if (item!.verb === Verb.grant) leasing.add(counterOf(client, items));
    if (item!.verb === Verb.reserve && allowed === null)
      count(asked, nameOf(client, [{ ...item!, verb: Verb.cancel }]));
  }
  const executed = new Map<string, number>();
  for (const { callId, items } of log.executed) {
    const client = clientOf(callId.split("#")[0]!);
    if (client === undefined) continue;
    const [{ verb }] = items as [AskedItem];
    const isLease = verb === Verb.grant || verb === Verb.giveBack;
    if (waitedFor.has(counterOf(client, items))) continue;
    if (!isLease || leasing.has(counterOf(client, items))) count(executed, nameOf(client, items));
  }
  return [...executed].flatMap(([name, times]) => {
    const most = asked.get(name) ?? 0;
    return times <= most ? [] : [`${name}: callers asked ${most} times, the log executed ${times} calls`];
  });
}

const counterOf = (client: string, [item]: readonly AskedItem[]) =>
  `${client} on ${counterIdentity("", item!.rule, item!.key)}`;

/** Alike for calls that ask the same, whatever they hold. */
function nameOf(client: string, items: readonly AskedItem[]): string {
  const each = items.map(
    ({ rule, key, cost, verb = Verb.take }) => `verb ${verb} ${counterIdentity("", rule, key)} cost ${cost}`,
  );
  return `${client} on ${each.join(" and ")}`;
}
