import { Algorithm, Outcome, Verb } from "@quorumguard/limiter";
import type { NaiveSession } from "../rate-limit/naive-sessions.ts";
import type { AskedItem } from "../rate-limit/records.ts";
import type { Judgement, KeyCounter, Numbers } from "./key-counter.ts";
import type { NaiveBans } from "./naive-bans.ts";
import { leaseAfterMs, leaseEndUs, type NaiveHold, type NaiveHolds, numbersToMove } from "./naive-holds.ts";
import type { NaiveKeys, RuleInForce } from "./naive-keys.ts";

/** What one item is answered, in the units of the wire. */
export interface NaiveAnswer {
  readonly outcome: number;
  readonly remaining: number;
  readonly resetAfterMs: number;
  /** -1: never. */
  readonly retryAfterMs: number;
  readonly handle: number;
  readonly limit: number;
  /** What a shadow policy would have enforced; 0: nothing. */
  readonly shadow: number;
}

/** Who asks, and how many keys and holds there may be. */
export interface Asking {
  readonly namespace: string;
  readonly session: NaiveSession | null;
  readonly stampUs: number;
  readonly maxKeys: number;
  readonly maxHolds: number;
  readonly maxHoldsPerSession: number;
}

/** Executes calls, all or nothing, by the rules in force at their stamp. */
export interface NaiveCalls {
  execute(items: readonly AskedItem[], asking: Asking): readonly NaiveAnswer[];
  /** How a take would come out at a later stamp, if nothing happened until then; changes nothing. */
  peek(namespace: string, item: AskedItem, stampUs: number): NaiveAnswer;
}

interface Judged {
  readonly item: AskedItem;
  readonly inForce: RuleInForce;
  readonly counter: KeyCounter;
  readonly ahead: number;
  readonly judgement: Judgement;
  /** Its own, whether or not it is enforced. */
  outcome: number;
  bannedUntilUs: number;
}

const inMs = (durationUs: number) => Math.ceil(durationUs / 1000);
const nothing = { remaining: 0, resetAfterMs: 0, retryAfterMs: 0, handle: 0, limit: 0, shadow: 0 };
const refusedBy = (outcome: number): NaiveAnswer => ({ ...nothing, outcome });
const isDenied = (outcome: number) => outcome !== Outcome.allowed;
/** Denied by a list, without a look at the counter. */
const isBlocked = ({ list, policy }: RuleInForce) => list === "deny" && policy?.shadow !== true;

/** Numbers under which anything fits, debts included: a bucket drains at its own rate all the same, and at some rate if it has none. */
function roomy({ rule, numbers }: RuleInForce): Numbers {
  const most = Number.MAX_SAFE_INTEGER;
  if (rule.algorithm !== Algorithm.tokenBucket) return { ...numbers, limit: most };
  return { ...numbers, limit: Math.max(1, numbers.limit), burst: most };
}

/** What is left now that it is done. */
function done({ numbers }: RuleInForce, counter: KeyCounter, stampUs: number): NaiveAnswer {
  const { available, resetNowUs } = counter.judge(numbers, 1, stampUs);
  const { limit } = numbers;
  return { ...nothing, outcome: Outcome.allowed, remaining: available, resetAfterMs: inMs(resetNowUs), limit };
}

/** Makes what executes calls on counters, holds and bans. */
export function createNaiveCalls(keys: NaiveKeys, holds: NaiveHolds, bans: NaiveBans): NaiveCalls {
  const { places } = keys;

  function judgeItem(
    item: AskedItem,
    inForce: RuleInForce,
    counter: KeyCounter,
    ahead: number,
    stampUs: number,
  ): Judged {
    const judgement = counter.judge(inForce.numbers, ahead + item.cost, stampUs);
    const bannedUntilUs = inForce.policy?.ban === undefined ? 0 : bans.untilUs(inForce.who, stampUs);
    let outcome: number = judgement.allowed ? Outcome.allowed : Outcome.limited;
    if (bannedUntilUs > 0) outcome = Outcome.banned;
    if (inForce.list === "allow") outcome = Outcome.allowed;
    if (inForce.list === "deny") outcome = Outcome.blocked;
    return { item, inForce, counter, ahead, judgement, outcome, bannedUntilUs };
  }

  /** What earlier items of the call want of the same key. */
  function aheadOf(judged: readonly Judged[], inForce: RuleInForce, counter: KeyCounter): number {
    const before = judged.findLast((one) => {
      if (one.counter !== counter || one.inForce.key !== inForce.key || one.inForce.list === "allow") return false;
      return !(isDenied(one.outcome) && one.inForce.policy?.shadow === true);
    });
    return before === undefined ? 0 : before.ahead + before.item.cost;
  }

  /** Takes note of a denial: the one that fills the measure starts a ban, which later items meet. A refused lease only meets one. */
  function feed(judged: Judged, stampUs: number, isRefusedLease = false): void {
    const { policy, list, who } = judged.inForce;
    if (policy?.ban === undefined || list !== null || judged.bannedUntilUs > 0) return;
    judged.bannedUntilUs = bans.untilUs(who, stampUs);
    if (judged.bannedUntilUs === 0 && judged.outcome === Outcome.limited && !isRefusedLease)
      judged.bannedUntilUs = bans.feed(who, policy.ban, stampUs);
    if (judged.bannedUntilUs > 0) judged.outcome = Outcome.banned;
  }

  function answerOf({ inForce, judgement, outcome, ahead, item, bannedUntilUs }: Judged, stampUs: number): NaiveAnswer {
    const { limit } = inForce.numbers;
    const { never, available, retryUs, resetNowUs, resetChargedUs } = judgement;
    const own = (): Omit<NaiveAnswer, "outcome" | "shadow" | "handle" | "limit"> => {
      if (outcome === Outcome.blocked) return { remaining: 0, resetAfterMs: 0, retryAfterMs: -1 };
      if (outcome === Outcome.banned) {
        const leftUs = bannedUntilUs - stampUs;
        const retryAfterMs = never ? -1 : inMs(Math.max(leftUs, retryUs));
        return { remaining: 0, resetAfterMs: inMs(Math.max(leftUs, resetNowUs)), retryAfterMs };
      }
      if (inForce.list === "allow") return { remaining: limit, resetAfterMs: 0, retryAfterMs: 0 };
      if (outcome === Outcome.allowed)
        return { remaining: available - ahead - item.cost, resetAfterMs: inMs(resetChargedUs), retryAfterMs: 0 };
      return { remaining: available, resetAfterMs: inMs(resetNowUs), retryAfterMs: never ? -1 : inMs(retryUs) };
    };
    if (inForce.policy?.shadow !== true || !isDenied(outcome))
      return { ...own(), outcome, handle: 0, limit, shadow: 0 };
    return { ...own(), outcome: Outcome.allowed, retryAfterMs: 0, handle: 0, limit, shadow: outcome };
  }

  function takes(items: readonly AskedItem[], { namespace, stampUs, maxKeys }: Asking): readonly NaiveAnswer[] {
    const rules = items.map(({ rule, key }) => keys.resolve(namespace, rule, key));
    for (const inForce of rules) keys.asked(inForce);
    for (const { unknown, rule } of rules) {
      const outcome = unknown
        ? Outcome.unknownPolicy
        : rule.algorithm === Algorithm.concurrency
          ? Outcome.needsReservation
          : null;
      if (outcome !== null) return items.map(() => refusedBy(outcome));
    }
    // A list answers without a counter.
    const counters = rules.map((inForce) =>
      inForce.list === null ? keys.touch(inForce, stampUs).counter : keys.look(inForce, stampUs),
    );
    const judged: Judged[] = [];
    for (const [at, item] of items.entries()) {
      const [inForce, counter] = [rules[at]!, counters[at]!];
      judged.push(judgeItem(item, inForce, counter, aheadOf(judged, inForce, counter), stampUs));
    }
    const allowed = judged.every(({ outcome, inForce }) => !isDenied(outcome) || inForce.policy?.shadow === true);
    const charged = judged.filter(({ outcome, inForce }) => !isDenied(outcome) && inForce.list !== "allow");
    const touched = allowed ? charged.map(({ counter }) => counter) : [];
    if (places.exceedQuota(touched, namespace, stampUs)) return items.map(() => refusedBy(Outcome.namespaceFull));
    if (places.exceedTable(touched, maxKeys, stampUs)) return items.map(() => refusedBy(Outcome.keysFull));
    for (const one of judged) {
      feed(one, stampUs);
      if (allowed && !isDenied(one.outcome) && one.inForce.list !== "allow")
        one.counter.charge(one.inForce.numbers, one.item.cost, stampUs);
    }
    return judged.map((one) => answerOf(one, stampUs));
  }

  function reset(inForce: RuleInForce, stampUs: number): NaiveAnswer {
    const { counter } = keys.touch(inForce, stampUs);
    keys.forget(inForce);
    counter.clear();
    for (const hold of holds.on(counter)) counter.open(numbersToMove(hold), hold, stampUs);
    return done(inForce, counter, stampUs);
  }

  function openHold(
    item: AskedItem,
    inForce: RuleInForce,
    kind: NaiveHold["kind"],
    expiryUs: number,
    asking: Asking,
  ): NaiveAnswer {
    const { stampUs, session } = asking;
    if (isBlocked(inForce)) return answerOf(judgeItem(item, inForce, keys.look(inForce, stampUs), 0, stampUs), stampUs);
    const { counter, home } = keys.touch(inForce, stampUs);
    const judged = judgeItem(item, inForce, counter, 0, stampUs);
    const shadow = inForce.policy?.shadow === true && isDenied(judged.outcome);
    if (isDenied(judged.outcome) && !shadow) {
      feed(judged, stampUs, kind === "lease");
      const answer = answerOf(judged, stampUs);
      if (kind !== "lease" || judged.outcome !== Outcome.limited) return answer;
      return {
        ...answer,
        retryAfterMs: leaseAfterMs(item.cost, inForce.rule.algorithm, inForce.numbers, counter, stampUs),
      };
    }
    const isAnyway = inForce.list === "allow" || shadow;
    if (places.exceedQuota([counter], asking.namespace, stampUs)) return refusedBy(Outcome.namespaceFull);
    const open = holds.open(session);
    if (open.all >= asking.maxHolds || open.ofSession >= asking.maxHoldsPerSession) return refusedBy(Outcome.holdsFull);
    if (places.exceedTable([counter], asking.maxKeys, stampUs)) return refusedBy(Outcome.keysFull);
    // What is denied in a shadow leads to bans in a shadow.
    feed(judged, stampUs);
    const numbers = isAnyway ? roomy(inForce) : inForce.numbers;
    const hold = holds.add({
      ...{ kind, cost: item.cost, session, home, ttlUs: expiryUs - stampUs, expiryUs, fromUs: stampUs },
      ...{ datedUs: kind === "lease" ? expiryUs : stampUs, numbers },
    });
    counter.open(numbers, hold, stampUs);
    const left = done(inForce, counter, stampUs);
    const answer = { ...left, remaining: inForce.list === "allow" ? left.limit : left.remaining };
    return { ...answer, handle: hold.number, shadow: shadow ? judged.outcome : 0 };
  }

  function reserve(item: AskedItem, inForce: RuleInForce, asking: Asking): NaiveAnswer {
    const isSlot = inForce.rule.algorithm === Algorithm.concurrency;
    const { windowUs } = inForce.numbers;
    const ttlUs = (item.ttlMs ?? 0) * 1000 || (isSlot ? windowUs : Math.min(windowUs, 60_000_000));
    return openHold(item, inForce, isSlot ? "slot" : "reservation", asking.stampUs + ttlUs, asking);
  }

  function grant(item: AskedItem, inForce: RuleInForce, asking: Asking): NaiveAnswer {
    const { algorithm } = inForce.rule;
    const { numbers, policy } = inForce;
    const { stampUs } = asking;
    const refused = { ...nothing, outcome: Outcome.limited, retryAfterMs: -1, limit: numbers.limit };
    if (algorithm === Algorithm.concurrency) return { ...nothing, outcome: Outcome.needsReservation };
    if (policy?.lease === false) return refused;
    const lastUs = leaseEndUs(algorithm, numbers, stampUs);
    const endUs = item.ttlMs ? Math.min(lastUs, stampUs + item.ttlMs * 1000) : lastUs;
    if (endUs - stampUs >= 1_000) return openHold(item, inForce, "lease", endUs, asking);
    const counter = isBlocked(inForce) ? keys.look(inForce, stampUs) : keys.touch(inForce, stampUs).counter;
    const judged = judgeItem(item, inForce, counter, 0, stampUs);
    if (policy?.shadow !== true) {
      feed(judged, stampUs, true);
      if (judged.outcome === Outcome.banned || judged.outcome === Outcome.blocked) return answerOf(judged, stampUs);
    }
    const isAnyway = inForce.list === "allow" || (policy?.shadow === true && isDenied(judged.outcome));
    const isOpened = isAnyway || judged.outcome === Outcome.allowed;
    if (isOpened && places.exceedQuota([counter], asking.namespace, stampUs)) return refusedBy(Outcome.namespaceFull);
    const { remaining, resetAfterMs } = done(inForce, counter, stampUs);
    const retryAfterMs = leaseAfterMs(item.cost, algorithm, isAnyway ? roomy(inForce) : numbers, counter, stampUs);
    return { ...refused, remaining, resetAfterMs, retryAfterMs };
  }

  function settle(item: AskedItem, inForce: RuleInForce, verb: number, asking: Asking): NaiveAnswer {
    const { counter } = keys.touch(inForce, asking.stampUs);
    const hold = holds.find(item.handle ?? 0, counter, asking.session);
    if (hold === null || (hold.kind === "lease") !== (verb === Verb.giveBack))
      return { ...nothing, outcome: Outcome.notHeld };
    const actual = verb === Verb.commit ? item.cost : verb === Verb.cancel ? 0 : Math.max(0, hold.cost - item.cost);
    hold.state = "settled";
    counter.settle(inForce.numbers, hold, actual, asking.stampUs);
    return done(inForce, counter, asking.stampUs);
  }

  return {
    execute(items, asking) {
      const [item] = items;
      const verb = item!.verb ?? Verb.take;
      if (verb === Verb.take) return takes(items, asking);
      const inForce = keys.resolve(asking.namespace, item!.rule, item!.key);
      keys.asked(inForce);
      if (inForce.unknown) return [{ ...nothing, outcome: Outcome.unknownPolicy }];
      if (verb === Verb.reset) return [reset(inForce, asking.stampUs)];
      if (verb === Verb.reserve) return [reserve(item!, inForce, asking)];
      if (verb === Verb.grant) return [grant(item!, inForce, asking)];
      return [settle(item!, inForce, verb, asking)];
    },
    peek(namespace, item, stampUs) {
      const inForce = keys.resolve(namespace, item.rule, item.key);
      if (inForce.unknown) return { ...nothing, outcome: Outcome.unknownPolicy };
      return answerOf(judgeItem(item, inForce, keys.look(inForce, stampUs), 0, stampUs), stampUs);
    },
  };
}
