import type { Hold, Quota } from "../algorithms/algorithm.ts";

/** Deliberately dumb counters: every charge ever made in a list, looked through at each question, in integers of any size. */
export interface NaiveCounter {
  /** Whether `cost` fits at `stampUs`, if nothing else happens until then. */
  fits(quota: Quota, cost: number, stampUs: number): boolean;
  /** What could be taken at the stamp. */
  available(quota: Quota, stampUs: number): number;
  /** Whether it is as if never used from the stamp on. */
  isEmptyFrom(quota: Quota, stampUs: number): boolean;
  charge(quota: Quota, cost: number, stampUs: number): void;
  hold(quota: Quota, hold: Hold, stampUs: number): void;
  settle(quota: Quota, hold: Hold, actual: number, stampUs: number): void;
  reset(): void;
  copy(): NaiveCounter;
}

/** An amount that counts while `counts` says so. */
interface Charge {
  amount: bigint;
  readonly fromUs: number;
  readonly datedUs: number;
  endUs: number;
  readonly hold: Hold | null;
}

abstract class ListCounter implements NaiveCounter {
  protected charges: Charge[] = [];

  protected abstract used(quota: Quota, stampUs: number): bigint;
  /** Whether some charge counts at the stamp or later. */
  protected abstract countsFrom(quota: Quota, charge: Charge, stampUs: number): boolean;
  protected abstract created(): ListCounter;

  fits(quota: Quota, cost: number, stampUs: number): boolean {
    return this.used(quota, stampUs) + BigInt(cost) <= BigInt(quota.limit);
  }

  available(quota: Quota, stampUs: number): number {
    return Math.max(0, quota.limit - Number(this.used(quota, stampUs)));
  }

  isEmptyFrom(quota: Quota, stampUs: number): boolean {
    return !this.charges.some((charge) => charge.amount > 0n && this.countsFrom(quota, charge, stampUs));
  }

  charge(quota: Quota, cost: number, stampUs: number): void {
    const endUs = stampUs + quota.windowUs;
    this.charges.push({ amount: BigInt(cost), fromUs: stampUs, datedUs: stampUs, endUs, hold: null });
  }

  hold(_quota: Quota, hold: Hold): void {
    const { cost, fromUs, datedUs, expiryUs } = hold;
    this.charges.push({ amount: BigInt(cost), fromUs, datedUs, endUs: expiryUs, hold });
  }

  settle(quota: Quota, hold: Hold, actual: number, stampUs: number): void {
    const charge = this.charges.find((each) => each.hold === hold)!;
    if (actual > hold.cost) this.charge(quota, actual - hold.cost, stampUs);
    else charge.amount = BigInt(actual);
  }

  reset(): void {
    this.charges = [];
  }

  copy(): NaiveCounter {
    const copy = this.created();
    copy.charges = this.charges.map((charge) => ({ ...charge }));
    return copy;
  }
}

const sum = (charges: readonly Charge[]) => charges.reduce((total, charge) => total + charge.amount, 0n);

export class NaiveLog extends ListCounter {
  protected used(quota: Quota, stampUs: number): bigint {
    return sum(this.charges.filter((charge) => this.countsFrom(quota, charge, stampUs)));
  }

  protected countsFrom(quota: Quota, charge: Charge, stampUs: number): boolean {
    return charge.datedUs + quota.windowUs > stampUs;
  }

  protected created(): ListCounter {
    return new NaiveLog();
  }
}

const windowOf = (quota: Quota, stampUs: number) => BigInt(stampUs) / BigInt(quota.windowUs);

export class NaiveFixedWindow extends ListCounter {
  protected in(quota: Quota, window: bigint): bigint {
    return sum(
      this.charges.filter(
        (charge) => windowOf(quota, charge.fromUs) <= window && window <= windowOf(quota, charge.datedUs),
      ),
    );
  }

  protected used(quota: Quota, stampUs: number): bigint {
    return this.in(quota, windowOf(quota, stampUs));
  }

  protected countsFrom(quota: Quota, charge: Charge, stampUs: number): boolean {
    return windowOf(quota, charge.datedUs) >= windowOf(quota, stampUs);
  }

  protected created(): ListCounter {
    return new NaiveFixedWindow();
  }
}

export class NaiveWindowCounter extends NaiveFixedWindow {
  protected override used(quota: Quota, stampUs: number): bigint {
    const windowUs = BigInt(quota.windowUs);
    const window = windowOf(quota, stampUs);
    const left = (window + 1n) * windowUs - BigInt(stampUs);
    return (this.in(quota, window - 1n) * left + windowUs - 1n) / windowUs + this.in(quota, window);
  }

  protected override countsFrom(quota: Quota, charge: Charge, stampUs: number): boolean {
    return windowOf(quota, charge.datedUs) + 1n >= windowOf(quota, stampUs);
  }

  protected override created(): ListCounter {
    return new NaiveWindowCounter();
  }
}

export class NaiveSlots extends ListCounter {
  protected used(quota: Quota, stampUs: number): bigint {
    return sum(this.charges.filter((charge) => this.countsFrom(quota, charge, stampUs)));
  }

  protected countsFrom(_quota: Quota, charge: Charge, stampUs: number): boolean {
    return charge.endUs > stampUs;
  }

  override settle(_quota: Quota, hold: Hold): void {
    this.charges = this.charges.filter((each) => each.hold !== hold);
  }

  protected created(): ListCounter {
    return new NaiveSlots();
  }
}

/**
 * A bucket, told from its history: what was poured in and when, and what was held from when to when. The level is in
 * tokens × window. Each change notes the limit that it was made under; between two changes, the slower one drains.
 */
export class NaiveBucket implements NaiveCounter {
  #pours: { readonly atUs: number; readonly amount: bigint }[] = [];
  #holds: { readonly hold: Hold; readonly fromUs: number; endUs: number; actual: bigint }[] = [];
  #changes: { readonly atUs: number; readonly limit: number }[] = [];

  #held(stampUs: number): bigint {
    return this.#holds
      .filter(({ fromUs, endUs }) => fromUs <= stampUs && stampUs < endUs)
      .reduce((total, { hold }) => total + BigInt(hold.cost), 0n);
  }

  /** The limit at which it drains from `atUs` on, if the next change or question comes under `limit`. */
  #rate(atUs: number, untilLimit: number, stampUs: number): bigint {
    const before = this.#changes.findLast((each) => each.atUs <= atUs);
    const after = this.#changes.find((each) => each.atUs > atUs && each.atUs <= stampUs);
    return BigInt(Math.min(before?.limit ?? untilLimit, after?.limit ?? untilLimit));
  }

  #level(quota: Quota, stampUs: number): bigint {
    const last = this.#changes.at(-1)?.limit ?? quota.limit;
    // What is empty by the rate that it last knew may have been forgotten: then nothing is left to drain more slowly.
    if (last !== quota.limit && this.isEmptyFrom({ ...quota, limit: last }, stampUs)) return 0n;
    const pours = [...this.#pours];
    for (const { endUs, actual } of this.#holds) pours.push({ atUs: endUs, amount: actual });
    pours.sort((a, b) => a.atUs - b.atUs);
    const times = [...pours.map(({ atUs }) => atUs), ...this.#changes.map(({ atUs }) => atUs), stampUs];
    const stops = [...new Set(times)].filter((atUs) => atUs <= stampUs).sort((a, b) => a - b);
    let level = 0n;
    let lastUs = stops[0]!;
    for (const atUs of stops) {
      level -= BigInt(atUs - lastUs) * this.#rate(lastUs, quota.limit, stampUs);
      if (level < 0n) level = 0n;
      for (const pour of pours) if (pour.atUs === atUs) level += pour.amount * BigInt(quota.windowUs);
      lastUs = atUs;
    }
    return level;
  }

  #free(quota: Quota, stampUs: number): bigint {
    const windowUs = BigInt(quota.windowUs);
    return BigInt(quota.burst) * windowUs - this.#held(stampUs) * windowUs - this.#level(quota, stampUs);
  }

  fits(quota: Quota, cost: number, stampUs: number): boolean {
    return quota.limit > 0 && BigInt(cost) * BigInt(quota.windowUs) <= this.#free(quota, stampUs);
  }

  available(quota: Quota, stampUs: number): number {
    const free = this.#free(quota, stampUs);
    return quota.limit === 0 || free < 0n ? 0 : Number(free / BigInt(quota.windowUs));
  }

  isEmptyFrom(quota: Quota, stampUs: number): boolean {
    return this.#level(quota, stampUs) === 0n && !this.#holds.some(({ endUs }) => endUs > stampUs);
  }

  #note(quota: Quota, stampUs: number): void {
    if (this.isEmptyFrom(quota, stampUs)) this.reset();
    this.#changes.push({ atUs: stampUs, limit: quota.limit });
  }

  charge(quota: Quota, cost: number, stampUs: number): void {
    this.#note(quota, stampUs);
    this.#pours.push({ atUs: stampUs, amount: BigInt(cost) });
  }

  hold(quota: Quota, hold: Hold, stampUs: number): void {
    this.#note(quota, stampUs);
    this.#holds.push({ hold, fromUs: stampUs, endUs: hold.expiryUs, actual: BigInt(hold.cost) });
  }

  settle(quota: Quota, hold: Hold, actual: number, stampUs: number): void {
    this.#note(quota, stampUs);
    const held = this.#holds.find((each) => each.hold === hold)!;
    held.endUs = stampUs;
    held.actual = BigInt(actual);
  }

  reset(): void {
    this.#pours = [];
    this.#holds = [];
    this.#changes = [];
  }

  copy(): NaiveCounter {
    const copy = new NaiveBucket();
    copy.#pours = [...this.#pours];
    copy.#holds = this.#holds.map((held) => ({ ...held }));
    copy.#changes = [...this.#changes];
    return copy;
  }
}
