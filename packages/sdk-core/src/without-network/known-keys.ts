import type { ResolvedRule } from "../surface/resolved-rule.ts";
import type { Denial } from "./denials.ts";
import type { KeyLeases } from "./leases.ts";

/** Keys that were asked about lately get so many second chances before one of them has to go. */
const MAX_CHANCES = 8;

/** What this process knows of one key under one rule. */
export interface KnownKey {
  readonly rule: ResolvedRule;
  readonly key: string;
  /** The denial that was heard last; it names those of other costs. */
  denial: Denial | null;
  /** What is leased of it; null: its rule is not, or it was not asked for. */
  leases: KeyLeases | null;
  /** It was asked about since it was last looked at for room. */
  used: boolean;
  previous: KnownKey | null;
  next: KnownKey | null;
}

/** Which rule a pushed reset means: of a named one any of that name. */
export interface RuleIdentity {
  readonly policy: string;
  readonly algorithm: number;
  readonly windowUs: number;
  readonly limit: number;
  readonly burst: number;
}

/**
 * The keys that this process knows something of: found through their rules, so that a look costs one lookup by the key's text,
 * and held in one line, so that the one that was not asked about for longest makes room for another.
 */
export class KnownKeys {
  readonly #max: number;
  readonly #onLeaving: (known: KnownKey) => void;
  readonly #rules = new Set<ResolvedRule>();
  #oldest: KnownKey | null = null;
  #newest: KnownKey | null = null;
  #count = 0;

  /** At most `max` keys; `onLeaving` hears of each one that is forgotten. */
  constructor(max: number, onLeaving: (known: KnownKey) => void) {
    this.#max = max;
    this.#onLeaving = onLeaving;
  }

  get count(): number {
    return this.#count;
  }

  /** The key under that rule, known from now on; null: there is room for none at all. */
  open(rule: ResolvedRule, key: string): KnownKey | null {
    const found = rule.known?.get(key);
    if (found !== undefined) return found;
    if (this.#max === 0) return null;
    if (this.#count >= this.#max) this.#makeRoom();
    const known: KnownKey = { rule, key, denial: null, leases: null, used: false, previous: null, next: null };
    rule.known ??= new Map();
    rule.known.set(key, known);
    this.#rules.add(rule);
    this.#append(known);
    return known;
  }

  remove(known: KnownKey): void {
    const { rule, key } = known;
    this.#detach(known);
    rule.known?.delete(key);
    if (rule.known?.size === 0) {
      rule.known = null;
      this.#rules.delete(rule);
    }
    this.#onLeaving(known);
  }

  clear(): void {
    while (this.#oldest !== null) this.remove(this.#oldest);
  }

  /** Visits all; the visitor may remove the one that it is given. */
  forEach(visit: (known: KnownKey) => void): void {
    for (let known = this.#oldest; known !== null; ) {
      const { next } = known;
      visit(known);
      known = next;
    }
  }

  /** Visits the key under every rule that shares its counter (SEMANTICS K1). */
  forEachOf(identity: RuleIdentity, key: string, visit: (known: KnownKey) => void): void {
    for (const rule of [...this.#rules]) {
      const known = isSameCounter(rule, identity) ? rule.known?.get(key) : undefined;
      if (known !== undefined) visit(known);
    }
  }

  /** Who was asked about lately goes to the end of the line instead, a few times. */
  #makeRoom(): void {
    for (let chances = 0; chances < MAX_CHANCES && this.#oldest?.used === true; chances++) {
      const known = this.#oldest;
      known.used = false;
      this.#detach(known);
      this.#append(known);
    }
    if (this.#oldest !== null) this.remove(this.#oldest);
  }

  #append(known: KnownKey): void {
    known.previous = this.#newest;
    if (this.#newest === null) this.#oldest = known;
    else this.#newest.next = known;
    this.#newest = known;
    this.#count += 1;
  }

  #detach(known: KnownKey): void {
    if (known.previous === null) this.#oldest = known.next;
    else known.previous.next = known.next;
    if (known.next === null) this.#newest = known.previous;
    else known.next.previous = known.previous;
    known.previous = null;
    known.next = null;
    this.#count -= 1;
  }
}

const TOKEN_BUCKET = 2;

function isSameCounter(rule: ResolvedRule, identity: RuleIdentity): boolean {
  if (identity.policy !== "" || rule.policy !== "") return rule.policy === identity.policy;
  if (rule.algorithm !== identity.algorithm || rule.windowUs !== identity.windowUs) return false;
  return rule.algorithm !== TOKEN_BUCKET || (rule.limit === identity.limit && rule.burst === identity.burst);
}
