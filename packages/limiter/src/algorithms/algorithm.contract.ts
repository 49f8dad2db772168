import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { START_US } from "../testing/harness.ts";
import { LoneKey, lease, reservation } from "../testing/lone-key.ts";
import type { NaiveCounter } from "../testing/naive-counters.ts";
import type { CountingAlgorithm, Hold, Quota } from "./algorithm.ts";

const MAX_INT32 = 2_147_483_647;
const minute = 60_000_000;
const windowsUs = [1_000, 1_023, minute, 34_560_000_000_000] as const;

/** What the suite needs to know of an algorithm. */
export interface Contract {
  readonly algorithm: CountingAlgorithm;
  readonly createModel: () => NaiveCounter;
  /** For buckets as many tokens as the limit; else 0. */
  readonly hasBurst: boolean;
}

type Taking = "take" | "force" | "reserve" | "lease" | "longLease";
type Step =
  | { readonly kind: Taking; readonly cost: number; readonly part: number }
  | { readonly kind: "settle"; readonly which: number; readonly actual: number }
  | { readonly kind: "move"; readonly which: number; readonly jump: number }
  | { readonly kind: "limit"; readonly limit: number }
  | { readonly kind: "reset" };

const int32 = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 8 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: MAX_INT32 }) },
  { weight: 1, arbitrary: fc.constant(MAX_INT32) },
);
const cost = fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 3 }) }, { weight: 1, arbitrary: int32 });
const part = fc.integer({ min: 0, max: 40 });
const which = fc.nat({ max: 5 });
const taking = (kind: Taking) => fc.record({ kind: fc.constant(kind), cost, part });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: taking("take") },
  { weight: 1, arbitrary: taking("force") },
  { weight: 3, arbitrary: taking("reserve") },
  { weight: 3, arbitrary: taking("lease") },
  { weight: 2, arbitrary: taking("longLease") },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("settle" as const),
      which,
      actual: fc.oneof(fc.constant(0), cost),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("move" as const), which, jump: fc.nat({ max: 36 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("limit" as const), limit: int32 }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("reset" as const) }) },
);
/** Twelfths of a window that pass before a step, and microseconds on top. */
const pause = fc.record({
  twelfths: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 26 }) }),
  extraUs: fc.oneof(fc.constant(0), fc.nat({ max: 300 })),
});
const history = fc.record({
  quota: fc.record({
    limit: fc.oneof({ weight: 9, arbitrary: int32 }, { weight: 1, arbitrary: fc.constant(0) }),
    windowUs: fc.constantFrom(...windowsUs),
    burst: int32,
  }),
  steps: fc.array(fc.record({ step, pause }), { minLength: 1, maxLength: 40 }),
});

/** A key and its model, driven side by side. */
class Pair {
  readonly key: LoneKey;
  readonly model: NaiveCounter;
  stampUs = START_US;
  #open: Hold[] = [];

  constructor({ algorithm, createModel, hasBurst }: Contract, quota: Quota) {
    this.key = new LoneKey(algorithm, hasBurst ? quota : { ...quota, burst: 0 });
    this.model = createModel();
  }

  get quota(): Quota {
    return this.key.quota;
  }

  wait(us: number): void {
    this.stampUs += us;
    this.#open = this.#open.filter((hold) => hold.expiryUs > this.stampUs);
  }

  run(step: Step): void {
    switch (step.kind) {
      case "take":
        if (this.key.judge(step.cost, this.stampUs).allowed) this.#charge(step.cost);
        break;
      case "force":
        // A debt, which is never above what was reserved by more than a call may cost.
        if (this.quota.limit > 0 && step.cost < 100) this.#charge(step.cost);
        break;
      case "reserve":
        this.#hold(
          reservation(step.cost, this.stampUs, this.stampUs + 1 + Math.floor((step.part * this.quota.windowUs) / 8)),
        );
        break;
      case "lease":
        this.#lease(step.cost, step.part);
        break;
      case "longLease":
        this.#longLease(step.cost, step.part);
        break;
      case "settle":
        this.#settle(step.which, step.actual);
        break;
      case "move":
        this.#move(step.which, step.jump);
        break;
      case "limit":
        if (this.quota.limit > 0) this.key.quota = { ...this.quota, limit: step.limit };
        break;
      case "reset":
        this.#reset();
    }
  }

  #charge(cost: number): void {
    const word = this.key.fingerprint;
    this.key.charge(cost, this.stampUs);
    this.model.charge(this.quota, cost, this.stampUs);
    expect(this.key.fingerprint).not.toBe(word);
  }

  #hold(hold: Hold, judged = true): void {
    if (judged && !this.key.judge(hold.cost, this.stampUs).allowed) return;
    const word = this.key.fingerprint;
    this.key.hold(hold, this.stampUs);
    this.model.hold(this.quota, hold, this.stampUs);
    this.#open.push(hold);
    if (judged) expect(this.key.fingerprint).not.toBe(word);
  }

  #lease(cost: number, part: number): void {
    const mostUs = this.key.algorithm.leaseEndUs(this.quota, this.stampUs) - this.stampUs;
    const lengthUs = Math.ceil((mostUs * (part + 1)) / 41);
    if (lengthUs > 0) this.#hold(lease(cost, this.stampUs, this.stampUs + lengthUs));
  }

  /** One that was granted under longer windows, and was carried over to these: it may be spent in many of them. */
  #longLease(cost: number, part: number): void {
    if (this.key.algorithm.leaseEndUs(this.quota, this.stampUs) === this.stampUs) return;
    const lengthUs = Math.min(1_000_000, part === 40 ? 1_000_000 : Math.ceil((this.quota.windowUs * (part + 1)) / 4));
    this.#hold(lease(cost, this.stampUs, this.stampUs + lengthUs));
  }

  #settle(which: number, actual: number): void {
    const [hold] = this.#open.splice(which % (this.#open.length + 1), 1);
    if (hold === undefined) return;
    const word = this.key.fingerprint;
    const used = this.key.usedAt(this.stampUs);
    this.key.settle(hold, Math.min(actual, hold.cost + 100), this.stampUs);
    this.model.settle(this.quota, hold, Math.min(actual, hold.cost + 100), this.stampUs);
    if (this.key.usedAt(this.stampUs) !== used) expect(this.key.fingerprint).not.toBe(word);
  }

  /**
   * A takeover, `jump` twelfths of a window after the last stamp, or shortly before a window ends, so that leases are
   * moved across its boundary: a hold that was alive lives a little longer.
   */
  #move(which: number, jump: number): void {
    const [hold] = this.#open.splice(which % (this.#open.length + 1), 1);
    if (hold === undefined) return;
    const lengthUs = Math.min(1_000_000, Math.floor(this.quota.windowUs / 10));
    this.key.settle(hold, 0, this.stampUs);
    this.model.settle(this.quota, hold, 0, this.stampUs);
    const restUs = this.quota.windowUs - (this.stampUs % this.quota.windowUs);
    this.wait(jump <= 24 ? Math.floor((jump * this.quota.windowUs) / 12) : Math.max(0, restUs - (jump - 24)));
    const endUs = Math.max(hold.expiryUs, this.stampUs + lengthUs);
    const isLease = hold.datedUs === hold.expiryUs;
    this.#hold(isLease ? lease(hold.cost, this.stampUs, endUs) : { ...hold, expiryUs: endUs }, false);
  }

  #reset(): void {
    this.key.reset();
    this.model.reset();
    for (const hold of this.#open.splice(0)) this.#hold(hold, false);
  }
}

/** Everything that a judgement says is what the model says, and the waiting times are the shortest ones. */
function expectExact({ key, model, quota, stampUs }: Pair, cost: number): void {
  const told = key.judge(cost, stampUs);
  expect(told.available).toBe(model.available(quota, stampUs));
  expect(told.allowed).toBe(model.fits(quota, cost, stampUs));
  expect(told.never).toBe(quota.limit === 0 || cost > (quota.burst === 0 ? quota.limit : quota.burst));
  if (!told.allowed && !told.never) {
    expect(told.retryAfterUs).toBeGreaterThan(0);
    expectTurn(stampUs, told.retryAfterUs, (atUs) => model.fits(quota, cost, atUs));
    expect(key.judge(cost, stampUs + told.retryAfterUs).allowed || beyond(stampUs + told.retryAfterUs)).toBe(true);
    if (!beyond(stampUs + told.retryAfterUs))
      expect(key.judge(cost, stampUs + told.retryAfterUs - 1).allowed).toBe(false);
  } else {
    expect(told.retryAfterUs).toBe(0);
  }
  if (quota.limit === 0) return;
  expectTurn(stampUs, told.resetNowUs, (atUs) => model.isEmptyFrom(quota, atUs));
  if (told.allowed) {
    const charged = model.copy();
    charged.charge(quota, cost, stampUs);
    expectTurn(stampUs, told.resetChargedUs, (atUs) => charged.isEmptyFrom(quota, atUs));
  }
}

const beyond = (us: number) => us > Number.MAX_SAFE_INTEGER;

/** The condition holds from `afterUs` on, and not one microsecond earlier, nor at some earlier stamps. */
function expectTurn(stampUs: number, afterUs: number, condition: (atUs: number) => boolean): void {
  if (beyond(stampUs + afterUs)) return;
  expect(condition(stampUs + afterUs)).toBe(true);
  for (const earlierUs of [afterUs - 1, Math.floor(afterUs / 2), Math.floor(afterUs * 0.9), 0]) {
    if (earlierUs >= 0 && earlierUs < afterUs) expect(condition(stampUs + earlierUs)).toBe(false);
  }
}

/** The suite that every algorithm passes. */
export function describeAlgorithm(name: string, contract: Contract): void {
  describe(name, () => {
    const quotaOf = (limit: number, windowUs = minute): Quota => ({
      limit,
      windowUs,
      burst: contract.hasBurst ? limit : 0,
    });
    const create = (limit: number, windowUs = minute) => new LoneKey(contract.algorithm, quotaOf(limit, windowUs));

    it("says of every call what the model says: takes, debts, holds, takeovers, resets and changed limits", () => {
      fc.assert(
        fc.property(history, cost, ({ quota, steps }, probe) => {
          const pair = new Pair(contract, quota);
          for (const { step: each, pause: before } of steps) {
            pair.wait(Math.floor((before.twelfths * quota.windowUs) / 12) + before.extraUs);
            pair.run(each);
            expectExact(pair, probe);
            const group = pair.key.judge(1, pair.stampUs, probe);
            expect(group.allowed).toBe(pair.model.fits(pair.quota, probe + 1, pair.stampUs));
          }
        }),
        { numRuns: 300 },
      );
    });

    it("comes to the same words for the same history", () => {
      fc.assert(
        fc.property(history, ({ quota, steps }) => {
          const pairs = [new Pair(contract, quota), new Pair(contract, quota)];
          for (const { step: each, pause: before } of steps) {
            for (const pair of pairs) {
              pair.wait(Math.floor((before.twelfths * quota.windowUs) / 12) + before.extraUs);
              pair.run(each);
            }
            expect(pairs[0]!.key.fingerprint).toBe(pairs[1]!.key.fingerprint);
          }
        }),
        { numRuns: 100 },
      );
    });

    it("K3 limit 0 is never allowed, nor is a cost above the limit", () => {
      expect(create(0).judge(1, START_US)).toMatchObject({
        allowed: false,
        never: true,
        available: 0,
        retryAfterUs: 0,
      });
      expect(create(5).judge(6, START_US)).toMatchObject({
        allowed: false,
        never: true,
        available: 5,
        retryAfterUs: 0,
      });
      expect(create(MAX_INT32).take(MAX_INT32, START_US)).toBe(true);
    });

    it("R1 what is reserved cannot be taken, and a cancel does not make it twice", () => {
      const key = create(10);
      const held = reservation(10, START_US, START_US + minute * 10);
      key.hold(held, START_US);
      expect(key.judge(1, START_US).available).toBe(0);
      const laterUs = START_US + minute * 4;
      const taken = key.take(10, laterUs) ? 10 : 0;
      key.settle(held, 0, laterUs);
      expect(taken + key.judge(1, laterUs).available).toBe(10);
    });

    it("R1 a cancel at once gives back all, a smaller commit the rest", () => {
      const key = create(10);
      const first = reservation(6, START_US, START_US + minute);
      key.hold(first, START_US);
      key.settle(first, 0, START_US);
      expect(key.judge(1, START_US)).toMatchObject({ available: 10, resetNowUs: 0 });
    });

    it("L3 a reset keeps what is held counted, and a cut of the limit too", () => {
      const key = create(10);
      const held = reservation(4, START_US, START_US + minute);
      key.hold(held, START_US);
      if (key.judge(6, START_US).allowed) key.charge(6, START_US);
      key.reset();
      key.hold(held, START_US);
      expect(key.judge(1, START_US).available).toBe(6);
      key.quota = quotaOf(3);
      expect(key.judge(1, START_US)).toMatchObject({ allowed: false, never: false, available: 0 });
      key.settle(held, 0, START_US);
      expect(key.judge(1, START_US).available).toBe(3);
    });

    it("a key that holds does not expire before the hold does", () => {
      const key = create(10);
      key.hold(reservation(1, START_US, START_US + minute * 100), START_US);
      expect(key.expiryUs).toBeGreaterThanOrEqual(START_US + minute * 100);
    });

    it("counts no more than 2^32 - 1, whatever the debts", () => {
      const key = create(MAX_INT32);
      for (let i = 0; i < 5; i++) key.charge(MAX_INT32, START_US + i);
      expect(key.usedAt(START_US + 5)).toBeLessThanOrEqual(4_294_967_295);
      expect(key.usedAt(START_US + 5)).toBeGreaterThan(4_294_967_000);
      expect(key.judge(1, START_US + 5)).toMatchObject({ allowed: false, never: false, available: 0 });
      const { retryAfterUs } = key.judge(1, START_US + 5);
      expect(key.judge(1, START_US + 4 + retryAfterUs).allowed).toBe(false);
      expect(key.judge(1, START_US + 5 + retryAfterUs).allowed).toBe(true);
    });
  });
}
