import { Algorithm, type Rule, type Verb } from "@quorumguard/limiter";

/** An entry of the log that is known to be committed. */
export interface CommittedEntry {
  readonly index: number;
  readonly term: number;
  readonly data: Uint8Array;
}

/** One item of a call, as the caller's side of the wire states it. */
export interface AskedItem {
  readonly key: string;
  readonly rule: Rule;
  readonly cost: number;
  /** What is asked for; absent: a take. Of one item, unless it is a take. */
  readonly verb?: Verb;
  /** Of a reserve or grant: how long what it opens may stay open; absent: as the rule has it. */
  readonly ttlMs?: number;
  /** Of a commit, cancel or give-back: the hold that it means. */
  readonly handle?: number;
}

/** A decision that reached a client: from then on it may never be taken back. */
export interface Acknowledgement {
  /** "index:position" of the session. */
  readonly session: string;
  readonly number: number;
  readonly asked: readonly AskedItem[];
  readonly source: "quorum" | "leader";
  readonly index: number;
  readonly stampUs: number;
  /**
   * What was known to be committed when the answer was heard, if that is known: a denial from applied state has seen nothing
   * after it, though time that begins anew may give later entries earlier stamps.
   */
  readonly knownCommit?: number;
  /** When the answer was heard, in microseconds of true time, if that is known. */
  readonly heardUs?: number;
  /** One value per item each. */
  readonly outcomes: readonly number[];
  readonly remaining: readonly number[];
  readonly resetAfterMs: readonly number[];
  readonly retryAfterMs: readonly number[];
  /** The holds that were opened, the limits in force, and what shadow policies would have enforced; absent: not told. */
  readonly handles?: readonly number[];
  readonly limits?: readonly number[];
  readonly shadows?: readonly number[];
}

/** Where a caller stood who waited for its turn. */
export interface WaitedTurn {
  /** The process whose line it stood in: each has its own. */
  readonly process: string;
  /** When it came and when it left, in one order of all that came and left; infinite: it never left. */
  readonly came: number;
  readonly left: number;
}

/** What a caller saw, on one monotonic clock: nothing of the cluster's own is in here. */
export interface CallerRecord {
  readonly client: string;
  readonly startUs: number;
  readonly endUs: number;
  readonly items: readonly AskedItem[];
  /** Of a caller who waited for its turn: then the call may have been asked more than once. Absent: it did not wait. */
  readonly waited?: WaitedTurn;
  /** Calls with one request id are one call (SEMANTICS S7); null: a call of the session. */
  readonly requestId: string | null;
  /** True if all items were admitted; null if there was no decision. */
  readonly allowed: boolean | null;
  /** Of a decision on one item, if it was seen; it makes the judgement of the call much sharper. */
  readonly remaining?: number | null;
  readonly source: string;
  readonly degraded: boolean;
  /** The error's code, if the call threw. */
  readonly error: string | null;
  /** What the caller was told about a call without a decision. */
  readonly applied: "no" | "unknown" | null;
}

/** Counters are one and the same for items with an equal identity (SEMANTICS K1, inline rules). */
export function counterIdentity(namespace: string, rule: Rule, key: string): string {
  const bucket = rule.algorithm === Algorithm.tokenBucket ? `|${rule.limit}|${rule.burst}` : "";
  return `${namespace}|${rule.policy}|${rule.algorithm}|${rule.windowUs}${rule.policy === "" ? bucket : ""}|${key}`;
}

/** Whether two calls ask the same, item by item. */
export function sameItems(one: readonly AskedItem[], other: readonly AskedItem[]): boolean {
  return (
    one.length === other.length &&
    one.every((item, at) => {
      const against = other[at]!;
      return (
        item.key === against.key &&
        item.cost === against.cost &&
        (item.verb ?? 0) === (against.verb ?? 0) &&
        (item.ttlMs ?? 0) === (against.ttlMs ?? 0) &&
        (item.handle ?? 0) === (against.handle ?? 0) &&
        item.rule.algorithm === against.rule.algorithm &&
        item.rule.limit === against.rule.limit &&
        item.rule.windowUs === against.rule.windowUs &&
        item.rule.burst === against.rule.burst &&
        item.rule.policy === against.rule.policy
      );
    })
  );
}
