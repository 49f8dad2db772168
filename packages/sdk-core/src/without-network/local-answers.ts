import { Algorithm, Verb } from "@quorumguard/limiter";
import type { ReceivedReply } from "@quorumguard/proto";
import type { Call } from "../calls/call.ts";
import { OUTCOME_ALLOWED } from "../calls/decisions.ts";
import type { Decision } from "../surface/guard.ts";
import type { ResolvedRule } from "../surface/resolved-rule.ts";
import type { Runtime } from "../transport.ts";
import { denialFor, denialOf, deniedNow, withDenial } from "./denials.ts";
import { type KnownKey, KnownKeys, type RuleIdentity } from "./known-keys.ts";
import type { LocalAnswerCounts } from "./local-answer-counts.ts";

/** What of the cluster's news bears on what this process remembers. */
export interface ClusterNews {
  /** Calls go to another stream: what was pushed before it began was not heard. */
  streamBegan(): void;
  /** This key was reset, under every rule that shares its counter. */
  keyReset(identity: RuleIdentity, key: string): void;
  /** Policies changed, or it is not known which keys were reset. */
  allReset(): void;
}

/** Of what local answers are made. */
export interface LocalAnswersOptions {
  readonly runtime: Runtime;
  /** Keys about which something may be remembered at once. */
  readonly maxKeys: number;
  readonly counts: LocalAnswerCounts;
}

/** What this process answers by itself, exactly, from what the cluster has told it. */
export class LocalAnswers implements ClusterNews {
  readonly #runtime: Runtime;
  readonly #counts: LocalAnswerCounts;
  readonly #keys: KnownKeys;

  constructor({ runtime, maxKeys, counts }: LocalAnswersOptions) {
    this.#runtime = runtime;
    this.#counts = counts;
    this.#keys = new KnownKeys(maxKeys, () => {});
  }

  /** The decision on a plain take of a single key; null: the cluster is to be asked. Checks nothing: what is known was checked when it was asked first. */
  answer(rule: ResolvedRule, key: string, cost: number): Decision | null {
    const known = rule.known?.get(key);
    // Most calls end here, before a clock is read.
    return known === undefined ? null : this.#fromKnown(known, cost);
  }

  /**
   * Both clocks are read for each call: calls that await each other share a turn of the event loop however long that takes, so a
   * reading of the turn's beginning could let what is over be used.
   */
  #fromKnown(known: KnownKey, cost: number): Decision | null {
    const nowMs = this.#runtime.monotonicMs();
    const denial = denialFor(known.denial, cost, nowMs, this.#runtime.wallMs());
    if (denial === null) return null;
    known.used = true;
    this.#counts.denialsServed += 1;
    return deniedNow(known.rule, denial, nowMs);
  }

  /**
   * A call of the session was decided. `current`: on the stream that calls go to, and no push that was heard says that it may
   * be out of date.
   */
  learn(call: Call, reply: ReceivedReply, item: number, current: boolean): void {
    if (call.verb === Verb.reset) {
      this.keyReset(call.rule as RuleIdentity, call.key);
      return;
    }
    if (call.verb !== Verb.take || call.group !== null || !current) return;
    if (reply.outcomes[item] !== OUTCOME_ALLOWED) this.#learnDenial(call, reply, item);
  }

  #learnDenial(call: Call, reply: ReceivedReply, item: number): void {
    const { rule, key, cost } = call;
    if (rule.algorithm === Algorithm.concurrency || reply.firmForMs[item] === 0 || reply.shadows[item] !== 0) return;
    const heardMs = this.#runtime.monotonicMs();
    const told = {
      outcome: reply.outcomes[item]!,
      limit: reply.limits?.[item] ?? rule.limit,
      remaining: reply.remaining[item]!,
      resetAfterMs: reply.resetAfterMs[item]!,
      retryAfterMs: reply.retryAfterMs[item]!,
      firmForMs: reply.firmForMs[item]!,
    };
    const denial = denialOf(cost, told, { sentMs: call.sentMs, sentWallMs: call.sentWallMs, heardMs });
    if (denialFor(denial, cost, heardMs, this.#runtime.wallMs()) === null) return;
    const known = this.#keys.open(rule, key);
    if (known === null) return;
    known.denial = withDenial(known.denial, denial);
    this.#counts.denialsRemembered += 1;
  }

  streamBegan(): void {
    this.allReset();
  }

  keyReset(identity: RuleIdentity, key: string): void {
    this.#keys.forEachOf(identity, key, (known) => this.#keys.remove(known));
  }

  allReset(): void {
    this.#keys.clear();
  }
}
