import type { CallResult, PlainMessage } from "@quorumguard/proto";
import { type Call, type CallItem, isPlainTake } from "../calls/call.ts";
import { OUTCOME_ALLOWED } from "../calls/decisions.ts";
import type { Decision } from "../surface/guard.ts";
import type { ResolvedRule } from "../surface/resolved-rule.ts";
import type { Runtime } from "../transport.ts";
import { denialFor, denialOf, deniedNow, withDenial } from "./denials.ts";
import { KnownKeys } from "./known-keys.ts";
import { denialServed, type LocalAnswerCounts } from "./local-answer-counts.ts";
import type { OwnAnswers } from "./own-answers.ts";

/** Of what a memory is made. */
export interface DenialMemoryOptions {
  readonly runtime: Pick<Runtime, "monotonicMs" | "wallMs">;
  /** Keys about which something may be remembered at once. */
  readonly maxKeys: number;
  /** A denial is asked for again when it is so old, in milliseconds, however long the cluster called it firm. */
  readonly maxAgeMs: number;
  readonly counts: LocalAnswerCounts;
}

/**
 * Denials that the cluster called firm, where there is no stream to push what undoes them: each is honoured for a bounded time,
 * by the monotonic and by the wall clock, and all are forgotten when anything hints that they may be out of date.
 */
export class DenialMemory implements OwnAnswers {
  readonly #options: DenialMemoryOptions;
  readonly #keys: KnownKeys;
  /** As an answer told it last; null: none came yet. */
  #policyVersion: number | null = null;

  constructor(options: DenialMemoryOptions) {
    this.#options = options;
    this.#keys = new KnownKeys(options.maxKeys, () => {});
  }

  answer(rule: ResolvedRule, key: string, cost: number): Decision | null {
    const denied = this.denial({ rule, key, cost });
    if (denied !== null) denialServed(this.#options.counts, denied.reason);
    return denied;
  }

  denial({ rule, key, cost }: CallItem): Decision | null {
    const known = rule.known?.get(key);
    if (known === undefined) return null;
    const { runtime } = this.#options;
    const nowMs = runtime.monotonicMs();
    const denial = denialFor(known.denial, cost, nowMs, runtime.wallMs());
    known.used = true;
    return denial === null ? null : deniedNow(rule, denial, nowMs);
  }

  /** A call was decided by a request. */
  learn(call: Call, result: PlainMessage<CallResult>): void {
    const [told] = result.decisions;
    if (told === undefined || !isPlainTake(call.verb, call.group, call.requestId) || told.outcome === OUTCOME_ALLOWED)
      return;
    const { runtime, maxAgeMs, counts } = this.#options;
    const firmForMs = Math.min(Number(told.firmForMs), maxAgeMs);
    if (firmForMs === 0 || told.shadow !== undefined) return;
    const { outcome, limit, remaining, resetAfterMs, retryAfterMs = -1n } = told;
    const heard = { sentMs: call.sentMs, sentWallMs: call.sentWallMs, heardMs: runtime.monotonicMs() };
    const waits = { resetAfterMs: Number(resetAfterMs), retryAfterMs: Number(retryAfterMs), firmForMs };
    const denial = denialOf(call.cost, { asOfIndex: 0, outcome, limit, remaining, ...waits }, heard);
    if (denialFor(denial, call.cost, heard.heardMs, runtime.wallMs()) === null) return;
    const known = this.#keys.open(call.rule, call.key);
    if (known === null) return;
    known.denial = withDenial(known.denial, denial);
    counts.denialsRemembered += 1;
  }

  policiesAre(version: number): void {
    // Also an older one: a node that lags, or a cluster that was restored, speaks of other rules than were remembered.
    if (this.#policyVersion !== null && version !== this.#policyVersion) this.forget();
    this.#policyVersion = version;
  }

  forget(): void {
    this.#keys.clear();
  }

  close(): null {
    this.forget();
    return null;
  }

  streamBegan(): void {
    // There are no streams, and nothing is pushed.
  }

  keyReset(): void {}

  anyReset(): void {}

  replaced(): void {
    this.#policyVersion = null;
    this.forget();
  }
}
