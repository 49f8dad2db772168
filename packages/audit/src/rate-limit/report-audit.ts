import type { NaiveLog } from "./naive-log.ts";
import { mostInAnyWindow } from "./published-bound.ts";
import { type CallerRecord, counterIdentity } from "./records.ts";

/** What a guard told of its reports, in calls, by what became of them. */
export interface ReportsTold {
  readonly charged: number;
  readonly refused: number;
  readonly unreported: number;
}

/** The calls that one process was free to decide by itself, and what its guard told of them afterwards. */
export interface ReportsOfGuard {
  readonly process: string;
  /** The last item of each has a key that no other call asks for, and a window that is longer than the run. */
  readonly calls: readonly CallerRecord[];
  readonly told: ReportsTold;
  /** Whether its session outlived the run, and as many calls as it likes may be reported: then all of them are. */
  readonly isSure: boolean;
}

/** What the log says of the calls that a process admitted by itself. */
interface Executions {
  readonly charged: number;
  readonly refused: number;
}

/**
 * SEMANTICS U3, of guards that were told to reconcile, once all is told: what was admitted without the cluster is executed by the
 * log once and no more, whether it had been sent before or was reported later; and the guard tells how many of these were charged,
 * and for how many there was no room. U1: by itself a process admits no more than the limit, however often the cluster goes.
 */
export function auditReports(
  guards: readonly ReportsOfGuard[],
  log: Pick<NaiveLog, "executed" | "decisionAt">,
): string[] {
  const executed = new Map<string, boolean[]>();
  for (const [at, { items }] of log.executed.entries()) {
    const { key } = items.at(-1)!;
    const known = executed.get(key);
    const { allowed } = log.decisionAt(at)!;
    if (known === undefined) executed.set(key, [allowed]);
    else known.push(allowed);
  }
  return guards.flatMap((guard) => [...judgeCalls(guard, executed), ...beyondShare(guard)]);
}

const isAlone = ({ allowed, degraded }: CallerRecord) => allowed === true && degraded;

function judgeCalls(
  { process, calls, told, isSure }: ReportsOfGuard,
  executed: ReadonlyMap<string, boolean[]>,
): string[] {
  const violations: string[] = [];
  const found = { charged: 0, refused: 0 };
  let admitted = 0;
  for (const call of calls) {
    const { key } = call.items.at(-1)!;
    const [first, ...more] = executed.get(key) ?? [];
    if (more.length > 0) violations.push(`${process} on ${key}: one call, and the log executed ${more.length + 1}`);
    if (!isAlone(call)) continue;
    admitted++;
    if (first === true) found.charged++;
    if (first === false) found.refused++;
    if (first === undefined && isSure)
      violations.push(`${process} on ${key}: admitted without the cluster, and never reported`);
  }
  return [...violations, ...compare(process, told, found, admitted, isSure)];
}

function compare(process: string, told: ReportsTold, found: Executions, admitted: number, isSure: boolean): string[] {
  const { charged, refused, unreported } = told;
  const said = `${process}: ${charged} reports were charged, ${refused} refused, ${unreported} not made`;
  const wrong = isSure
    ? charged !== found.charged || refused !== found.refused || unreported > 0
    : charged > found.charged || refused > found.refused || charged + refused + unreported > admitted;
  return wrong ? [`${said}; of ${admitted} the log charged ${found.charged} and refused ${found.refused}`] : [];
}

/** All of a process's own admissions lie within one window. */
function beyondShare({ process, calls }: ReportsOfGuard): string[] {
  const admitted = new Map<string, { cost: number; most: number }>();
  for (const call of calls.filter(isAlone))
    for (const { rule, key, cost } of call.items) {
      const name = `${process} on ${counterIdentity("", rule, key)}`;
      admitted.set(name, { cost: (admitted.get(name)?.cost ?? 0) + cost, most: mostInAnyWindow(rule) });
    }
  return [...admitted].flatMap(([name, { cost, most }]) =>
    cost <= most ? [] : [`${name}: admitted ${cost} by itself, at most ${most} may be`],
  );
}
