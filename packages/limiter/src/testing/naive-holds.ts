import { Outcome } from "../call-batch.ts";
import { Algorithm, type Rule } from "../rule.ts";
import { Verb } from "../verb.ts";
import type { Item } from "./harness.ts";

/** What a call comes to, as far as the model tells it. */
export interface NaiveHoldResult {
  readonly outcome: number;
  readonly remaining: number;
  readonly handle: number;
}

/** How many holds may be open, and how long a silent session lives. */
export interface NaiveHoldBounds {
  readonly maxHolds: number;
  readonly maxHoldsPerSession: number;
  readonly sessionTtlUs: number;
}

/** A session of the model; whoever made it calls in its name. */
export interface NaiveSession {
  expiryUs: number;
  closed: boolean;
}

interface Hold {
  readonly number: number;
  readonly kind: "reservation" | "slot" | "lease";
  readonly cost: number;
  readonly openedUs: number;
  readonly ttlUs: number;
  readonly session: NaiveSession | null;
  fromUs: number;
  expiresUs: number;
  /** Over by its time, or with its session. */
  over: boolean;
  settledUs: number | null;
  actual: number;
  /** A reset has forgotten what it came to. */
  forgotten: boolean;
}

interface Key {
  readonly rule: Rule;
  takes: { readonly atUs: number; readonly amount: number }[];
  readonly holds: Hold[];
  wasReset: boolean;
}

/**
 * A deliberately dumb limiter with holds: everything that was ever taken, opened and settled, in lists that are looked
 * through at each question. Tells outcomes, what remains and the numbers of holds, and audits itself against the bounds
 * that are published.
 */
export class NaiveHolds {
  readonly #bounds: NaiveHoldBounds;
  readonly #keys = new Map<string, Key>();
  readonly #sessions: NaiveSession[] = [];
  #lastNumber = 0;
  #stampUs = 0;

  constructor(bounds: NaiveHoldBounds) {
    this.#bounds = bounds;
  }

  /** A new entry. Whatever is over at its stamp is over for good, unless a new leader wrote it. */
  enter(stampUs: number, takeover: boolean): void {
    const gapUs = stampUs - this.#stampUs;
    const ttlUs = this.#bounds.sessionTtlUs;
    if (takeover) {
      for (const session of this.#sessions) {
        if (session.expiryUs >= this.#stampUs) session.expiryUs = Math.max(session.expiryUs, stampUs + ttlUs);
      }
      for (const hold of this.#open()) {
        if (hold.kind !== "lease") hold.expiresUs = stampUs + hold.ttlUs;
        else if (gapUs > 0) {
          hold.fromUs = stampUs;
          hold.expiresUs += gapUs;
        }
      }
    }
    for (const hold of this.#open()) {
      const orphaned = hold.kind === "slot" && hold.session !== null && !isAlive(hold.session, stampUs);
      hold.over = hold.expiresUs <= stampUs || orphaned;
      if (orphaned && hold.expiresUs > stampUs) hold.expiresUs = stampUs;
    }
    this.#stampUs = stampUs;
  }

  register(): NaiveSession {
    const session = { expiryUs: this.#stampUs + this.#bounds.sessionTtlUs, closed: false };
    this.#sessions.push(session);
    return session;
  }

  isAlive(session: NaiveSession): boolean {
    return isAlive(session, this.#stampUs);
  }

  renew(session: NaiveSession): void {
    session.expiryUs = Math.max(session.expiryUs, this.#stampUs + this.#bounds.sessionTtlUs);
  }

  goodbye(session: NaiveSession): void {
    session.closed = true;
    for (const hold of this.#open()) if (hold.kind === "slot" && hold.session === session) hold.over = true;
  }

  /** Numbers of all holds that were ever opened on the item's key. */
  handles({ key, rule }: Item): number[] {
    return this.#keyOf(key, rule).holds.map((hold) => hold.number);
  }

  call(item: Item, session: NaiveSession | null): NaiveHoldResult {
    const key = this.#keyOf(item.key, item.rule);
    if (session !== null) this.renew(session);
    switch (item.verb ?? Verb.take) {
      case Verb.take:
        return this.#take(key, item.cost ?? 1);
      case Verb.reset:
        key.takes = [];
        key.wasReset = true;
        for (const hold of key.holds) if (!isOpen(hold)) hold.forgotten = true;
        return this.#done(key);
      case Verb.reserve: {
        const isSlot = item.rule.algorithm === Algorithm.concurrency;
        const ttlUs = (item.ttlMs ?? 0) * 1000 || (isSlot ? item.rule.windowUs : Math.min(item.rule.windowUs, 60e6));
        return this.#openHold(key, isSlot ? "slot" : "reservation", item.cost ?? 1, session, ttlUs);
      }
      case Verb.grant:
        return this.#grant(key, item, session);
      default:
        return this.#settle(key, item, session);
    }
  }

  #take(key: Key, cost: number): NaiveHoldResult {
    if (key.rule.algorithm === Algorithm.concurrency) return refused(Outcome.needsReservation);
    const available = this.#available(key);
    if (cost > available) return { outcome: Outcome.limited, remaining: available, handle: 0 };
    key.takes.push({ atUs: this.#stampUs, amount: cost });
    return { outcome: Outcome.allowed, remaining: available - cost, handle: 0 };
  }

  #grant(key: Key, item: Item, session: NaiveSession | null): NaiveHoldResult {
    const { algorithm, windowUs } = key.rule;
    if (algorithm === Algorithm.concurrency) return refused(Outcome.needsReservation);
    let lengthUs = Math.min(1e6, Math.floor(windowUs / 10));
    if (algorithm === Algorithm.fixedWindow || algorithm === Algorithm.slidingWindowCounter) {
      lengthUs = Math.min(lengthUs, windowUs - 1 - (this.#stampUs % windowUs));
    }
    if (item.ttlMs) lengthUs = Math.min(lengthUs, item.ttlMs * 1000);
    if (lengthUs < 1000) return { outcome: Outcome.limited, remaining: this.#available(key), handle: 0 };
    return this.#openHold(key, "lease", item.cost ?? 1, session, lengthUs);
  }

  #openHold(key: Key, kind: Hold["kind"], cost: number, session: NaiveSession | null, ttlUs: number): NaiveHoldResult {
    const available = this.#available(key);
    if (cost > available) return { outcome: Outcome.limited, remaining: available, handle: 0 };
    const open = this.#open();
    const ofSession = session === null ? 0 : open.filter((hold) => hold.session === session).length;
    if (open.length >= this.#bounds.maxHolds || ofSession >= this.#bounds.maxHoldsPerSession) {
      return refused(Outcome.holdsFull);
    }
    const at = this.#stampUs;
    const number = ++this.#lastNumber;
    const state = { over: false, settledUs: null, actual: 0, forgotten: false };
    key.holds.push({
      ...{ number, kind, cost, session, ttlUs, openedUs: at, fromUs: at, expiresUs: at + ttlUs },
      ...state,
    });
    return { ...this.#done(key), handle: number };
  }

  #settle(key: Key, item: Item, session: NaiveSession | null): NaiveHoldResult {
    const hold = key.holds.find((each) => each.number === item.handle);
    if (hold === undefined || !isOpen(hold)) return refused(Outcome.notHeld);
    if (hold.session !== null && hold.session !== session) return refused(Outcome.notHeld);
    if ((hold.kind === "lease") !== (item.verb === Verb.giveBack)) return refused(Outcome.notHeld);
    const cost = item.cost ?? 1;
    const byVerb = item.verb === Verb.commit ? cost : item.verb === Verb.cancel ? 0 : Math.max(0, hold.cost - cost);
    hold.settledUs = this.#stampUs;
    hold.actual = byVerb;
    const { algorithm } = key.rule;
    if (algorithm !== Algorithm.tokenBucket && algorithm !== Algorithm.concurrency && byVerb > hold.cost) {
      key.takes.push({ atUs: this.#stampUs, amount: byVerb - hold.cost });
      hold.actual = hold.cost;
    }
    return this.#done(key);
  }

  #done(key: Key): NaiveHoldResult {
    return { outcome: Outcome.allowed, remaining: this.#available(key), handle: 0 };
  }

  #keyOf(name: string, rule: Rule): Key {
    const id = JSON.stringify([name, rule]);
    const key = this.#keys.get(id) ?? { rule, takes: [], holds: [], wasReset: false };
    this.#keys.set(id, key);
    return key;
  }

  #open(): Hold[] {
    return [...this.#keys.values()].flatMap((key) => key.holds.filter(isOpen));
  }

  #available(key: Key): number {
    const { rule } = key;
    const at = this.#stampUs;
    const capacity = rule.algorithm === Algorithm.tokenBucket ? rule.burst : rule.limit;
    return Math.max(0, capacity - usedAt(key, at));
  }

  /** What breaks a published bound, in words; resets begin anew by intent, so keys that had one are left out. */
  audit(): string[] {
    const broken: string[] = [];
    for (const [id, key] of this.#keys) {
      if (key.wasReset) continue;
      const most = key.rule.algorithm === Algorithm.tokenBucket ? bucketExcess(key) : windowExcess(key);
      if (most > 0) broken.push(`${id} admitted ${most} too many`);
    }
    return broken;
  }
}

function refused(outcome: number): NaiveHoldResult {
  return { outcome, remaining: 0, handle: 0 };
}

function isAlive(session: NaiveSession, stampUs: number): boolean {
  return !session.closed && session.expiryUs >= stampUs;
}

function isOpen(hold: Hold): boolean {
  return !hold.over && hold.settledUs === null;
}

function usedAt(key: Key, at: number): number {
  const { algorithm, windowUs } = key.rule;
  const holds = key.holds.filter((hold) => !hold.forgotten);
  if (algorithm === Algorithm.concurrency) return sum(holds.filter(isOpen).map((hold) => hold.cost));
  if (algorithm === Algorithm.tokenBucket) {
    const held = sum(holds.filter(isOpen).map((hold) => hold.cost));
    return held + bucketLevel(key, at);
  }
  if (algorithm === Algorithm.slidingWindowLog) {
    const all = amounts(key).filter((each) => each.datedUs + windowUs > at);
    return sum(all.map((each) => each.amount));
  }
  const inWindow = (window: number) =>
    sum(
      amounts(key)
        .filter(({ fromUs, datedUs }) => [fromUs, datedUs].some((each) => Math.floor(each / windowUs) === window))
        .map((each) => each.amount),
    );
  const window = Math.floor(at / windowUs);
  if (algorithm === Algorithm.fixedWindow) return inWindow(window);
  const share = BigInt(inWindow(window - 1)) * BigInt(windowUs - (at % windowUs));
  return inWindow(window) + Number((share + BigInt(windowUs) - 1n) / BigInt(windowUs));
}

/** What a key's windows count, each amount with the stamps between which it was spent. */
function amounts(key: Key): { readonly fromUs: number; readonly datedUs: number; readonly amount: number }[] {
  const taken = key.takes.map(({ atUs, amount }) => ({ fromUs: atUs, datedUs: atUs, amount }));
  const held = key.holds.filter((hold) => !hold.forgotten);
  const ofHolds = held.map((hold) => {
    if (hold.kind === "lease") {
      const amount = hold.settledUs === null ? hold.cost : hold.actual;
      return { fromUs: hold.fromUs, datedUs: hold.expiresUs, amount };
    }
    const dates = { fromUs: hold.openedUs, datedUs: hold.openedUs };
    return { ...dates, amount: isGivenBack(hold, key.rule) ? hold.actual : hold.cost };
  });
  return [...taken, ...ofHolds];
}

/** Whether a settled reservation's charge was still counted when it was settled. */
function isGivenBack(hold: Hold, { algorithm, windowUs }: Rule): boolean {
  if (hold.settledUs === null) return false;
  if (algorithm === Algorithm.slidingWindowLog) return hold.openedUs + windowUs > hold.settledUs;
  const behind = Math.floor(hold.settledUs / windowUs) - Math.floor(hold.openedUs / windowUs);
  return behind <= (algorithm === Algorithm.slidingWindowCounter ? 1 : 0);
}

/** Whole tokens in use at the stamp, rounded up, without what open holds keep. */
function bucketLevel(key: Key, at: number): number {
  const [limit, window] = [BigInt(key.rule.limit), BigInt(key.rule.windowUs)];
  const pours = key.takes.map(({ atUs, amount }) => ({ atUs, amount }));
  for (const hold of key.holds) {
    if (hold.forgotten) continue;
    if (hold.settledUs !== null) pours.push({ atUs: hold.settledUs, amount: hold.actual });
    else if (hold.over) pours.push({ atUs: hold.expiresUs, amount: hold.cost });
  }
  pours.sort((a, b) => a.atUs - b.atUs);
  let level = 0n;
  let last = 0;
  for (const { atUs, amount } of [...pours, { atUs: at, amount: 0 }]) {
    const drained = level - BigInt(atUs - last) * limit;
    level = (drained > 0n ? drained : 0n) + BigInt(amount) * window;
    last = atUs;
  }
  return Number((level + window - 1n) / window);
}

/** What was reserved or taken, without debts: what the bounds speak of. */
function admitted(key: Key): { readonly atUs: number; readonly amount: number }[] {
  const debts = new Set(key.holds.map((hold) => hold.settledUs));
  const takes = key.takes.filter((take) => !debts.has(take.atUs));
  const ofHolds = key.holds.map((hold) => {
    const back = hold.kind === "lease" ? hold.settledUs !== null : isGivenBack(hold, key.rule);
    const amount = back || hold.kind === "slot" ? Math.min(hold.actual, hold.cost) : hold.cost;
    return { atUs: hold.kind === "lease" ? hold.expiresUs : hold.openedUs, amount };
  });
  return [...takes, ...ofHolds];
}

/** By how much the fullest window, of those that the bound speaks of, exceeds the limit; 0 if none does. */
function windowExcess(key: Key): number {
  const { algorithm, limit, windowUs } = key.rule;
  if (algorithm === Algorithm.concurrency) return 0;
  const all = admitted(key);
  const excess = all.map(({ atUs }) => {
    const fromUs = algorithm === Algorithm.slidingWindowLog ? atUs : atUs - (atUs % windowUs);
    const inside = all.filter((each) => each.atUs >= fromUs && each.atUs < fromUs + windowUs);
    return sum(inside.map((each) => each.amount)) - limit;
  });
  return Math.max(0, ...excess);
}

/** The same for every interval and burst + limit × its length / window. */
function bucketExcess(key: Key): number {
  const { limit, windowUs, burst } = key.rule;
  const all = key.takes.map(({ atUs, amount }) => ({ atUs, amount }));
  for (const hold of key.holds) {
    const amount = hold.settledUs === null ? hold.cost : Math.min(hold.actual, hold.cost);
    all.push({ atUs: hold.settledUs ?? hold.openedUs, amount });
  }
  let most = 0;
  for (const { atUs: fromUs } of all) {
    for (const { atUs: toUs } of all) {
      if (toUs < fromUs) continue;
      const inside = sum(all.filter((each) => each.atUs >= fromUs && each.atUs <= toUs).map((each) => each.amount));
      most = Math.max(most, Math.ceil(inside - burst - ((toUs - fromUs) * limit) / windowUs));
    }
  }
  return most;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
