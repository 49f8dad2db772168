import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { START_US } from "../testing/harness.ts";
import { LoneKey, lease, reservation } from "../testing/lone-key.ts";
import type { CountingAlgorithm, Hold } from "./algorithm.ts";
import { concurrency } from "./concurrency.ts";
import { fixedWindow } from "./fixed-window.ts";
import { slidingWindowCounter } from "./sliding-window-counter.ts";
import { slidingWindowLog } from "./sliding-window-log.ts";
import { tokenBucket } from "./token-bucket.ts";

interface Admission {
  readonly atUs: number;
  readonly cost: number;
}

/** A beginning of a window, whatever the length. */
function aligned(windowUs: number): number {
  return Math.ceil(START_US / windowUs) * windowUs;
}

function sumBetween(admissions: readonly Admission[], fromUs: number, toUs: number): number {
  return admissions.reduce((sum, each) => (each.atUs >= fromUs && each.atUs < toUs ? sum + each.cost : sum), 0);
}

/** The most that any half-open window of the length holds: one that begins with an admission holds it. */
function mostInWindow(admissions: readonly Admission[], windowUs: number): number {
  return Math.max(0, ...admissions.map(({ atUs }) => sumBetween(admissions, atUs, atUs + windowUs)));
}

/** The published bound of the two-bucket estimate. */
function counterBound(limit: number, windowUs: number): number {
  return 2 * limit - Math.ceil((2 * limit) / windowUs);
}

describe("sliding-window counter: at most 2L - ⌈2L/W⌉ in a window", () => {
  /** Tries every schedule of `buckets` windows of a few microseconds, and returns the most found in one window. */
  function worst(limit: number, windowUs: number, buckets: number): number {
    const key = new LoneKey(slidingWindowCounter, { limit, windowUs, burst: 0 });
    const startUs = aligned(windowUs);
    const admitted: number[] = [];
    let most = 0;
    const search = (tick: number) => {
      if (tick === windowUs * buckets) return;
      const before = key.save();
      const { available } = key.judge(1, startUs + tick);
      for (let cost = available; cost >= 0; cost--) {
        if (cost > 0) key.charge(cost, startUs + tick);
        admitted[tick] = cost;
        let sum = 0;
        for (let back = Math.max(0, tick - windowUs + 1); back <= tick; back++) sum += admitted[back]!;
        most = Math.max(most, sum);
        search(tick + 1);
        key.restore(before);
      }
    };
    search(0);
    return most;
  }

  it.each([
    [1, 2, 3],
    [1, 5, 3],
    [2, 3, 3],
    [3, 3, 3],
    [4, 2, 3],
    [4, 3, 2],
    [2, 5, 2],
    [3, 4, 2],
    [4, 4, 2],
    [5, 4, 2],
  ])("no schedule is worse, and one is as bad: limit %i, windows of %i microseconds", (limit, windowUs, buckets) => {
    expect(worst(limit, windowUs, buckets)).toBe(counterBound(limit, windowUs));
  });

  it.each([
    [1_000, 60_000_000],
    [7, 1_000],
    [999, 1_000],
    [100_000, 1_000],
  ])("is reached: limit %i, windows of %i microseconds", (limit, windowUs) => {
    const key = new LoneKey(slidingWindowCounter, { limit, windowUs, burst: 0 });
    const endUs = aligned(windowUs) + windowUs;
    key.charge(limit, endUs - 1);
    let most = limit;
    for (let atUs = endUs; atUs < endUs + windowUs - 1; ) {
      const { available, allowed, retryAfterUs } = key.judge(1, atUs);
      if (allowed) {
        key.charge(available, atUs);
        most += available;
      } else {
        atUs += retryAfterUs;
      }
    }
    expect(most).toBe(counterBound(limit, windowUs));
  });
});

it("fixed window: at most 2L in a window that begins elsewhere, which is reached", () => {
  const windowUs = 1_000;
  const key = new LoneKey(fixedWindow, { limit: 5, windowUs, burst: 0 });
  const endUs = aligned(windowUs) + windowUs;
  expect(key.take(5, endUs - 1)).toBe(true);
  expect(key.take(1, endUs - 1)).toBe(false);
  expect(key.take(5, endUs)).toBe(true);
  expect(key.take(1, endUs + windowUs - 1)).toBe(false);
});

/** Takes and leases at random stamps, leases spent at random before they end, some moved by a takeover's jump. */
const adversary = fc.record({
  limit: fc.integer({ min: 1, max: 30 }),
  windowUs: fc.constantFrom(1_000, 1_001, 2_000),
  steps: fc.array(
    fc.record({
      waitUs: fc.oneof(fc.constant(0), fc.nat({ max: 30 }), fc.nat({ max: 700 })),
      cost: fc.integer({ min: 1, max: 8 }),
      kind: fc.constantFrom("take", "take", "lease", "takeover", "return"),
      spend: fc.nat({ max: 8 }),
    }),
    { minLength: 30, maxLength: 80 },
  ),
});

interface OpenLease {
  hold: Hold;
  left: number;
}

/** Plays a schedule and returns what was admitted: takes when taken, leases when spent. */
function play(
  algorithm: CountingAlgorithm,
  { limit, windowUs, steps }: { limit: number; windowUs: number; steps: readonly Step[] },
): Admission[] {
  const key = new LoneKey(algorithm, { limit, windowUs, burst: algorithm === tokenBucket ? limit : 0 });
  const admissions: Admission[] = [];
  let open: OpenLease[] = [];
  let stampUs = START_US;
  const spendUntil = (each: OpenLease, atUs: number, most: number) => {
    const cost = Math.min(each.left, most);
    each.left -= cost;
    if (cost > 0) admissions.push({ atUs: Math.min(atUs, each.hold.expiryUs - 1), cost });
  };
  for (const { waitUs, cost, kind, spend } of steps) {
    if (kind === "takeover") {
      const alive = open;
      for (const each of alive) key.settle(each.hold, 0, stampUs);
      stampUs += waitUs;
      for (const each of alive) {
        const endUs = Math.max(each.hold.expiryUs, stampUs + Math.floor(windowUs / 10));
        each.hold = lease(each.hold.cost, stampUs, endUs);
        key.hold(each.hold, stampUs);
      }
    } else {
      stampUs += waitUs;
      // What is left of an ending lease is spent in its last microsecond: the worst that its client may do.
      for (const each of open) if (each.hold.expiryUs <= stampUs) spendUntil(each, each.hold.expiryUs - 1, each.left);
      open = open.filter((each) => each.hold.expiryUs > stampUs);
    }
    for (const each of open) spendUntil(each, stampUs, spend);
    if (kind === "return") {
      const each = open.shift();
      if (each !== undefined) key.settle(each.hold, each.hold.cost - each.left, stampUs);
    } else if (kind === "take") {
      if (key.take(cost, stampUs)) admissions.push({ atUs: stampUs, cost });
    } else if (kind === "lease") {
      const endUs = algorithm.leaseEndUs(key.quota, stampUs);
      if (endUs > stampUs && key.judge(cost, stampUs).allowed) {
        const hold = lease(cost, stampUs, endUs);
        key.hold(hold, stampUs);
        open.push({ hold, left: cost });
      }
    }
  }
  return admissions;
}

type Step = { waitUs: number; cost: number; kind: string; spend: number };

describe("L1 L2 leases, spent as late as they may be and moved by takeovers, never exceed the bound", () => {
  const check = (algorithm: CountingAlgorithm, bound: (limit: number, windowUs: number) => number) =>
    fc.assert(
      fc.property(adversary, (schedule) => {
        const most = mostInWindow(play(algorithm, schedule), schedule.windowUs);
        expect(most).toBeLessThanOrEqual(bound(schedule.limit, schedule.windowUs));
      }),
      { numRuns: 400 },
    );

  it("sliding-window log: the limit in every window", () => check(slidingWindowLog, (limit) => limit));

  it("sliding-window counter: 2L - ⌈2L/W⌉ in every window", () => check(slidingWindowCounter, counterBound));

  it("fixed window: twice the limit in every window, the limit in those that begin at multiples", () => {
    check(fixedWindow, (limit) => limit * 2);
    fc.assert(
      fc.property(adversary, (schedule) => {
        const admissions = play(fixedWindow, schedule);
        for (const { atUs } of admissions) {
          const fromUs = atUs - (atUs % schedule.windowUs);
          expect(sumBetween(admissions, fromUs, fromUs + schedule.windowUs)).toBeLessThanOrEqual(schedule.limit);
        }
      }),
      { numRuns: 400 },
    );
  });

  it("token bucket: burst + rate × time in every interval", () => {
    fc.assert(
      fc.property(adversary, (schedule) => {
        const { limit, windowUs } = schedule;
        const admissions = play(tokenBucket, schedule).sort((a, b) => a.atUs - b.atUs);
        for (const { atUs: fromUs } of admissions) {
          for (const { atUs: lastUs } of admissions) {
            if (lastUs < fromUs) continue;
            const most = limit + Math.floor((limit * (lastUs - fromUs)) / windowUs);
            expect(sumBetween(admissions, fromUs, lastUs + 1)).toBeLessThanOrEqual(most);
          }
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe("above 288 dates: late, never early", () => {
  const crowd = fc.record({
    windowUs: fc.constantFrom(1_000, 1_023, 100_000),
    steps: fc.array(fc.record({ gap: fc.nat({ max: 100 }), back: fc.nat({ max: 900 }), settles: fc.boolean() }), {
      minLength: 900,
      maxLength: 900,
    }),
  });

  it("sliding-window log: reservations among many are given back exactly as counted, up to window/256 late", () => {
    fc.assert(
      fc.property(crowd, ({ windowUs, steps }) => {
        const key = new LoneKey(slidingWindowLog, { limit: 1_000_000, windowUs, burst: 0 });
        const charges: { atUs: number; cost: number; hold: Hold }[] = [];
        const used = (horizonUs: number) =>
          charges.reduce((sum, each) => (each.atUs > horizonUs ? sum + each.cost : sum), 0);
        let stampUs = START_US;
        for (const { gap, back, settles } of steps) {
          stampUs += Math.floor((gap * windowUs) / 25_000);
          const hold = reservation(3, stampUs, stampUs + windowUs * 2);
          key.hold(hold, stampUs);
          charges.push({ atUs: stampUs, cost: 3, hold });
          // Some of those that have just ended, too: their cell may still hold others, whose charge is not theirs to give.
          const ended = charges.filter((each) => each.atUs <= stampUs - windowUs).length;
          const other = charges[back < 200 ? ended - 1 - (back % 4) : charges.length - 1 - back];
          if (settles && other?.cost === 3) {
            key.settle(other.hold, 1, stampUs);
            other.cost = 1;
          }
          expect(key.usedAt(stampUs)).toBeGreaterThanOrEqual(used(stampUs - windowUs));
          const latestUs = stampUs - windowUs - Math.ceil(windowUs / 256);
          // A charge that was settled when it had ended, but still counted, keeps what it held until then.
          const most =
            used(latestUs) +
            2 * charges.filter((each) => each.atUs > latestUs && each.atUs <= stampUs - windowUs).length;
          expect(key.usedAt(stampUs)).toBeLessThanOrEqual(most);
        }
      }),
      { numRuns: 15 },
    );
  });

  it("concurrency: slots beyond 288 ends are free at once if given back, else less than 1/128 late", () => {
    const slots = fc.array(fc.record({ lifeUs: fc.integer({ min: 1, max: 50_000 }), gives: fc.nat({ max: 3_000 }) }), {
      minLength: 700,
      maxLength: 700,
    });
    fc.assert(
      fc.property(slots, (steps) => {
        const key = new LoneKey(concurrency, { limit: 1_000, windowUs: 50_000, burst: 0 });
        let open: Hold[] = [];
        let stampUs = START_US;
        for (const { lifeUs, gives } of steps) {
          stampUs += 13;
          open = open.filter((hold) => hold.expiryUs > stampUs - 50_000);
          const hold = reservation(1, stampUs, stampUs + lifeUs);
          key.hold(hold, stampUs);
          open.push(hold);
          const given = open[gives];
          if (given !== undefined && given.expiryUs > stampUs) {
            key.settle(given, 0, stampUs);
            open.splice(gives, 1);
          }
          expect(key.usedAt(stampUs)).toBeGreaterThanOrEqual(open.filter((each) => each.expiryUs > stampUs).length);
          const latestUs = stampUs - 50_000 / 128;
          expect(key.usedAt(stampUs)).toBeLessThanOrEqual(open.filter((each) => each.expiryUs > latestUs).length);
        }
        expect(key.usedAt(stampUs + 50_000 * 2)).toBe(0);
      }),
      { numRuns: 10 },
    );
  });
});
