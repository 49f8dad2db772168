import { type Bounds, type Operation, Outcome, Verb } from "@quorumguard/limiter";
import type { NaiveAnswer } from "../naive/naive-calls.ts";
import { sessionCallId } from "./call-ids.ts";
import { createNaiveLog, type NaiveDecision, type NaiveLog } from "./naive-log.ts";
import { type Acknowledgement, type AskedItem, type CommittedEntry, sameItems } from "./records.ts";

/** A committed entry as the audit replays it: its operations decoded, its stamp beside them. */
export interface DecodedEntry {
  readonly takeover: boolean;
  readonly stampUs: number;
  readonly operations: Iterable<Operation>;
}

/** What the audit by log needs: the whole log, and what clients were told. */
export interface LogAuditInput {
  /** Every committed entry with content, by ascending index. */
  readonly entries: readonly CommittedEntry[];
  readonly decode: (data: Uint8Array) => DecodedEntry;
  readonly bounds: Bounds;
  readonly acknowledgements: readonly Acknowledgement[];
}

/**
 * The audit by log (SEMANTICS A1): replays every committed entry against the naive model, each call once by its number,
 * and holds every acknowledged decision against it. Returns the log as the model sees it, and what is wrong.
 */
export function auditLog(input: LogAuditInput): { readonly log: NaiveLog; readonly violations: readonly string[] } {
  const log = createNaiveLog(input.bounds);
  const violations: string[] = [];
  const fromLeader = input.acknowledgements.filter((ack) => ack.source === "leader");
  const byStamp = fromLeader.toSorted((one, other) => one.stampUs - other.stampUs);
  const byCommit = fromLeader
    .filter(({ knownCommit }) => knownCommit !== undefined)
    .sort((one, other) => one.knownCommit! - other.knownCommit!);
  const judged = new Set<Acknowledgement>();
  const judge = (ack: Acknowledgement) => {
    if (!judged.has(ack)) violations.push(...checkDenialStood(log, ack));
    judged.add(ack);
  };
  let [nextByStamp, nextByCommit] = [0, 0];
  /** Denials from applied state are judged where they stood: after all entries that are neither later nor were still to come. */
  const judgeFast = (beforeStampUs: number, beforeIndex: number) => {
    while ((byStamp[nextByStamp]?.stampUs ?? beforeStampUs) < beforeStampUs) judge(byStamp[nextByStamp++]!);
    while ((byCommit[nextByCommit]?.knownCommit ?? beforeIndex) < beforeIndex) judge(byCommit[nextByCommit++]!);
  };
  for (const entry of input.entries) {
    if (entry.data.length === 0) continue;
    const { takeover, stampUs, operations } = input.decode(entry.data);
    judgeFast(stampUs, entry.index);
    log.apply(entry.index, stampUs, takeover, operations);
  }
  judgeFast(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
  const lastIndex = input.entries.at(-1)?.index ?? 0;
  for (const ack of input.acknowledgements)
    violations.push(...(ack.source === "leader" ? checkNeverCharged(log, ack) : checkAgainstLog(log, ack, lastIndex)));
  return { log, violations };
}

const nameOf = (ack: Acknowledgement) => `call ${sessionCallId(ack.session, ack.number)} on ${describe(ack.asked)}`;

const verbNames = Object.fromEntries(Object.entries(Verb).map(([name, verb]) => [verb, name]));
const outcomeNames = Object.fromEntries(Object.entries(Outcome).map(([name, outcome]) => [outcome, name]));
const outcomeName = (outcome: number) =>
  outcome === Outcome.limited ? "denied" : (outcomeNames[outcome] ?? `${outcome}`);

function describe(items: readonly AskedItem[]): string {
  return items
    .map(({ key, cost, rule, verb = Verb.take, handle = 0 }) => {
      const what = verb === Verb.take ? "" : `${verbNames[verb]}${handle > 0 ? ` #${handle}` : ""} `;
      return `${what}${key} cost ${cost} of ${rule.policy === "" ? "" : `${rule.policy} `}${rule.limit}`;
    })
    .join(" and ");
}

function checkDenialStood(log: NaiveLog, ack: Acknowledgement): string[] {
  if (ack.asked.length !== 1) return [`${nameOf(ack)}: a group was denied without the log`];
  const [item] = ack.asked;
  if ((item!.verb ?? Verb.take) !== Verb.take) return [`${nameOf(ack)}: answered without the log, and is no take`];
  const answer = log.peek(log.namespaceOf(ack.session), item!, ack.stampUs);
  if (answer.outcome === ack.outcomes[0]) return [];
  if (answer.outcome === Outcome.allowed)
    return [
      `${nameOf(ack)}: denied from applied state at ${ack.stampUs}, where ${answer.remaining + 1} or more were free`,
    ];
  return [
    `${nameOf(ack)}: ${outcomeName(ack.outcomes[0]!)} from applied state at ${ack.stampUs}, where the model says ${outcomeName(answer.outcome)}`,
  ];
}

/**
 * SEMANTICS D1: a call that was charged is never denied because of its own charge. A charge that came after the denial is
 * none: the first attempt was denied, the denial was long in coming, and the attempt that replaced it found room.
 */
function checkNeverCharged(log: NaiveLog, ack: Acknowledgement): string[] {
  const decision = log.decision(ack.session, ack.number);
  if (decision === undefined || !decision.allowed || decision.stampUs > ack.stampUs) return [];
  return [`${nameOf(ack)}: denied from applied state, but entry ${decision.index} charged it`];
}

function checkAgainstLog(log: NaiveLog, ack: Acknowledgement, lastIndex: number): string[] {
  const outcome = ack.outcomes[0]!;
  const decision = log.decision(ack.session, ack.number);
  if (outcome >= Outcome.keysFull && decision?.answers[0]?.outcome !== outcome) {
    // Nothing was decided: then some attempt in the log must have been refused for that reason.
    if (log.refusals(ack.session, ack.number).has(outcome)) return [];
    return [`${nameOf(ack)}: refused with ${outcomeName(outcome)}, for which the log has no reason`];
  }
  if (decision === undefined)
    return [`${nameOf(ack)}: acknowledged at index ${ack.index}, but no committed entry up to ${lastIndex} decides it`];
  if (!sameItems(ack.asked, decision.items))
    return [`${nameOf(ack)}: the log has ${describe(decision.items)} under that number`];
  return checkValues(ack, decision);
}

function checkValues(ack: Acknowledgement, { answers, allowed, index }: NaiveDecision): string[] {
  const told = ack.outcomes.every((one) => one === Outcome.allowed);
  if (told !== allowed) {
    const said = (value: boolean) => (value ? "allowed" : "denied");
    const refused = answers.find(({ outcome }) => outcome >= Outcome.keysFull);
    const model = refused === undefined ? said(allowed) : outcomeName(refused.outcome);
    return [`${nameOf(ack)}: acknowledged as ${said(told)}, the model says ${model} (entry ${index})`];
  }
  const wrong: string[] = [];
  for (const [at, { outcome }] of answers.entries())
    if (ack.outcomes[at] !== outcome)
      wrong.push(
        `${nameOf(ack)}: item ${at} is ${outcomeName(ack.outcomes[at]!)}, the model says ${outcomeName(outcome)} (entry ${index})`,
      );
  if (answers.length > 1 || wrong.length > 0) return wrong;
  const [answer] = answers;
  const compare = (field: keyof NaiveAnswer, got: number | undefined) => {
    const want = answer![field];
    if (got !== undefined && got !== want)
      wrong.push(`${nameOf(ack)}: ${field} is ${got}, the model says ${want} (entry ${index}, ${ack.index})`);
  };
  compare("remaining", ack.remaining[0]);
  compare("resetAfterMs", ack.resetAfterMs[0]);
  compare("retryAfterMs", ack.retryAfterMs[0]);
  compare("handle", ack.handles?.[0]);
  compare("shadow", ack.shadows?.[0]);
  // A limit of 0 is not told: the wire has no other way to say that a limit is the one that was asked for.
  if (answer!.outcome < Outcome.keysFull && answer!.limit > 0) compare("limit", ack.limits?.[0]);
  return wrong;
}
