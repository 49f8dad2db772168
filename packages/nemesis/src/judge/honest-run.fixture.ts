import type { AskedItem, CommittedEntry } from "@quorumguard/audit";
import {
  Algorithm,
  type CallBatch,
  createEntryWriter,
  createLimiter,
  Outcome,
  type ResultColumns,
  type Rule,
  Verb,
} from "@quorumguard/limiter";
import type { CallLine, SessionLine } from "../clients/history.ts";
import { ledgerRule } from "../clients/workload.ts";
import type { Evidence } from "./judge.ts";

const nonce = new Uint8Array(16).fill(7);
const session = { index: 1, position: 0 };
const startUs = 1_000_000;
const pair: Rule = { algorithm: Algorithm.slidingWindowLog, limit: 2, windowUs: 1_000_000, burst: 0, policy: "" };

/** Where a small run may lie; everything else about it is what the real limiter does. */
export interface Lies {
  /** Entries of calls with these numbers are executed, answered, and missing from the log that is judged. */
  readonly forgotten?: readonly number[];
  /** Calls with these numbers are executed a second time, under a number that nobody asked. */
  readonly repeated?: readonly number[];
  /** Denied calls with these numbers are answered as if allowed. */
  readonly waved?: readonly number[];
  /** Added to what is said to be left of every ledger in the end. */
  readonly settledOff?: number;
  /** Calls with these numbers end without an answer, for their caller alone. */
  readonly unanswered?: readonly number[];
  /** What their callers are told of it. */
  readonly applied?: "no" | "unknown";
  /** The client leases 3 of a key, and so many calls are admitted by that, beginning 40 ms after it. Default: no lease. */
  readonly spent?: number;
  /** How much later those begin. Milliseconds. */
  readonly spentLateMs?: number;
}

/** What the client leases, if it does. */
const leased: AskedItem = { key: "leased", rule: { ...pair, limit: 100 }, cost: 1 };

const ledgerKey = "ledger/client-1/a/0";

/**
 * One client, one call after another, ten milliseconds each: four of five ask for a key of which two a second are
 * allowed, every fifth for a ledger. The log is written by the real entry writer and applied by the real limiter.
 */
export function honestRun(lies: Lies = {}, calls = 40): Evidence {
  const limiter = createLimiter();
  const writer = createEntryWriter();
  const entries: CommittedEntry[] = [];
  const lines: CallLine[] = [];
  const sessions: SessionLine[] = [{ kind: "session", session: "1:0", client: "client-1" }];
  const stampOf = (at: number) => startUs + at * 10_000 + 5_000;
  const commit = (entry: Uint8Array, secret = false) => {
    const index = limiter.appliedIndex + 1;
    entries.push({ index, term: 1, data: secret ? emptyEntry(entry) : entry });
    return limiter.apply(index, entry);
  };
  writer.begin({ takeover: true });
  writer.register(nonce, startUs, "");
  commit(writer.finish(startUs));

  const run = (number: number, item: AskedItem, at: number) => {
    writer.begin({ takeover: false });
    const origin = { kind: "session", session, nonce, ackedThrough: 0 } as const;
    writer.calls(origin, batchOf(number, item), 0, 1);
    return commit(writer.finish(stampOf(at)), lies.forgotten?.includes(number) === true);
  };
  if (lies.spent !== undefined) {
    run(2_000, { ...leased, cost: 3, verb: Verb.grant, ttlMs: 100 }, 0);
    for (let at = 0; at < lies.spent; at++) {
      const spentUs = stampOf(0) + (40 + (lies.spentLateMs ?? 0) + at) * 1_000;
      lines.push({
        ...{ client: "client-1", callId: null, startUs: spentUs, endUs: spentUs, items: [leased], requestId: null },
        ...{ allowed: true, source: "lease", degraded: false, error: null, applied: null, remaining: null },
      });
    }
  }
  for (let number = 1; number <= calls; number++) {
    const item = itemOf(number);
    const applied = run(number, item, number);
    const answer = answerOf(applied.results, lies.waved?.includes(number) === true);
    const endUs = stampOf(number) + 4_000;
    const asked = { client: "client-1", startUs: stampOf(number) - 4_000, endUs, items: [item] };
    sessions.push({
      ...{ kind: "answer", session: "1:0", number, asked: [item], source: "quorum" },
      ...{ index: applied.index, stampUs: applied.stampUs, heardUs: endUs, ...answer.columns },
    });
    const told = lies.unanswered?.includes(number)
      ? { allowed: null, source: "", error: "timed_out", applied: lies.applied ?? "unknown", remaining: null }
      : { ...answer.told, source: "quorum", error: null, applied: null };
    lines.push({ ...asked, callId: `1:0#${number}`, requestId: null, degraded: false, ...told });
    if (lies.repeated?.includes(number)) run(1_000 + number, item, number);
  }
  const left = limiter.peek("", ledgerRule, new TextEncoder().encode(ledgerKey), 1, stampOf(calls + 1)).remaining[0]!;
  const settled = new Map([[ledgerKey, left + (lies.settledOff ?? 0)]]);
  return { calls: lines, sessions, entries, breaks: [], settled };
}

function itemOf(number: number): AskedItem {
  return number % 5 === 0
    ? { key: ledgerKey, rule: ledgerRule, cost: 2 }
    : { key: `key-${number % 3}`, rule: pair, cost: 1 };
}

function batchOf(firstNumber: number, { key, rule, cost, verb = Verb.take, ttlMs = 0 }: AskedItem): CallBatch {
  const keyBytes = new TextEncoder().encode(key);
  return {
    ...{ firstNumber, calls: 1, items: 1, rules: [rule], keyBytes },
    ...{ keyStarts: Uint32Array.of(0), keyLengths: Uint32Array.of(keyBytes.length) },
    ...{ ruleIndexes: null, costs: cost === 1 ? null : Uint32Array.of(cost), sizes: null },
    ...{ verbs: verb === Verb.take ? null : Uint8Array.of(verb), ttlsMs: ttlMs === 0 ? null : Float64Array.of(ttlMs) },
    handles: null,
  };
}

/** The same stamp, without what was done. */
function emptyEntry(entry: Uint8Array): Uint8Array {
  return entry.slice(0, 12);
}

function answerOf(results: ResultColumns, waved: boolean) {
  const outcome = waved ? Outcome.allowed : results.outcomes[0]!;
  const remaining = results.remaining[0]!;
  const allowed = outcome === Outcome.allowed;
  return {
    columns: {
      outcomes: [outcome],
      remaining: [remaining],
      resetAfterMs: [results.resetAfterMs[0]!],
      retryAfterMs: [results.retryAfterMs[0]!],
    },
    told: { allowed, remaining: allowed ? remaining : null },
  };
}
