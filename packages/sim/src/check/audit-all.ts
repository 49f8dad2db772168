import {
  auditCallers,
  auditLeases,
  auditLink,
  auditLog,
  auditOnce,
  auditReports,
  auditWaits,
  type CallerRecord,
  type CallOperation,
  callsOfRecords,
  isPlainTake,
  judgeCallHistory,
  type ReportsOfGuard,
  requestCallsOnLog,
  type TimeBreak,
} from "@quorumguard/audit";
import { defaultBounds, Outcome } from "@quorumguard/limiter";
import type { ClientHost } from "../cluster/client-host.ts";
import type { NodeHost } from "../cluster/node-host.ts";
import type { Operator } from "../cluster/operator.ts";
import type { World } from "../world/world.ts";
import { createCallRarities } from "./call-rarities.ts";
import type { SessionTap } from "./client-tap.ts";
import type { NodeWatch } from "./node-watch.ts";
import type { RareStates } from "./rare-states.ts";
import type { Wiretap } from "./wiretap.ts";

/** All that a finished run leaves behind. */
export interface Evidence {
  readonly world: World;
  readonly nodes: NodeHost;
  readonly clients: ClientHost;
  readonly sessionTtlMs: number;
  readonly wiretap: Wiretap;
  readonly tap: SessionTap;
  readonly watch: NodeWatch;
  readonly timeBreaks: readonly TimeBreak[];
  readonly rejections: readonly unknown[];
  readonly rare: RareStates;
  readonly operator: Operator;
  /** How long what was said may have waited to be heard, at most. */
  readonly delays: { readonly longestUs: number };
}

/** No session that lives for so long without being renewed ends during a run. */
const longestRunMs = 10_000;

type Found = Readonly<Record<string, readonly string[]>>;
type StepEvidence = Pick<Evidence, "wiretap" | "watch">;

const named = (found: Found) =>
  Object.entries(found).flatMap(([name, lines]) => lines.map((line) => `${name}: ${line}`));

const steps = ({ wiretap, watch }: StepEvidence): Found => ({ raft: wiretap.violations, nodes: watch.violations });

/** What checkers of steps have found so far: a run that broke a promise has nothing to add to them. */
export const stepViolations = (evidence: StepEvidence): readonly string[] =>
  evidence.wiretap.violations.length + evidence.watch.violations.length === 0 ? [] : named(steps(evidence));

const breakdowns = ({ world, nodes, rejections }: Pick<Evidence, "world" | "nodes" | "rejections">): Found => ({
  fatal: nodes.fatal,
  exception: world.crashes.map(({ process, error }) => `${process}: ${stackOf(error)}`),
  "unhandled rejection": rejections.map(stackOf),
});

/** What was found until a run was ended in its midst: the audits are for runs that came to their end. */
export function auditSteps(evidence: StepEvidence & Pick<Evidence, "world" | "nodes" | "rejections">): string[] {
  return named({ ...steps(evidence), ...breakdowns(evidence) });
}

/** What checkers found on the way and audits find afterwards, each under its finder's name. */
export function auditAll(evidence: Evidence): string[] {
  const { clients, tap, timeBreaks, rare } = evidence;
  const rarities = createCallRarities(rare);
  const audit = auditLog({
    entries: evidence.wiretap.committed(),
    decode: rarities.decode,
    bounds: defaultBounds,
    acknowledgements: tap.acknowledgements,
  });
  rare.hit("reservedBySdk", clients.heldBySdk);
  rare.hit("breakerOpened", clients.breakers.opened);
  rare.hit("breakerClosedAgain", clients.breakers.closed);
  for (const { told } of clients.machines) {
    rare.hit("reportCharged", told.charged);
    rare.hit("reportRefused", told.refused);
  }
  rarities.finish(tap.acknowledgements, clients.records, audit.log.events);
  const calls = [
    ...tap.calls(),
    ...requestCallsOnLog(clients.records, audit.log),
    ...rememberedDenials(clients.records),
  ];
  const judgement = judgeCallHistory(calls, {
    // What was refused for want of room was neither admitted nor denied.
    log: audit.log.executed.filter((_, at) => audit.log.decisionAt(at)!.answers[0]!.outcome < Outcome.keysFull),
    // A client that died left no record of its calls outside sessions.
    mayBeUnheard: ({ callId }) => callId.startsWith("request "),
    // What an operator may set a policy for is judged by its place in the log alone.
    isModelled: (item) => isPlainTake(item) && item.rule.policy === "",
    timeBreaks,
    stampLagUs: 1_000_000 + evidence.delays.longestUs,
  });
  return named({
    ...steps(evidence),
    "log audit": audit.violations,
    "caller audit": auditCallers(clients.records, timeBreaks),
    "lease audit": auditLeases({
      ...{ records: clients.records, log: audit.log, clientOf: tap.clientOf },
      ...{ acknowledgements: tap.acknowledgements, timeBreaks },
    }),
    "link audit": auditLink(clients.records, audit.log, tap.clientOf),
    "once audit": auditOnce([...clients.records, ...clients.unfinished], audit.log, tap.clientOf),
    "report audit": auditReports(reportsOf(evidence), audit.log),
    "wait audit": auditWaits([...clients.records, ...clients.unfinished], audit.log, tap.clientOf),
    "operator audit": auditOperator(evidence.operator, audit.log),
    "call history": [...judgement.violations, ...judgement.doubts],
    "session wire": tap.violations,
    client: clients.violations,
    ...breakdowns(evidence),
  });
}

/**
 * What clients denied without asking, which no tap on the wire has seen. Who waits is also told what those before it were denied,
 * which says nothing of what it asked for.
 */
function rememberedDenials(records: readonly CallerRecord[]): CallOperation[] {
  return callsOfRecords(records.filter(({ source, waited }) => source === "denial-cache" && waited === undefined));
}

/** Of the processes that lived to the end: of others nobody can say what they would have reported. */
function reportsOf({ clients, sessionTtlMs }: Evidence): ReportsOfGuard[] {
  return clients.machines.map(({ name, boot, alone, told }) => ({
    ...{ process: `${name}/${boot}`, calls: alone, told, isSure: sessionTtlMs > longestRunMs },
  }));
}

/** What an operator was told of a change is what the log made of it. */
function auditOperator({ told }: Operator, log: ReturnType<typeof auditLog>["log"]): string[] {
  return told.flatMap(({ changeId, result: { version, changed, error } }) => {
    const change = log.change("", changeId);
    if (change === undefined) return [`${changeId} was answered, but no committed entry makes it`];
    const got = `version ${version}, ${changed} changed, ${error?.code ?? "no error"}`;
    const want = `version ${change.version}, ${change.changed} changed, ${change.error ?? "no error"}`;
    return got === want ? [] : [`${changeId} came to ${got}; the model says ${want}`];
  });
}

const stackOf = (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error));
