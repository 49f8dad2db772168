import { type Bounds, type Operation, Outcome } from "@quorumguard/limiter";
import { requestCallId, sessionCallId, sessionName } from "./call-ids.ts";
import type { CommittedCall } from "./call-operation.ts";
import { itemsOfCalls } from "./items-of-calls.ts";
import { createNaiveCounter, type NaiveCounter, type NaiveVerdict } from "./naive-counter.ts";
import { createNaiveSessions } from "./naive-sessions.ts";
import { type AskedItem, counterIdentity } from "./records.ts";

/** What the naive model says about one call of the log. */
export interface NaiveDecision {
  readonly index: number;
  readonly stampUs: number;
  readonly items: readonly AskedItem[];
  /** All items are admitted, or the call charges nothing. */
  readonly allowed: boolean;
  /** For a call of one item. */
  readonly verdict: NaiveVerdict | null;
}

/** Calls by session and number, as the log decides them. */
export interface NaiveLog {
  apply(index: number, stampUs: number, takeover: boolean, operations: Iterable<Operation>): void;
  /** The one execution of a call; undefined if it never executed. */
  decision(session: string, number: number): NaiveDecision | undefined;
  /** The one execution of a call outside a session; undefined if it never executed. */
  requestDecision(namespace: string, requestId: string): NaiveDecision | undefined;
  /** Outcomes of attempts that did not execute: the call was stale, its session gone, or its memory full. */
  refusals(session: string, number: number): ReadonlySet<number>;
  /** What the counter would say to a take at this stamp, after all that was applied so far. */
  peek(namespace: string, item: AskedItem, stampUs: number): NaiveVerdict;
  /** Every call that was executed, by ascending place in the log. */
  readonly executed: readonly CommittedCall[];
  /** Admitted calls by session. */
  admitted(): Iterable<{ readonly session: string; readonly decision: NaiveDecision }>;
  namespaceOf(session: string): string;
}

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Makes the model of an empty log; `initial` are the bounds that hold until the log changes them. */
export function createNaiveLog(initial: Bounds): NaiveLog {
  const counters = new Map<string, NaiveCounter>();
  const sessions = createNaiveSessions(initial.sessionTtlUs);
  const decisions = new Map<string, Map<number, NaiveDecision>>();
  const refused = new Map<string, Set<number>>();
  const namespaces = new Map<string, string>();
  const requests = new Map<string, { untilUs: number }>();
  const requestDecisions = new Map<string, NaiveDecision>();
  const executed: CommittedCall[] = [];
  let bounds = initial;
  let lastStampUs = 0;
  /** Calls of the present entry that were executed so far. */
  let position = 0;

  function counterFor(namespace: string, { rule, key }: AskedItem): NaiveCounter {
    const identity = counterIdentity(namespace, rule, key);
    let counter = counters.get(identity);
    if (counter === undefined) {
      counter = createNaiveCounter(rule.algorithm);
      counters.set(identity, counter);
    }
    return counter;
  }

  /** All or nothing; what a group takes of one key counts together (SEMANTICS G1). */
  function decide(
    index: number,
    namespace: string,
    items: readonly AskedItem[],
    stampUs: number,
    callId: string,
  ): NaiveDecision {
    executed.push({ callId, namespace, items, index, position: position++, stampUs });
    const ahead = new Map<string, number>();
    let allowed = true;
    let verdict: NaiveVerdict | null = null;
    for (const item of items) {
      const identity = counterIdentity(namespace, item.rule, item.key);
      const cost = item.cost + (ahead.get(identity) ?? 0);
      ahead.set(identity, cost);
      verdict = counterFor(namespace, item).judge(item.rule, cost, stampUs);
      allowed &&= verdict.allowed;
    }
    if (allowed) for (const item of items) counterFor(namespace, item).charge(item.rule, item.cost, stampUs);
    return { index, stampUs, items, allowed, verdict: items.length === 1 ? verdict : null };
  }

  function refuse(session: string, number: number, outcome: number): void {
    const key = sessionCallId(session, number);
    const outcomes = refused.get(key) ?? new Set();
    outcomes.add(outcome);
    refused.set(key, outcomes);
  }

  function applyCalls(index: number, operation: Operation & { kind: "calls" }, stampUs: number): void {
    const { origin, batch } = operation;
    const calls = itemsOfCalls(batch);
    if (origin.kind === "anonymous") {
      for (const items of calls) {
        decide(index, origin.namespace, items, stampUs, `anonymous ${index}/${position}`);
      }
      return;
    }
    if (origin.kind === "request") {
      const id = `${origin.namespace}|${origin.identity}|${origin.requestId}`;
      const known = requests.get(id);
      if (known !== undefined && stampUs <= known.untilUs) return;
      requests.set(id, { untilUs: stampUs + bounds.requestIdTtlUs });
      const name = `${origin.namespace}|${origin.requestId}`;
      for (const items of calls) {
        // Once the memory for an id has run out, the same id is another call (SEMANTICS S7).
        const first = requestCallId(origin.namespace, origin.requestId);
        const callId = known === undefined ? first : `${first} again at ${index}/${position}`;
        requestDecisions.set(name, decide(index, origin.namespace, items, stampUs, callId));
      }
      return;
    }
    const name = sessionName(origin.session);
    const session = sessions.find(name, hex(origin.nonce), stampUs);
    if (session === null) {
      calls.forEach((_, at) => {
        refuse(name, batch.firstNumber + at, Outcome.sessionExpired);
      });
      return;
    }
    sessions.touch(session, stampUs);
    sessions.acknowledge(session, origin.ackedThrough);
    const decided = decisions.get(name) ?? new Map<number, NaiveDecision>();
    decisions.set(name, decided);
    for (const [at, items] of calls.entries()) {
      const number = batch.firstNumber + at;
      if (number <= session.ackedThrough) refuse(name, number, Outcome.stale);
      else if (session.kept.has(number)) continue;
      else if (session.kept.size >= bounds.maxResultsPerSession) refuse(name, number, Outcome.resultsFull);
      else {
        session.kept.add(number);
        decided.set(number, decide(index, session.namespace, items, stampUs, sessionCallId(name, number)));
      }
    }
  }

  return {
    apply(index, stamp, takeover, operations) {
      const stampUs = Math.max(lastStampUs, stamp);
      if (takeover) {
        sessions.takeover(lastStampUs, stampUs);
        for (const known of requests.values()) if (known.untilUs >= lastStampUs) known.untilUs += stampUs - lastStampUs;
      }
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
            if (operation.kind === "goodbye") session.closed = true;
            else {
              sessions.touch(session, stampUs);
              sessions.acknowledge(session, operation.ackedThrough);
            }
            break;
          }
          case "bounds":
            bounds = operation.bounds;
            sessions.setTtl(bounds.sessionTtlUs);
            break;
        }
      }
    },
    decision: (session, number) => decisions.get(session)?.get(number),
    requestDecision: (namespace, requestId) => requestDecisions.get(`${namespace}|${requestId}`),
    refusals: (session, number) => refused.get(sessionCallId(session, number)) ?? new Set(),
    peek: (namespace, item, stampUs) => counterFor(namespace, item).judge(item.rule, item.cost, stampUs),
    executed,
    *admitted() {
      for (const [session, decided] of decisions)
        for (const decision of decided.values()) if (decision.allowed) yield { session, decision };
    },
    namespaceOf: (session) => namespaces.get(session) ?? "",
  };
}
