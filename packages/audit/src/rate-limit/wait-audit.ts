import { Verb } from "@quorumguard/limiter";
import type { NaiveLog } from "./naive-log.ts";
import { type CallerRecord, counterIdentity, type WaitedTurn } from "./records.ts";

/**
 * What `wait` promises, by what callers saw and what the log says. Callers of one process who wait for one key under one rule are
 * asked for in the order in which they came: who leaves while somebody who came before still stands there was neither admitted nor
 * may it have been. And what was not admitted was not counted: a client's sessions charged what its callers were allowed, and beyond that at most what those asked for who
 * were told that it is not known.
 *
 * Counters are judged if somebody waits for them; needs every call of the callers on these, those that never ended as well.
 *
 * @param clientOf Whose session it is.
 */
export function auditWaits(
  records: readonly CallerRecord[],
  log: Pick<NaiveLog, "admitted">,
  clientOf: (session: string) => string | undefined,
): string[] {
  return [...overtakings(records), ...chargesUnheard(records, log, clientOf)];
}

interface Waiter {
  readonly turn: WaitedTurn;
  /** What only the first of a line may become; null: it left without. */
  readonly asked: "admitted" | "asked for" | null;
}

function overtakings(records: readonly CallerRecord[]): string[] {
  const lines = new Map<string, Waiter[]>();
  for (const { waited: turn, items, allowed, degraded, applied } of records) {
    if (turn === undefined) continue;
    const { rule, key } = items[0]!;
    // Limits of one window share a counter, and are lines of their own.
    const name = `${turn.process} on ${counterIdentity("", rule, key)} of ${rule.limit}`;
    const line = lines.get(name) ?? [];
    lines.set(name, line);
    const asked = allowed === null && applied !== "no" ? "asked for" : null;
    line.push({ turn, asked: allowed === true && !degraded ? "admitted" : asked });
  }
  return [...lines].flatMap(([name, line]) => {
    line.sort((one, other) => one.turn.came - other.turn.came);
    let standing = line[0]!.turn;
    return line.flatMap(({ turn, asked }) => {
      const { came, left } = turn;
      if (left >= standing.left) {
        standing = turn;
        return [];
      }
      if (asked === null) return [];
      return [
        `${name}: who came at ${came} was ${asked} by ${left}, while who came at ${standing.came} still stood there`,
      ];
    });
  });
}

function chargesUnheard(
  records: readonly CallerRecord[],
  log: Pick<NaiveLog, "admitted">,
  clientOf: (session: string) => string | undefined,
): string[] {
  const most = new Map<string, number>();
  const waitedFor = new Set<string>();
  const add = (counts: Map<string, number>, name: string, cost: number) =>
    counts.set(name, (counts.get(name) ?? 0) + cost);
  for (const { client, items, requestId, allowed, source, degraded, applied, waited } of records) {
    // Requests are no calls of a session.
    if (requestId !== null) continue;
    // What leases allowed was charged when they were granted.
    const isAdmitted = allowed === true && source !== "lease";
    const mayCount = degraded || isAdmitted || (allowed === null && applied !== "no");
    for (const { rule, key, cost, verb = Verb.take } of items) {
      const name = `${client} on ${counterIdentity("", rule, key)}`;
      if (waited !== undefined) waitedFor.add(name);
      if (verb === Verb.take && mayCount) add(most, name, cost);
    }
  }
  const charged = new Map<string, number>();
  for (const { session, decision } of log.admitted())
    for (const { rule, key, cost, verb = Verb.take } of decision.items)
      if (verb === Verb.take) add(charged, `${clientOf(session)} on ${counterIdentity("", rule, key)}`, cost);
  return [...waitedFor].flatMap((name) => {
    const [count, bound] = [charged.get(name) ?? 0, most.get(name) ?? 0];
    return count <= bound ? [] : [`${name}: the log charged ${count}, those who waited can account for ${bound}`];
  });
}
