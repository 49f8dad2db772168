import { Algorithm, type PolicyDocument, type Rule } from "@quorumguard/limiter";
import { counterIdentity } from "../rate-limit/records.ts";
import { createKeyCounter, type KeyCounter, type Numbers } from "./key-counter.ts";
import type { HoldHome, NaiveHold, NaiveHolds } from "./naive-holds.ts";
import type { NaiveRecords, PolicyEdit } from "./naive-records.ts";

/** The rule that is in force for one key. */
export interface RuleInForce {
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

/** What a key had used when another rule took over, and the holds that were open on it. */
interface Carried {
  readonly used: number;
  readonly atUs: number;
  readonly holds: readonly NaiveHold[];
}

interface Shape {
  readonly algorithm: number;
  readonly windowUs: number;
  readonly homes: Map<string, { readonly home: HoldHome; readonly counter: KeyCounter }>;
}

/** How the keys of one name are counted now, and what is to be carried over to those that nobody has touched since. */
interface Lineage {
  shapes: Map<string, Shape>;
  pending: Map<string, Carried>;
}

/** The counters of a log by key, whatever rules took over from each other. */
export interface NaiveKeys {
  resolve(namespace: string, rule: Rule, key: string): RuleInForce;
  /** The key's counter, with what earlier rules counted carried over. */
  touch(inForce: RuleInForce): { readonly counter: KeyCounter; readonly home: HoldHome };
  /** The same, but nothing is changed: what a question sees. */
  look(inForce: RuleInForce): KeyCounter;
  /** Forgets what could still be carried over to the key: it was reset. */
  forget(inForce: RuleInForce): void;
  /** Policies are others from this stamp on. */
  moved(namespace: string, edits: readonly PolicyEdit[], stampUs: number): void;
  /** Carries over every key with open holds, before a takeover moves them. */
  settleHolds(): void;
  /** Counts that one rule handed to another, so far. */
  readonly carriedOver: number;
}

const most = 2_147_483_647;
const capacityOf = (algorithm: number, { limit, burst }: Numbers) =>
  algorithm === Algorithm.tokenBucket ? burst : limit;

/** The numbers of a policy as rules have them. */
function ruleOf({ name, algorithm, limit, windowMs, burst = 0 }: PolicyDocument): Rule {
  const numbers: Readonly<Record<PolicyDocument["algorithm"], Algorithm>> = {
    "sliding-window-log": Algorithm.slidingWindowLog,
    "token-bucket": Algorithm.tokenBucket,
    "sliding-window-counter": Algorithm.slidingWindowCounter,
    "fixed-window": Algorithm.fixedWindow,
    concurrency: Algorithm.concurrency,
  };
  return { algorithm: numbers[algorithm], limit, windowUs: windowMs * 1000, burst, policy: name };
}

/** Makes the counters of an empty log. */
export function createNaiveKeys(records: NaiveRecords, holds: NaiveHolds): NaiveKeys {
  const inline = new Map<string, { readonly home: HoldHome; readonly counter: KeyCounter }>();
  const lineages = new Map<string, Lineage>();
  let carriedOver = 0;

  function lineageOf(namespace: string, name: string): Lineage {
    const id = `${namespace}|${name}`;
    const lineage = lineages.get(id) ?? { shapes: new Map(), pending: new Map() };
    lineages.set(id, lineage);
    return lineage;
  }

  function shapeOf({ shapes }: Lineage, { algorithm, windowUs }: Rule): Shape {
    const id = `${algorithm}|${windowUs}`;
    const shape = shapes.get(id) ?? { algorithm, windowUs, homes: new Map() };
    shapes.set(id, shape);
    return shape;
  }

  function newHome(algorithm: number) {
    const counter = createKeyCounter(algorithm);
    const home: HoldHome = { algorithm, counter };
    return { home, counter };
  }

  /** Charges what was carried over, as of the stamp of the change, and lays the holds on. */
  function layOn(counter: KeyCounter, algorithm: number, numbers: Numbers, { used, atUs, holds: kept }: Carried): void {
    const amount = Math.min(used, capacityOf(algorithm, numbers));
    if (amount > 0) counter.charge(numbers, amount, atUs);
    for (const hold of kept) {
      hold.numbers = numbers;
      if (hold.state !== "settled" && hold.state !== "freed" && hold.expiryUs > atUs) counter.open(numbers, hold, atUs);
    }
  }

  function carry({ namespace, key, rule, numbers, policy }: RuleInForce, lineage: Lineage) {
    const made = newHome(rule.algorithm);
    const carried = lineage.pending.get(key);
    if (carried !== undefined) {
      carriedOver++;
      layOn(made.counter, rule.algorithm, numbers, carried);
      for (const hold of carried.holds) homeOf(hold, made);
      lineage.pending.delete(key);
      // Other inline rules of that name may ask for it, too: to them, the holds that went along count as used.
      const held = carried.holds.reduce((sum, { cost }) => sum + cost, 0);
      if (policy === null) lineage.pending.set(key, { used: carried.used + held, atUs: carried.atUs, holds: [] });
    }
    shapeOf(lineageOf(namespace, rule.policy), rule).homes.set(key, made);
    return made;
  }

  function homeOf(hold: NaiveHold, { home, counter }: { readonly home: HoldHome; readonly counter: KeyCounter }): void {
    Object.assign(hold, { home });
    home.counter = counter;
  }

  /** What a key of one epoch hands on at its end: the fullest of its shapes, without what is held. */
  function handOn(lineage: Lineage, key: string, from: PolicyDocument | null, endUs: number): Carried | null {
    let used = 0;
    const kept: NaiveHold[] = [];
    let isCounted = false;
    for (const { algorithm, windowUs, homes } of lineage.shapes.values()) {
      const own = homes.get(key);
      if (own === undefined) continue;
      isCounted = true;
      const numbers = { limit: most, windowUs, burst: algorithm === Algorithm.tokenBucket ? most : 0 };
      for (const hold of holds.on(own.counter)) {
        if (hold.expiryUs > endUs) {
          own.counter.settle(hold.numbers, hold, 0, endUs);
          kept.push(hold);
        }
      }
      used = Math.max(used, own.counter.usedAt(numbers, endUs));
      own.home.counter = null;
    }
    const before = lineage.pending.get(key) ?? null;
    if (used > 0 || kept.length > 0) return { used, atUs: endUs, holds: kept };
    if (before === null || (isCounted && from !== null)) return null;
    if (from === null) return before;
    // Nobody has touched the key under this policy: what it would have counted is what is left.
    const rule = ruleOf(from);
    const aged = createKeyCounter(rule.algorithm);
    layOn(aged, rule.algorithm, rule, before);
    const still = before.holds.filter(({ state, expiryUs }) => state === "open" && expiryUs > endUs);
    for (const hold of still) aged.settle(hold.numbers, hold, 0, endUs);
    const left = aged.usedAt({ ...rule, limit: most }, endUs);
    return left > 0 || still.length > 0 ? { used: left, atUs: endUs, holds: still } : null;
  }

  /** Whether counters of one document go on under the other as they are. */
  function goesOn(from: PolicyDocument | null, to: PolicyDocument | null): boolean {
    if (from === null || to === null) return false;
    if (from.algorithm !== to.algorithm || from.windowMs !== to.windowMs) return false;
    return from.algorithm !== "token-bucket" || (from.limit === to.limit && from.burst === to.burst);
  }

  const resolve = (namespace: string, asked: Rule, key: string): RuleInForce => {
    const policy = records.policy(namespace, asked.policy);
    const rule = policy === null ? asked : ruleOf(policy);
    const own = records.numbers(namespace, asked.policy, key);
    const burst = rule.algorithm === Algorithm.tokenBucket ? (own?.burst ?? rule.burst) : rule.burst;
    return {
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

  return {
    resolve,
    get carriedOver() {
      return carriedOver;
    },
    touch(inForce) {
      const { namespace, rule, key } = inForce;
      if (rule.policy === "") {
        const identity = counterIdentity(namespace, rule, key);
        const own = inline.get(identity) ?? newHome(rule.algorithm);
        inline.set(identity, own);
        return own;
      }
      const lineage = lineageOf(namespace, rule.policy);
      return shapeOf(lineage, rule).homes.get(key) ?? carry(inForce, lineage);
    },
    look(inForce) {
      const { namespace, rule, key, numbers } = inForce;
      if (rule.policy === "")
        return inline.get(counterIdentity(namespace, rule, key))?.counter ?? createKeyCounter(rule.algorithm);
      const lineage = lineageOf(namespace, rule.policy);
      const own = shapeOf(lineage, rule).homes.get(key);
      if (own !== undefined) return own.counter;
      const scratch = createKeyCounter(rule.algorithm);
      const carried = lineage.pending.get(key);
      if (carried !== undefined) {
        const before = carried.holds.map(({ numbers }) => numbers);
        layOn(scratch, rule.algorithm, numbers, carried);
        for (const [at, hold] of carried.holds.entries()) hold.numbers = before[at]!;
      }
      return scratch;
    },
    forget({ namespace, rule, key }) {
      if (rule.policy !== "") lineageOf(namespace, rule.policy).pending.delete(key);
    },
    moved(namespace, edits, stampUs) {
      for (const { name, from, to } of edits) {
        const lineage = lineages.get(`${namespace}|${name}`);
        if (lineage === undefined || goesOn(from, to)) continue;
        const keys = new Set([...lineage.shapes.values()].flatMap(({ homes }) => [...homes.keys()]));
        for (const key of lineage.pending.keys()) keys.add(key);
        const pending = new Map<string, Carried>();
        for (const key of keys) {
          const carried = handOn(lineage, key, from, stampUs);
          if (carried !== null) pending.set(key, carried);
        }
        lineages.set(`${namespace}|${name}`, { shapes: new Map(), pending });
      }
    },
    settleHolds() {
      for (const [id, lineage] of lineages) {
        const [namespace = "", name = ""] = id.split("|");
        for (const [key, { holds: kept }] of [...lineage.pending]) {
          const hold = kept.find(({ state }) => state === "open");
          if (hold === undefined) continue;
          const algorithm = hold.home.algorithm as Algorithm;
          const asked: Rule = { ...hold.numbers, algorithm, policy: name };
          const inForce = resolve(namespace, asked, key);
          if (!shapeOf(lineage, inForce.rule).homes.has(key)) carry(inForce, lineage);
        }
      }
    },
  };
}
