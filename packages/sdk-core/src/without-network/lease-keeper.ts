import { Algorithm } from "@quorumguard/limiter";
import type { Call, CallItem } from "../calls/call.ts";
import type { SessionLife } from "../session/session-life.ts";
import type { Decision } from "../surface/guard.ts";
import type { ResolvedRule } from "../surface/resolved-rule.ts";
import type { Runtime } from "../transport.ts";
import type { KnownKey } from "./known-keys.ts";
import { leaseUnits, measureDemand } from "./lease-size.ts";
import {
  ageOf,
  createKeyLeases,
  isOver,
  type KeyLeases,
  type Lease,
  leasedNow,
  leaseOf,
  type ToldGrant,
} from "./leases.ts";
import type { LocalAnswerCounts } from "./local-answer-counts.ts";

/** Looks at open leases in the time of one: often enough to give back what is idle while that is still worth something. */
const LOOKS_PER_LEASE = 8;
const SHORTEST_LOOK_MS = 5;
/** So many looks in a row at a lease of which nothing was spent, and it is given back: a quarter of its time. */
const IDLE_LOOKS = 2;
/** From this part of its time on another lease is asked for, if there is still demand for one. */
const RENEW_AGE = 0.6;
/** From this part of its time on what is left is given back: later, the cluster might have counted it as spent. */
const RETURN_AGE = 0.85;
/** After the cluster could not grant, for want of anything but room. */
const FAILED_PAUSE_MS = 1_000;
/** How long the end of a guard may wait for leases to be granted and given back. */
const CLOSE_WAIT_MS = 250;

/** What a keeper works with. */
export interface LeaseKeeperOptions {
  readonly runtime: Runtime;
  readonly counts: LocalAnswerCounts;
  /** How many clients share the limits. */
  readonly clients: () => number;
  /** Asks for a lease of the item's cost; its answer comes to {@link LeaseKeeper.answered}, then it resolves. Rejects if it failed. */
  readonly grant: (item: CallItem) => Promise<void>;
  /** Gives back the item's cost of a lease, also while the guard ends. Rejects unless the cluster has said that it has it. */
  readonly giveBack: (item: CallItem, handle: number) => Promise<void>;
  /** The session that leases belong to; null: there is none. */
  readonly life: () => SessionLife | null;
}

/** The answer to a request for a lease. */
export interface GrantAnswer extends ToldGrant {
  readonly isGranted: boolean;
  /** Milliseconds until there is room; below 0: there never will be. */
  readonly retryAfterMs: number;
  /** Nothing was heard since that makes it better not to spend it. */
  readonly isCurrent: boolean;
}

/** Asks for leases of keys that are asked for often, spends them, renews them, and gives back what nobody needs. */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  readonly #open = new Set<KnownKey>();
  /** Rules of which no lease is ever granted, as far as is known. */
  readonly #refused = new Set<ResolvedRule>();
  /** Grants and give-backs without an answer; none of them rejects. */
  readonly #underWay = new Set<Promise<void>>();
  #life: SessionLife | null = null;
  #cancelLook: (() => void) | null = null;
  #closed = false;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
  }

  /** Spends `cost` of what is leased of the key; null: too little is. */
  spend(known: KnownKey, leases: KeyLeases, cost: number, nowMs: number, wallMs: number): Decision | null {
    let lease = leases.current;
    if (lease === null) return null;
    if (lease.left < cost || isOver(lease, nowMs, wallMs)) {
      lease = this.#turn(known, leases, cost, nowMs, wallMs);
      if (lease === null) return null;
    }
    lease.left -= cost;
    leases.units += cost;
    this.#options.counts.unitsSpent += cost;
    this.#options.counts.admissionsServed += 1;
    if (lease.left <= lease.renewAt) this.#renew(known, leases, lease, nowMs);
    return leasedNow(known.rule, lease, nowMs);
  }

  /** Whether keys of this rule may be leased. */
  mayLease(rule: ResolvedRule): boolean {
    return rule.lease && rule.algorithm !== Algorithm.concurrency && !this.#refused.has(rule) && !this.#closed;
  }

  /** The cluster decided on a take of the key: time to think of a lease. */
  heard(known: KnownKey, cost: number, told: { allowed: boolean; limit: number; remaining: number }): void {
    const nowMs = this.#options.runtime.monotonicMs();
    known.leases ??= createKeyLeases(known.rule, nowMs);
    const { leases } = known;
    leases.units += cost;
    leases.limit = told.limit;
    leases.remaining = told.remaining;
    const { current, next } = leases;
    // What was on its way when a lease came asks for no other.
    const isWanting = next === null && (current === null || current.left < cost);
    if (told.allowed && isWanting) this.#ask(known, leases, nowMs);
  }

  /** The cluster answered a request for a lease of the key; null: nothing is known of that any more. */
  answered(known: KnownKey | null, call: Call, answer: GrantAnswer): void {
    const { runtime, counts } = this.#options;
    const nowMs = runtime.monotonicMs();
    const leases = known?.leases ?? null;
    if (leases !== null) leases.asking = false;
    if (!answer.isGranted) {
      if (answer.retryAfterMs < 0) this.#refused.add(call.rule);
      if (leases !== null) leases.notBeforeMs = nowMs + Math.max(answer.retryAfterMs, leases.leaseMs / 2);
      return;
    }
    counts.leasesGranted += 1;
    counts.unitsGranted += answer.units;
    const lease = leaseOf(answer, { sentMs: call.sentMs, sentWallMs: call.sentWallMs, heardMs: nowMs });
    const isLate = isOver(lease, nowMs, runtime.wallMs());
    if (known === null || leases === null || isLate || !answer.isCurrent || this.#closed) {
      this.#return(call, lease);
      return;
    }
    leases.limit = answer.limit;
    leases.remaining = answer.remaining;
    leases.leaseMs = answer.openForMs;
    this.#take(known, leases, lease, nowMs);
  }

  /** A policy that refused leases may be another now. */
  policiesChanged(): void {
    this.#refused.clear();
  }

  /** Gives back what is leased of the key, as far as it was granted at this log index or before. */
  giveBack(known: KnownKey, upToIndex = Number.POSITIVE_INFINITY): void {
    const { leases } = known;
    if (leases === null) return;
    const kept: Lease[] = [];
    for (const lease of [leases.current, leases.next]) {
      if (lease === null) continue;
      if (lease.index > upToIndex) kept.push(lease);
      else this.#return(known, lease);
    }
    leases.current = kept[0] ?? null;
    leases.next = kept[1] ?? null;
    if (kept.length === 0) this.#open.delete(known);
  }

  /**
   * Gives everything back, for good, also what is still on its way to this process. Resolves when the cluster has said so, or shortly
   * after; null: there was nothing.
   */
  close(): Promise<void> | null {
    this.#closed = true;
    for (const known of [...this.#open]) this.giveBack(known);
    this.#cancelLook?.();
    if (this.#underWay.size === 0) return null;
    return new Promise((resolve) => {
      const cancel = this.#options.runtime.setTimer(resolve, CLOSE_WAIT_MS, true);
      void this.#allAnswered().then(() => {
        cancel();
        resolve();
      });
    });
  }

  /** What is granted meanwhile is given back, and that is waited for as well. */
  async #allAnswered(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  #await(answer: Promise<void>): void {
    const underWay = answer.then(() => {
      this.#underWay.delete(underWay);
    });
    this.#underWay.add(underWay);
  }

  /** The lease that has `cost` left after the current one, which has not, or is over. */
  #turn(known: KnownKey, leases: KeyLeases, cost: number, nowMs: number, wallMs: number): Lease | null {
    for (let lease = leases.current; lease !== null; lease = leases.current) {
      const over = isOver(lease, nowMs, wallMs);
      if (!over && lease.left >= cost) return lease;
      // It may still be enough for other calls, as long as there is none to take its place.
      if (!over && leases.next === null) return null;
      leases.current = leases.next;
      leases.next = null;
      if (over) this.#options.counts.unitsExpired += lease.left;
      else this.#return(known, lease);
    }
    this.#open.delete(known);
    return null;
  }

  #renew(known: KnownKey, leases: KeyLeases, lease: Lease, nowMs: number): void {
    lease.renewAt = -1;
    if (leases.next === null) this.#ask(known, leases, nowMs);
  }

  #ask(known: KnownKey, leases: KeyLeases, nowMs: number): void {
    if (leases.asking || nowMs < leases.notBeforeMs || !this.mayLease(known.rule)) return;
    const { rule, key } = known;
    const { limit, remaining, leaseMs } = leases;
    measureDemand(leases, leaseMs, nowMs);
    const capacity = rule.burst > 0 ? Math.min(limit, rule.burst) : limit;
    const clients = Math.max(1, this.#options.clients());
    const cost = leaseUnits(leases.perMs, { leaseMs, capacity, remaining, clients });
    if (cost === 0) return;
    leases.asking = true;
    const failed = () => {
      leases.asking = false;
      leases.notBeforeMs = this.#options.runtime.monotonicMs() + FAILED_PAUSE_MS;
    };
    this.#await(this.#options.grant({ key, rule, cost }).catch(failed));
  }

  #take(known: KnownKey, leases: KeyLeases, lease: Lease, nowMs: number): void {
    const { current } = leases;
    if (current === null) leases.current = lease;
    else if (leases.next === null && ageOf(current, nowMs) < RENEW_AGE) leases.next = lease;
    else {
      // What is left of the old one would only be kept from others.
      leases.current = lease;
      this.#return(known, current);
    }
    this.#open.add(known);
    this.#watchLife();
    this.#scheduleLook();
  }

  /** A session that ended may have been registered anew: what it was granted is left to end by itself. */
  #watchLife(): void {
    const life = this.#options.life();
    if (life === null || life === this.#life) return;
    this.#life = life;
    const forget = life.watch(() => {
      forget();
      for (const known of [...this.#open]) this.#forget(known);
    });
  }

  #forget(known: KnownKey): void {
    const { leases } = known;
    this.#open.delete(known);
    if (leases === null) return;
    this.#options.counts.unitsExpired += (leases.current?.left ?? 0) + (leases.next?.left ?? 0);
    leases.current = null;
    leases.next = null;
  }

  #return({ key, rule }: Pick<CallItem, "key" | "rule">, lease: Lease): void {
    const cost = lease.left;
    // From here on nobody spends it, whatever becomes of the message.
    lease.left = 0;
    if (cost === 0) return;
    const { counts, giveBack } = this.#options;
    const returned = () => {
      counts.unitsReturned += cost;
    };
    // What cannot be given back ends by itself.
    const expired = () => {
      counts.unitsExpired += cost;
    };
    this.#await(giveBack({ key, rule, cost }, lease.handle).then(returned, expired));
  }

  #scheduleLook(): void {
    if (this.#cancelLook !== null || this.#open.size === 0 || this.#closed) return;
    let shortestMs = Number.POSITIVE_INFINITY;
    for (const { leases } of this.#open) shortestMs = Math.min(shortestMs, leases!.leaseMs);
    const look = () => {
      this.#cancelLook = null;
      this.#look();
      this.#scheduleLook();
    };
    const delayMs = Math.max(SHORTEST_LOOK_MS, shortestMs / LOOKS_PER_LEASE);
    this.#cancelLook = this.#options.runtime.setTimer(look, delayMs, false);
  }

  /** Ends what is over, gives back what is idle or old, and renews what is old and still asked for. */
  #look(): void {
    const nowMs = this.#options.runtime.monotonicMs();
    const wallMs = this.#options.runtime.wallMs();
    for (const known of [...this.#open]) {
      const leases = known.leases!;
      // With a cost that none has: what is over goes.
      this.#turn(known, leases, 0, nowMs, wallMs);
      const { current } = leases;
      if (current === null) continue;
      current.idleLooks = current.left === current.seenLeft ? current.idleLooks + 1 : 0;
      current.seenLeft = current.left;
      const age = ageOf(current, nowMs);
      if (current.idleLooks >= IDLE_LOOKS) this.giveBack(known);
      else if (age >= RETURN_AGE) this.#retire(known, leases, current);
      else if (age >= RENEW_AGE && current.renewAt >= 0) this.#renew(known, leases, current, nowMs);
    }
  }

  #retire(known: KnownKey, leases: KeyLeases, lease: Lease): void {
    leases.current = leases.next;
    leases.next = null;
    this.#return(known, lease);
    if (leases.current === null) this.#open.delete(known);
  }
}
