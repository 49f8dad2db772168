import { Algorithm, Verb } from "@quorumguard/limiter";
import type { ReceivedReply } from "@quorumguard/proto";
import type { Call, CallItem } from "../calls/call.ts";
import { OUTCOME_ALLOWED } from "../calls/decisions.ts";
import type { Decision } from "../surface/guard.ts";
import type { ResolvedRule } from "../surface/resolved-rule.ts";
import type { Runtime } from "../transport.ts";
import { denialFor, denialOf, denialsAfter, deniedNow, withDenial } from "./denials.ts";
import { type KnownKey, KnownKeys, type RuleIdentity } from "./known-keys.ts";
import { LeaseKeeper, type LeaseKeeperOptions } from "./lease-keeper.ts";
import { denialServed, type LocalAnswerCounts } from "./local-answer-counts.ts";
import type { OwnAnswers } from "./own-answers.ts";

/** What of the cluster's news bears on what this process remembers. */
export interface ClusterNews {
  /**
   * Calls go to another stream: what was pushed before it began was not heard. `policyVersion`: of the policies there; null: the node does
   * not tell.
   */
  streamBegan(policyVersion: number | null): void;
  /** A node has applied this version of the policies. */
  policiesAre(version: number): void;
  /** This key was reset at this log index, under every rule that shares its counter. */
  keyReset(identity: RuleIdentity, key: string, index: number): void;
  /** Something happened at this log index that may have freed any key. */
  anyReset(index: number): void;
  /** The cluster is another one, with policies, counts and log indexes of its own. */
  replaced(): void;
}

/** Of what local answers are made. */
export interface LocalAnswersOptions extends LeaseKeeperOptions {
  /** Keys about which something may be remembered at once. */
  readonly maxKeys: number;
}

/** What this process answers by itself, exactly, from what the cluster has told it and leased to it. */
export class LocalAnswers implements OwnAnswers {
  readonly #runtime: Runtime;
  readonly #counts: LocalAnswerCounts;
  readonly #keys: KnownKeys;
  readonly #keeper: LeaseKeeper;
  /** The largest that was heard of since the stream that calls go to began. */
  #policyVersion = 0;

  constructor(options: LocalAnswersOptions) {
    this.#runtime = options.runtime;
    this.#counts = options.counts;
    this.#keeper = new LeaseKeeper(options);
    this.#keys = new KnownKeys(options.maxKeys, (known) => this.#keeper.giveBack(known));
  }

  /** The decision on a plain take of a single key; null: the cluster is to be asked. Checks nothing: what is known was checked when it was asked first. */
  answer(rule: ResolvedRule, key: string, cost: number): Decision | null {
    const known = rule.known?.get(key);
    // Most calls end here, before a clock is read.
    return known === undefined ? null : this.#fromKnown(known, cost);
  }

  /** The denial that holds for it now; null: there is none. */
  denial({ rule, key, cost }: CallItem): Decision | null {
    const known = rule.known?.get(key);
    return known === undefined ? null : this.#denied(known, cost, this.#runtime.monotonicMs(), this.#runtime.wallMs());
  }

  /**
   * Both clocks are read for each call: calls that await each other share a turn of the event loop however long that takes, so a
   * reading of the turn's beginning could let what is over be used.
   */
  #fromKnown(known: KnownKey, cost: number): Decision | null {
    const { leases } = known;
    const nowMs = this.#runtime.monotonicMs();
    const wallMs = this.#runtime.wallMs();
    known.used = true;
    if (leases !== null) {
      const spent = this.#keeper.spend(known, leases, cost, nowMs, wallMs);
      if (spent !== null) return spent;
    }
    const denied = known.denial === null ? null : this.#denied(known, cost, nowMs, wallMs);
    if (denied !== null) denialServed(this.#counts, denied.reason);
    return denied;
  }

  #denied(known: KnownKey, cost: number, nowMs: number, wallMs: number): Decision | null {
    const denial = denialFor(known.denial, cost, nowMs, wallMs);
    return denial === null ? null : deniedNow(known.rule, denial, nowMs);
  }

  /**
   * A call of the session was decided. `current`: on the stream that calls go to, and no push that was heard says that it may
   * be out of date.
   */
  learn(call: Call, reply: ReceivedReply, item: number, current: boolean): void {
    switch (call.verb) {
      case Verb.reset:
        this.keyReset(call.rule, call.key, reply.index);
        return;
      case Verb.grant:
        this.#learnGrant(call, reply, item, current);
        return;
      case Verb.take:
        if (call.group !== null || !current) return;
        if (reply.outcomes[item] !== OUTCOME_ALLOWED) this.#learnDenial(call, reply, item);
        if (this.#keeper.mayLease(call.rule)) this.#learnDemand(call, reply, item);
    }
  }

  /** Gives back all leases and remembers nothing more; resolves when the cluster has heard of it, or soon. Null: it need not. */
  close(): Promise<void> | null {
    const returned = this.#keeper.close();
    this.#keys.clear();
    return returned;
  }

  streamBegan(policyVersion: number | null): void {
    if (policyVersion !== null && policyVersion !== this.#policyVersion) {
      // Less than was known: the cluster was restored, and counts anew.
      this.#policyVersion = policyVersion;
      this.forget();
      return;
    }
    // Leases are charged whoever leads; denials may have been undone unheard.
    this.anyReset(Number.POSITIVE_INFINITY);
  }

  policiesAre(version: number): void {
    if (version <= this.#policyVersion) return;
    this.#policyVersion = version;
    this.forget();
  }

  keyReset(identity: RuleIdentity, key: string, index: number): void {
    this.#keys.forEachOf(identity, key, (known) => {
      // What was leased stays counted (SEMANTICS L3): whoever emptied the counter wants it empty.
      this.#keeper.giveBack(known, index);
      this.#dropDenials(known, index);
    });
  }

  anyReset(index: number): void {
    this.#keys.forEach((known) => {
      this.#dropDenials(known, index);
    });
  }

  /** Leases went with the session that they were granted to. */
  replaced(): void {
    this.#policyVersion = 0;
    this.forget();
  }

  /** The rules may be others: nothing is remembered any more, and what was leased is given back. */
  forget(): void {
    this.#keeper.policiesChanged();
    this.#keys.clear();
  }

  #dropDenials(known: KnownKey, index: number): void {
    known.denial = denialsAfter(known.denial, index);
    if (known.denial === null && known.leases === null) this.#keys.remove(known);
  }

  #learnDenial(call: Call, reply: ReceivedReply, item: number): void {
    const { rule, key, cost } = call;
    if (rule.algorithm === Algorithm.concurrency || reply.firmForMs[item] === 0 || reply.shadows[item] !== 0) return;
    const heardMs = this.#runtime.monotonicMs();
    const told = {
      asOfIndex: reply.asOfIndex,
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

  #learnDemand({ rule, key, cost }: Call, reply: ReceivedReply, item: number): void {
    const known = this.#keys.open(rule, key);
    if (known === null) return;
    known.used = true;
    this.#keeper.heard(known, cost, {
      // What a shadow policy lets pass is no sign of room.
      allowed: reply.outcomes[item] === OUTCOME_ALLOWED && reply.shadows[item] === 0,
      limit: reply.limits?.[item] ?? rule.limit,
      remaining: reply.remaining[item]!,
    });
  }

  #learnGrant(call: Call, reply: ReceivedReply, item: number, current: boolean): void {
    const isGranted = reply.outcomes[item] === OUTCOME_ALLOWED;
    this.#keeper.answered(call.rule.known?.get(call.key) ?? null, call, {
      isGranted,
      isCurrent: current && reply.shadows[item] === 0,
      retryAfterMs: isGranted ? 0 : reply.retryAfterMs[item]!,
      handle: reply.handles[item]!,
      index: reply.index,
      units: call.cost,
      openForMs: reply.firmForMs[item]!,
      limit: reply.limits?.[item] ?? call.rule.limit,
      remaining: reply.remaining[item]!,
      resetAfterMs: reply.resetAfterMs[item]!,
    });
  }
}
