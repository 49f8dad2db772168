import { Algorithm, type PolicyDocument, type Rule } from "@quorumguard/limiter";
import { counterIdentity } from "../rate-limit/records.ts";
import { createKeyCounter, type KeyCounter, type Numbers } from "./key-counter.ts";
import { createKeyPlaces, type KeyPlaces } from "./key-places.ts";
import { leaveBehind, type Source } from "./left-behind.ts";
import type { HoldHome, NaiveHold, NaiveHolds } from "./naive-holds.ts";
import type { NaiveRecords, NumbersOf, OwnNumbers, PolicyEdit } from "./naive-records.ts";
import { callersSpanUs, orWithinWindow, ruleOf, slowerOf, spanUs } from "./rule-numbers.ts";
import {
  askedAlone,
  type Carried,
  chargeOn,
  heldOf,
  most,
  neverAsked,
  neverAskedSay,
  roomOf,
  stillThere,
  usedOf,
} from "./what-waits.ts";

/** The rule that is in force for one key. */
export interface RuleInForce {
  /** As the caller asked for it. */
  readonly asked: Rule;
  readonly namespace: string;
  readonly key: string;
  /** As it is in force: without numbers of the key's own. */
  readonly rule: Rule;
  /** The limit and burst that hold for this key. */
  readonly numbers: Numbers;
  readonly policy: PolicyDocument | null;
  /** A name alone, and no policy of that name. */
  readonly unknown: boolean;
  readonly list: "allow" | "deny" | null;
  /** Whom bans are about. */
  readonly who: string;
}

interface Shape {
  readonly algorithm: number;
  readonly windowUs: number;
  readonly homes: Map<string, { readonly home: HoldHome; readonly counter: KeyCounter }>;
}

/** How the keys of one name are counted now, and what is to be carried over to those that nobody has touched since. */
interface Lineage {
  /** No rule took over yet. */
  readonly isFirst: boolean;
  shapes: Map<string, Shape>;
  /** The longest time for which an inline rule of this name would have counted, while a policy stood in its place. */
  askedUs: number;
  pending: Map<string, Carried>;
}

const newLineage = (): Lineage => ({
  ...{ isFirst: true, askedUs: 0, shapes: new Map(), pending: new Map() },
});

/** The counters of a log by key, whatever rules took over from each other. */
export interface NaiveKeys {
  resolve(namespace: string, rule: Rule, key: string): RuleInForce;
  /** A call came with it, whatever it comes to: for how long an inline rule would count is remembered under a policy. */
  asked(inForce: RuleInForce): void;
  /** The key's counter, with what earlier rules counted carried over. */
  touch(inForce: RuleInForce, stampUs: number): { readonly counter: KeyCounter; readonly home: HoldHome };
  /** The same, but nothing is changed: what a question sees. */
  look(inForce: RuleInForce, stampUs: number): KeyCounter;
  /** Forgets what could still be carried over to the key: it was reset. */
  forget(inForce: RuleInForce): void;
  /**
   * Policies are others from this stamp on. A key that will have other numbers of its own gets what waits for it by those
   * that it has.
   */
  moved(namespace: string, edits: readonly PolicyEdit[], after: NumbersOf, stampUs: number): void;
  /** Numbers of single keys may be others from this stamp on: until then a bucket drained at the rate that it knew. */
  renumbered(namespace: string, stampUs: number): void;
  /**
   * After a change: carries over every key with open holds that a policy counts now, since a hold may outlive what is kept
   * for those who come late. All at once, where the limiter does some at each entry: of thousands, one that ends in between is
   * told apart.
   */
  settleHolds(stampUs: number): void;
  /** Counts that one rule handed to another, so far. */
  readonly carriedOver: number;
  /** Which of the counters have a place in the table. */
  readonly places: KeyPlaces;
}

/** What is carried over is charged by the key's numbers, but that a limit of 0 is no rate, and callers' numbers are no one's alone. */
function carriedBy({ rule, numbers, policy }: RuleInForce): Numbers {
  if (rule.algorithm !== Algorithm.tokenBucket) return numbers;
  const limit = policy === null ? slowerOf(numbers.limit, rule.limit) : numbers.limit || rule.limit;
  return { ...numbers, limit: orWithinWindow(limit, numbers.burst) };
}

/**
 * Whether counters of one document go on under the other as they are: also where a policy comes, the first of its name, and
 * its callers all counted by its window so far.
 */
function goesOn(from: PolicyDocument | null, to: PolicyDocument | null, { isFirst, shapes }: Lineage): boolean {
  if (to === null) return false;
  if (from === null) {
    const { algorithm, windowUs } = ruleOf(to);
    const isAlike = (shape: Shape) => shape.algorithm === algorithm && shape.windowUs === windowUs;
    return isFirst && algorithm !== Algorithm.tokenBucket && [...shapes.values()].every(isAlike);
  }
  if (from.algorithm !== to.algorithm || from.windowMs !== to.windowMs) return false;
  return from.algorithm !== "token-bucket" || (from.limit === to.limit && from.burst === to.burst);
}

/** What a key of one epoch hands on at its end: the fullest of its shapes, without what is held. */
function handOn(
  holds: NaiveHolds,
  lineage: Lineage,
  key: string,
  from: PolicyDocument | null,
  endUs: number,
  heirsUs: number,
  ownNow: () => OwnNumbers | null,
): Carried | null {
  const sources: Source[] = [];
  const kept: NaiveHold[] = [];
  const way = from === null ? [] : [ruleOf(from)];
  for (const { algorithm, windowUs, homes } of lineage.shapes.values()) {
    const own = homes.get(key);
    if (own === undefined) continue;
    const burst = algorithm === Algorithm.tokenBucket ? most : 0;
    const { counter, home } = own;
    const numbers = { limit: most, windowUs, burst };
    sources.push({ counter, home, algorithm, numbers, way, goesByRate: () => false });
    kept.push(...holds.on(own.counter).filter(({ expiryUs }) => expiryUs > endUs));
  }
  const retainUs = endUs + heirsUs;
  const before = stillThere(lineage.pending.get(key), endUs, from, ownNow());
  // Nobody has touched the key under this policy, or it was empty at its end: what it would have counted is what is left.
  if (before !== null && from !== null && before.isTold !== true) {
    const own = [...sources];
    const wasAsked = () => own.some(({ counter, numbers }) => counter.usedAt(numbers, endUs) > 0);
    sources.push(neverAsked(from, before, ownNow, wasAsked));
  }
  sources.unshift(...(before?.sources ?? []).map((source) => ({ ...source, way: [...source.way, ...way] })));
  for (const { home } of sources) if (home !== null) home.stillUs = endUs;
  kept.unshift(...(before?.holds ?? []));
  const all = { sources, atUs: endUs, holds: kept, retainUs: Math.max(before?.retainUs ?? 0, retainUs) };
  return usedOf(all) > 0 || kept.some(({ state }) => state === "open") ? all : null;
}

/**
 * The keys that a change gives other numbers, where what waits goes by these: the policy is a bucket, or one is on the way
 * that the key was never asked under.
 */
function renumberedBy(
  records: NaiveRecords,
  lineages: ReadonlyMap<string, Lineage>,
  namespace: string,
  after: NumbersOf,
): readonly (readonly [string, string])[] {
  const isOther = (one: OwnNumbers | null, other: OwnNumbers | null) =>
    one?.limit !== other?.limit || one?.burst !== other?.burst;
  return [...lineages]
    .filter(([id]) => id.startsWith(`${namespace}|`))
    .flatMap(([id, { pending }]) => {
      const name = id.slice(namespace.length + 1);
      const isBucket = records.policy(namespace, name)?.algorithm === "token-bucket";
      return [...pending]
        .filter(([key]) => isOther(records.numbers(namespace, name, key), after(name, key)))
        .filter(([, { sources }]) => isBucket || sources.some(({ goesByRate }) => goesByRate()))
        .map(([key]) => [id, key] as const);
    });
}

/** Whether what was never asked counts for the last time when this is carried over: a policy's, with holds or numbers of its own. */
function isTold(records: NaiveRecords, inForce: RuleInForce, carried: Carried, stampUs: number): boolean {
  const hasOpen = heldOf(carried, stampUs).length > 0;
  return inForce.policy !== null && (hasOpen || hasOwn(records, inForce));
}

const hasOwn = (records: NaiveRecords, { namespace, rule, key }: RuleInForce) =>
  records.numbers(namespace, rule.policy, key) !== null;

/**
 * Whether a policy's counter that took over `used` has at least as much as each of those before it for as long as these
 * count: then they tell nothing that it does not tell. Of a bucket only another bucket is known to have as much, if it took
 * all; and of keys with numbers of their own none, since these may be others soon.
 */
function outlastsAll(
  records: NaiveRecords,
  made: KeyCounter,
  inForce: RuleInForce,
  used: number,
  { sources, atUs }: Carried,
): boolean {
  const { algorithm } = inForce.rule;
  if (inForce.policy === null || hasOwn(records, inForce)) return false;
  const byNumbers = carriedBy(inForce);
  const isWhole = used <= roomOf(algorithm, byNumbers) && algorithm !== Algorithm.slidingWindowCounter;
  const untilUs = isWhole ? made.judge(byNumbers, 1, atUs).resetNowUs : 0;
  return sources.every(({ counter, numbers, algorithm: old }) => {
    if (counter.usedAt(numbers, atUs) === 0) return true;
    if (algorithm === Algorithm.tokenBucket && old !== Algorithm.tokenBucket) return false;
    return counter.judge(numbers, 1, atUs).resetNowUs <= untilUs;
  });
}

/** A bucket drained at the rate that it knew until now, and drains at the new one from now on; a limit of 0 is no rate. */
function reckonRate(counter: KeyCounter, windowUs: number, numbers: Numbers, stampUs: number): void {
  const soFar: Numbers = { limit: most, windowUs, burst: most };
  if (numbers.limit === 0 || counter.usedAt(soFar, stampUs) === 0) return;
  counter.charge(soFar, 0, stampUs);
  counter.charge(numbers, 0, stampUs);
}

function shapeOf({ shapes }: Lineage, { algorithm, windowUs }: Rule): Shape {
  const id = `${algorithm}|${windowUs}`;
  const shape = shapes.get(id) ?? { algorithm, windowUs, homes: new Map() };
  shapes.set(id, shape);
  return shape;
}

/** Makes the counters of an empty log. */
export function createNaiveKeys(records: NaiveRecords, holds: NaiveHolds): NaiveKeys {
  const inline = new Map<string, { readonly home: HoldHome; readonly counter: KeyCounter }>();
  const lineages = new Map<string, Lineage>();
  const places = createKeyPlaces(holds, records.quota);
  let carriedOver = 0;

  function lineageOf(namespace: string, name: string): Lineage {
    const id = `${namespace}|${name}`;
    if (!lineages.has(id)) lineages.set(id, newLineage());
    return lineages.get(id)!;
  }

  function newHome(algorithm: number, namespace: string) {
    const counter = places.watch(createKeyCounter(algorithm), algorithm, namespace);
    const home: HoldHome = { algorithm, counter, stillUs: Number.POSITIVE_INFINITY };
    return { home, counter };
  }

  /** What waits for a key. */
  function waiting({ namespace, key, rule, policy }: RuleInForce, stampUs: number): Carried | null {
    const own = records.numbers(namespace, rule.policy, key);
    return stillThere(lineageOf(namespace, rule.policy).pending.get(key), stampUs, policy, own);
  }

  function carry(inForce: RuleInForce, lineage: Lineage, stampUs: number, isSettling = false) {
    const { namespace, key, rule, policy } = inForce;
    const made = newHome(rule.algorithm, namespace);
    const carried = waiting(inForce, stampUs);
    if (carried !== null) {
      carriedOver++;
      const { atUs, sources } = carried;
      const open = heldOf(carried, stampUs);
      const used = open.length === 0 ? usedOf(carried) : leaveBehind(sources, open, atUs, policy === null);
      const byNumbers = carriedBy(inForce);
      const said = isTold(records, inForce, carried, stampUs) ? neverAskedSay(sources, atUs) : 0;
      chargeOn(made.counter, rule.algorithm, byNumbers, used, atUs, said);
      for (const hold of open) {
        hold.numbers = byNumbers;
        // It counts as of the change, like all that is carried over; a lease as of its end, since it may be spent until then.
        hold.fromUs = Math.max(hold.fromUs, atUs);
        hold.datedUs = Math.max(hold.datedUs, atUs);
        hold.home = made.home;
        made.counter.open(byNumbers, hold, atUs);
      }
      // The next change asks again, and other inline rules of that name; with holds or numbers of its own, what was asked alone.
      const canGo = open.length === 0 && !isSettling && outlastsAll(records, made.counter, inForce, used, carried);
      const left = isTold(records, inForce, carried, stampUs) ? askedAlone(sources) : canGo ? [] : sources;
      const told = carried.isTold === true || isTold(records, inForce, carried, stampUs);
      lineage.pending.set(key, { ...carried, sources: left, holds: [], isTold: told });
    }
    shapeOf(lineageOf(namespace, rule.policy), rule).homes.set(key, made);
    return made;
  }

  /** An empty counter is none: a key with numbers of its own is carried over anew, and what was never asked counts for the last time. */
  function carryAgain(inForce: RuleInForce, lineage: Lineage, counter: KeyCounter, stampUs: number): void {
    const { key, policy, rule } = inForce;
    if (policy === null || !hasOwn(records, inForce)) return;
    const soFar: Numbers = { limit: most, windowUs: rule.windowUs, burst: most };
    if (counter.usedAt(soFar, stampUs) > 0 || holds.on(counter).some(({ state }) => state === "open")) return;
    const carried = waiting(inForce, stampUs);
    if (carried !== null) lineage.pending.set(key, { ...carried, sources: askedAlone(carried.sources), isTold: true });
  }

  const resolve = (namespace: string, asked: Rule, key: string): RuleInForce => {
    const policy = records.policy(namespace, asked.policy);
    const rule = policy === null ? asked : ruleOf(policy);
    const own = records.numbers(namespace, asked.policy, key);
    const burst = rule.algorithm === Algorithm.tokenBucket ? (own?.burst ?? rule.burst) : rule.burst;
    return {
      asked,
      namespace,
      key,
      rule,
      numbers: { limit: own?.limit ?? rule.limit, windowUs: rule.windowUs, burst },
      policy,
      unknown: policy === null && asked.windowUs === 0,
      list: records.list(namespace, asked.policy, key),
      who: `${namespace}|${asked.policy}|${key}`,
    };
  };

  /** Carries over the keys that have open holds and that a policy counts now. */
  function carryHeld(stampUs: number): void {
    for (const [id, lineage] of lineages) {
      const [namespace = "", name = ""] = id.split("|");
      for (const [key, { holds: kept }] of [...lineage.pending]) {
        const policy = records.policy(namespace, name);
        if (policy === null || kept.every(({ state }) => state !== "open")) continue;
        const inForce = resolve(namespace, ruleOf(policy), key);
        if (!shapeOf(lineage, inForce.rule).homes.has(key)) carry(inForce, lineage, stampUs);
      }
    }
  }

  /**
   * What waits for these keys is theirs now, by the numbers that they have so far. What policies would have counted that
   * they were never asked under is told by that.
   */
  function carryRenumbered(namespace: string, renumbered: readonly (readonly [string, string])[], stampUs: number) {
    for (const [id, key] of renumbered) {
      const lineage = lineages.get(id)!;
      const policy = records.policy(namespace, id.slice(namespace.length + 1));
      if (policy === null) continue;
      const inForce = resolve(namespace, ruleOf(policy), key);
      if (!shapeOf(lineage, inForce.rule).homes.has(key)) carry(inForce, lineage, stampUs, true);
      const waits = lineage.pending.get(key)!;
      if (inForce.rule.algorithm === Algorithm.tokenBucket) {
        const { counter } = shapeOf(lineage, inForce.rule).homes.get(key)!;
        const said = neverAskedSay(waiting(inForce, stampUs)?.sources ?? [], stampUs);
        const missing = said - counter.usedAt(inForce.numbers, stampUs);
        if (missing > 0) counter.charge(carriedBy(inForce), missing, stampUs);
      }
      lineage.pending.set(key, { ...waits, sources: askedAlone(waits.sources), isTold: true });
    }
  }

  return {
    resolve,
    asked(inForce) {
      const { namespace, rule, asked, policy } = inForce;
      if (policy === null || asked.windowUs === 0) return;
      const lineage = lineageOf(namespace, rule.policy);
      lineage.askedUs = Math.max(lineage.askedUs, callersSpanUs(spanUs(asked)));
    },
    places,
    get carriedOver() {
      return carriedOver;
    },
    touch(inForce, stampUs) {
      const { namespace, rule, key } = inForce;
      if (rule.policy === "") {
        const identity = counterIdentity(namespace, rule, key);
        const own = inline.get(identity) ?? newHome(rule.algorithm, namespace);
        inline.set(identity, own);
        return own;
      }
      const lineage = lineageOf(namespace, rule.policy);
      const own = shapeOf(lineage, rule).homes.get(key);
      if (own === undefined) return carry(inForce, lineage, stampUs);
      carryAgain(inForce, lineage, own.counter, stampUs);
      return own;
    },
    look(inForce, stampUs) {
      const { namespace, rule, key } = inForce;
      if (rule.policy === "")
        return inline.get(counterIdentity(namespace, rule, key))?.counter ?? createKeyCounter(rule.algorithm);
      const lineage = lineageOf(namespace, rule.policy);
      const own = shapeOf(lineage, rule).homes.get(key);
      if (own !== undefined) return own.counter;
      const scratch = createKeyCounter(rule.algorithm);
      const carried = waiting(inForce, stampUs);
      if (carried !== null) {
        const { sources, atUs } = carried;
        const said = isTold(records, inForce, carried, stampUs) ? neverAskedSay(sources, atUs) : 0;
        chargeOn(scratch, rule.algorithm, carriedBy(inForce), usedOf(carried), atUs, said);
      }
      return scratch;
    },
    forget({ namespace, rule, key }) {
      if (rule.policy !== "") lineageOf(namespace, rule.policy).pending.delete(key);
    },
    moved(namespace, edits, after, stampUs) {
      carryRenumbered(namespace, renumberedBy(records, lineages, namespace, after), stampUs);
      for (const { name, from, to } of edits) {
        const lineage = lineages.get(`${namespace}|${name}`);
        if (lineage === undefined || goesOn(from, to, lineage)) continue;
        const keys = new Set([...lineage.shapes.values()].flatMap(({ homes }) => [...homes.keys()]));
        for (const key of lineage.pending.keys()) keys.add(key);
        const ownUs = from === null ? 0 : spanUs(ruleOf(from));
        const shapesUs = [...lineage.shapes.values()].map(({ windowUs }) => callersSpanUs(2 * windowUs));
        const heirsUs = Math.max(ownUs, to === null ? lineage.askedUs : spanUs(ruleOf(to)), ...shapesUs);
        const pending = new Map<string, Carried>();
        for (const key of keys) {
          const ownNow = () => records.numbers(namespace, name, key);
          const carried = handOn(holds, lineage, key, from, stampUs, heirsUs, ownNow);
          if (carried !== null) pending.set(key, carried);
        }
        const next = { ...newLineage(), isFirst: false, askedUs: lineage.askedUs, pending };
        lineages.set(`${namespace}|${name}`, next);
      }
    },
    renumbered(namespace, stampUs) {
      for (const [id, { shapes }] of lineages) {
        const policy = records.policy(namespace, id.slice(namespace.length + 1));
        if (policy === null || !id.startsWith(`${namespace}|`)) continue;
        for (const { algorithm, windowUs, homes } of shapes.values()) {
          if (algorithm !== Algorithm.tokenBucket) continue;
          for (const [key, { counter }] of homes)
            reckonRate(counter, windowUs, resolve(namespace, ruleOf(policy), key).numbers, stampUs);
        }
      }
    },
    settleHolds: carryHeld,
  };
}
