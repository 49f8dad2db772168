import { type AdminRequest, type Bounds, type Operation, Outcome } from "@quorumguard/limiter";
import { createNaiveBans } from "../naive/naive-bans.ts";
import { createNaiveCalls, type NaiveAnswer } from "../naive/naive-calls.ts";
import { createNaiveHolds } from "../naive/naive-holds.ts";
import { createNaiveKeys } from "../naive/naive-keys.ts";
import { createNaiveRecords, type NaiveChange } from "../naive/naive-records.ts";
import { requestCallId, sessionCallId, sessionName } from "./call-ids.ts";
import type { CommittedCall } from "./call-operation.ts";
import { itemsOfCalls } from "./items-of-calls.ts";
import { createNaiveSessions, type NaiveSession } from "./naive-sessions.ts";
import type { AskedItem } from "./records.ts";

/** What the naive model says about one call of the log. */
export interface NaiveDecision {
  readonly index: number;
  readonly stampUs: number;
  readonly items: readonly AskedItem[];
  /** All items are admitted, or the call charges nothing; of a verb but take: it was done. */
  readonly allowed: boolean;
  /** One per item; of groups only the outcomes are what the wire tells. */
  readonly answers: readonly NaiveAnswer[];
}

/** Calls by session and number, as the log decides them. */
export interface NaiveLog {
  apply(index: number, stampUs: number, takeover: boolean, operations: Iterable<Operation>): void;
  /** The one execution of a call; undefined if it never executed. */
  decision(session: string, number: number): NaiveDecision | undefined;
  /** The decision of the call at that place of {@link executed}. */
  decisionAt(place: number): NaiveDecision | undefined;
  /** The one execution of a call outside a session; undefined if it never executed. */
  requestDecision(namespace: string, requestId: string): NaiveDecision | undefined;
  /** Outcomes of attempts that did not execute: the call was stale, its session gone, or its memory full. */
  refusals(session: string, number: number): ReadonlySet<number>;
  /** The stamp at which a hold was to end, or ended, by itself; undefined if it was never opened. */
  holdEndUs(number: number): number | undefined;
  /** What a take would come to at this stamp, after all that was applied so far. */
  peek(namespace: string, item: AskedItem, stampUs: number): NaiveAnswer;
  /** What an administrative change came to, by its id; undefined if it never executed. */
  change(namespace: string, changeId: string): NaiveChange | undefined;
  /** What happened on the way, for whoever counts it. */
  readonly events: NaiveEvents;
  /** Every call that was executed, by ascending place in the log. */
  readonly executed: readonly CommittedCall[];
  /** Admitted calls by session. */
  admitted(): Iterable<{ readonly session: string; readonly decision: NaiveDecision }>;
  namespaceOf(session: string): string;
}

/** How often the log came through states that are easily missed. */
export interface NaiveEvents {
  /** Holds that were over by their time, and slots that were freed with their session. */
  readonly holdsOver: number;
  readonly slotsFreed: number;
  readonly bans: number;
  /** Holds that were open, and bans in force, when a new leader wrote its first entry. */
  readonly holdsAtTakeovers: number;
  readonly bansAtTakeovers: number;
  /** Keys whose counts one rule handed to another. */
  readonly carriedOver: number;
}

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Makes the model of an empty log; `initial` are the bounds that hold until the log changes them. */
export function createNaiveLog(initial: Bounds): NaiveLog {
  const sessions = createNaiveSessions(initial.sessionTtlUs);
  const holds = createNaiveHolds((session, stampUs) => sessions.lives(session, stampUs));
  const records = createNaiveRecords();
  const keys = createNaiveKeys(records, holds);
  const bans = createNaiveBans();
  const calls = createNaiveCalls(keys, holds, bans);
  const changes = new Map<string, NaiveChange>();
  const decisions = new Map<string, Map<number, NaiveDecision>>();
  const refused = new Map<string, Set<number>>();
  const namespaces = new Map<string, string>();
  const requests = new Map<string, { untilUs: number }>();
  const requestDecisions = new Map<string, NaiveDecision>();
  const executed: CommittedCall[] = [];
  const decided: NaiveDecision[] = [];
  let bounds = initial;
  let lastStampUs = 0;
  let holdsAtTakeovers = 0;
  let bansAtTakeovers = 0;
  /** Calls of the present entry that were executed so far. */
  let position = 0;

  /** All or nothing; what a group takes of one key counts together (SEMANTICS G1). */
  function decide(
    index: number,
    namespace: string,
    session: NaiveSession | null,
    items: readonly AskedItem[],
    stampUs: number,
    callId: string,
  ): NaiveDecision {
    executed.push({ callId, namespace, items, index, position: position++, stampUs });
    const { maxKeys, maxHolds, maxHoldsPerSession } = bounds;
    const answers = calls.execute(items, { namespace, session, stampUs, maxKeys, maxHolds, maxHoldsPerSession });
    const allowed = answers.every(({ outcome }) => outcome === Outcome.allowed);
    const decision = { index, stampUs, items, allowed, answers };
    decided.push(decision);
    return decision;
  }

  function refuse(session: string, number: number, outcome: number): void {
    const key = sessionCallId(session, number);
    const outcomes = refused.get(key) ?? new Set();
    outcomes.add(outcome);
    refused.set(key, outcomes);
  }

  function applyCalls(index: number, operation: Operation & { kind: "calls" }, stampUs: number): void {
    const { origin, batch } = operation;
    const asked = itemsOfCalls(batch);
    if (origin.kind === "anonymous") {
      for (const items of asked) {
        decide(index, origin.namespace, null, items, stampUs, `anonymous ${index}/${position}`);
      }
      return;
    }
    if (origin.kind === "request") {
      const id = `${origin.namespace}|${origin.identity}|${origin.requestId}`;
      const known = requests.get(id);
      if (known !== undefined && stampUs <= known.untilUs) return;
      const name = `${origin.namespace}|${origin.requestId}`;
      for (const items of asked) {
        // Once the memory for an id has run out, the same id is another call (SEMANTICS S7).
        const first = requestCallId(origin.namespace, origin.requestId);
        const callId = known === undefined ? first : `${first} again at ${index}/${position}`;
        const decision = decide(index, origin.namespace, null, items, stampUs, callId);
        requestDecisions.set(name, decision);
        // What was not decided changed nothing: the caller may come back under the same id.
        if (decision.answers[0]!.outcome < Outcome.keysFull)
          requests.set(id, { untilUs: stampUs + bounds.requestIdTtlUs });
      }
      return;
    }
    const name = sessionName(origin.session);
    const session = sessions.find(name, hex(origin.nonce), stampUs);
    if (session === null) {
      asked.forEach((_, at) => {
        refuse(name, batch.firstNumber + at, Outcome.sessionExpired);
      });
      return;
    }
    sessions.touch(session, stampUs);
    sessions.acknowledge(session, origin.ackedThrough);
    const ofSession = decisions.get(name) ?? new Map<number, NaiveDecision>();
    decisions.set(name, ofSession);
    for (const [at, items] of asked.entries()) {
      const number = batch.firstNumber + at;
      if (number <= session.ackedThrough) refuse(name, number, Outcome.stale);
      else if (session.kept.has(number)) continue;
      else if (session.kept.size >= bounds.maxResultsPerSession) refuse(name, number, Outcome.resultsFull);
      else {
        session.kept.add(number);
        ofSession.set(number, decide(index, session.namespace, session, items, stampUs, sessionCallId(name, number)));
      }
    }
  }

  function administer(request: AdminRequest, stampUs: number): void {
    const { namespace, changeId } = request;
    const result = records.administer(
      request,
      (edits, after) => keys.moved(namespace, edits, after, stampUs),
      (policy, key) => bans.lift(`${namespace}|${policy}|${key}`, stampUs),
    );
    if (result.changed > 0) {
      keys.renumbered(namespace, stampUs);
      keys.settleHolds(stampUs);
    }
    if (changeId !== null) changes.set(`${namespace}|${changeId}`, result);
  }

  return {
    apply(index, stamp, takeover, operations) {
      const stampUs = Math.max(lastStampUs, stamp);
      if (takeover) {
        sessions.takeover(lastStampUs, stampUs);
        for (const known of requests.values()) if (known.untilUs >= lastStampUs) known.untilUs += stampUs - lastStampUs;
        holdsAtTakeovers += holds.open(null).all;
        bansAtTakeovers += bans.count(stampUs);
      }
      holds.enter(lastStampUs, stampUs, takeover);
      lastStampUs = stampUs;
      position = 0;
      for (const [place, operation] of [...operations].entries()) {
        const name = sessionName({ index, position: place });
        switch (operation.kind) {
          case "calls":
            applyCalls(index, operation, stampUs);
            break;
          case "register":
            namespaces.set(name, operation.namespace);
            sessions.register(name, hex(operation.nonce), operation.namespace, operation.helloStampUs, stampUs);
            break;
          case "renew":
          case "goodbye": {
            const id = sessionName(operation.session);
            const session = sessions.find(id, hex(operation.nonce), stampUs);
            if (session === null) break;
            if (operation.kind === "goodbye") {
              session.closed = true;
              holds.sessionEnded(session, stampUs);
            } else {
              sessions.touch(session, stampUs);
              sessions.acknowledge(session, operation.ackedThrough);
            }
            break;
          }
          case "bounds":
            bounds = operation.bounds;
            sessions.setTtl(bounds.sessionTtlUs);
            break;
          case "administer":
            administer(operation.request, stampUs);
            break;
        }
      }
    },
    decision: (session, number) => decisions.get(session)?.get(number),
    decisionAt: (place) => decided[place],
    requestDecision: (namespace, requestId) => requestDecisions.get(`${namespace}|${requestId}`),
    refusals: (session, number) => refused.get(sessionCallId(session, number)) ?? new Set(),
    holdEndUs: (number) => holds.everOpened(number)?.expiryUs,
    peek: (namespace, item, stampUs) => calls.peek(namespace, item, stampUs),
    change: (namespace, changeId) => changes.get(`${namespace}|${changeId}`),
    get events() {
      const { over, freed } = holds.ended;
      const counts = { holdsAtTakeovers, bansAtTakeovers, carriedOver: keys.carriedOver };
      return { holdsOver: over, slotsFreed: freed, bans: bans.begun, ...counts };
    },
    executed,
    *admitted() {
      for (const [session, decided] of decisions)
        for (const decision of decided.values()) if (decision.allowed) yield { session, decision };
    },
    namespaceOf: (session) => namespaces.get(session) ?? "",
  };
}
