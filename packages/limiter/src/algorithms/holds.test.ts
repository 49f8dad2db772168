import { describe, expect, it } from "vitest";
import { START_US } from "../testing/harness.ts";
import { LoneKey, lease, reservation } from "../testing/lone-key.ts";
import type { CountingAlgorithm, Quota } from "./algorithm.ts";
import { concurrency } from "./concurrency.ts";
import { fixedWindow } from "./fixed-window.ts";
import { slidingWindowCounter } from "./sliding-window-counter.ts";
import { slidingWindowLog } from "./sliding-window-log.ts";
import { tokenBucket } from "./token-bucket.ts";

const second = 1_000_000;
const minute = 60 * second;
/** The beginning of a minute. */
const start = Math.ceil(START_US / minute) * minute;
const end = start + minute;

function keyOf(algorithm: CountingAlgorithm, limit: number, windowUs = minute): LoneKey {
  return new LoneKey(algorithm, { limit, windowUs, burst: algorithm === tokenBucket ? limit : 0 });
}

const available = (key: LoneKey, stampUs: number) => key.judge(1, stampUs).available;

describe("R1 reservations", () => {
  it("bucket: reserve 10, let 10 refill, take 10, cancel, take 10: never 20 at once", () => {
    const key = keyOf(tokenBucket, 10);
    const held = reservation(10, start, start + 10 * minute);
    key.hold(held, start);
    expect(key.take(1, start + 5 * minute)).toBe(false);
    key.settle(held, 0, start + 5 * minute);
    expect(key.take(10, start + 5 * minute)).toBe(true);
    expect(key.take(1, start + 5 * minute)).toBe(false);
  });

  it("bucket: what is committed is used from the commit on, and drains from there", () => {
    const key = keyOf(tokenBucket, 60);
    const held = reservation(60, start, start + 10 * minute);
    key.hold(held, start);
    key.settle(held, 30, start + minute);
    expect(available(key, start + minute)).toBe(30);
    expect(available(key, start + minute + 10 * second)).toBe(40);
    expect(key.judge(1, start + minute).resetNowUs).toBe(30 * second);
  });

  it("bucket: a hold that nobody settles is used from its end on, whenever the key is looked at next", () => {
    const key = keyOf(tokenBucket, 60);
    key.hold(reservation(60, start, start + minute), start);
    expect(key.judge(1, start + minute - 1)).toMatchObject({ available: 0, retryAfterUs: second + 1 });
    expect(available(key, start + minute + 10 * second)).toBe(10);
    expect(key.judge(1, start).resetNowUs).toBe(2 * minute);
  });

  it("bucket: the wait counts what drains before a hold ends and after it", () => {
    const key = keyOf(tokenBucket, 60);
    key.charge(30, start);
    key.hold(reservation(30, start, start + 20 * second), start);
    expect(key.judge(20, start).retryAfterUs).toBe(20 * second);
    expect(key.judge(30, start).retryAfterUs).toBe(30 * second);
    expect(key.judge(40, start).retryAfterUs).toBe(40 * second);
    expect(key.judge(60, start).retryAfterUs).toBe(60 * second);
  });

  it("windows: a cancel gives back only what is still counted of its own charge", () => {
    for (const algorithm of [slidingWindowLog, fixedWindow]) {
      const key = keyOf(algorithm, 10);
      const held = reservation(10, start, start + 10 * minute);
      key.hold(held, start);
      expect(key.take(10, end)).toBe(true);
      key.settle(held, 0, end);
      expect(available(key, end)).toBe(0);
    }
  });

  it("log: what has ended is not given back out of a charge made shortly after", () => {
    const key = keyOf(slidingWindowLog, 10);
    const held = reservation(4, start, start + 10 * minute);
    key.hold(held, start);
    key.charge(6, start + 1);
    key.settle(held, 0, end);
    expect(key.judge(5, end)).toMatchObject({ available: 4, retryAfterUs: 1 });
  });

  it("counter: of the previous bucket a cancel gives back the share that still counts", () => {
    const key = keyOf(slidingWindowCounter, 10);
    const held = reservation(10, start, start + 10 * minute);
    key.hold(held, start);
    const stampUs = end + minute / 2;
    expect(available(key, stampUs)).toBe(5);
    expect(key.take(5, stampUs)).toBe(true);
    key.settle(held, 4, stampUs);
    expect(available(key, stampUs)).toBe(3);
    expect(available(key, end + minute)).toBe(5);
  });

  it("a commit above what was reserved is a debt: charged without asking, at its own stamp", () => {
    for (const algorithm of [slidingWindowLog, fixedWindow, slidingWindowCounter]) {
      const key = keyOf(algorithm, 10);
      const held = reservation(4, start, start + 10 * minute);
      key.hold(held, start);
      key.settle(held, 14, end);
      expect(key.judge(1, end)).toMatchObject({ allowed: false, available: 0 });
      expect(key.usedAt(end)).toBe(algorithm === slidingWindowCounter ? 14 : 10);
    }
    const bucket = keyOf(tokenBucket, 60);
    const held = reservation(4, start, start + 10 * minute);
    bucket.hold(held, start);
    bucket.settle(held, 70, start);
    expect(bucket.judge(1, start).retryAfterUs).toBe(11 * second);
  });

  it("K3 a bucket whose limit was cut to 0 keeps its debts, drains no faster than before, and is given back", () => {
    const key = keyOf(tokenBucket, 60);
    const held = reservation(60, start, start + minute);
    key.hold(held, start);
    key.quota = { ...key.quota, limit: 0 };
    key.settle(held, 60, start + second);
    expect(key.judge(1, start + second)).toMatchObject({ allowed: false, never: true });
    expect(key.expiryUs).toBe(start + second + minute);
    key.quota = { ...key.quota, limit: 60 };
    expect(available(key, start + 2 * second)).toBe(1);
  });
});

describe("L1 leases", () => {
  const leaseUs = second;

  it("last a second, and at most a tenth of the window; slots are not leased", () => {
    const ends = (windowUs: number) =>
      [slidingWindowLog, slidingWindowCounter, fixedWindow, tokenBucket, concurrency].map(
        (algorithm) => algorithm.leaseEndUs({ limit: 1, windowUs, burst: 1 }, start) - start,
      );
    expect(ends(minute)).toEqual([second, second, second, second, 0]);
    expect(ends(1_000)).toEqual([100, 100, 100, 100, 0]);
  });

  it("never cross a boundary of a fixed window, nor of a counter's bucket", () => {
    const quota: Quota = { limit: 1, windowUs: minute, burst: 0 };
    for (const algorithm of [fixedWindow, slidingWindowCounter]) {
      expect(algorithm.leaseEndUs(quota, end - 500_000)).toBe(end - 1);
      expect(algorithm.leaseEndUs(quota, end - 1)).toBe(end - 1);
      expect(algorithm.leaseEndUs(quota, end)).toBe(end + second);
    }
  });

  it("log: charged as of its end, so it counts until a window after that", () => {
    const key = keyOf(slidingWindowLog, 10);
    key.hold(lease(10, start, start + leaseUs), start);
    expect(key.judge(10, start)).toMatchObject({ available: 0, retryAfterUs: minute + leaseUs });
    expect(available(key, start + leaseUs + minute - 1)).toBe(0);
    expect(available(key, start + leaseUs + minute)).toBe(10);
  });

  it("log: takes while a lease is out are charged before its end, in order", () => {
    const key = keyOf(slidingWindowLog, 10);
    key.hold(lease(4, start, start + leaseUs), start);
    key.charge(3, start + 10);
    key.hold(lease(2, start + 20, start + leaseUs - 100), start + 20);
    expect(key.judge(4, start + 20).retryAfterUs).toBe(minute - 10);
    expect(key.judge(5, start + 20).retryAfterUs).toBe(minute + leaseUs - 120);
    expect(key.judge(7, start + 20).retryAfterUs).toBe(minute + leaseUs - 20);
  });

  it("bucket: taken from level and capacity until it ends, so nothing refills behind it", () => {
    const key = keyOf(tokenBucket, 600);
    const held = lease(600, start, start + leaseUs);
    key.hold(held, start);
    expect(available(key, start + leaseUs - 1)).toBe(0);
    key.settle(held, 590, start + leaseUs - 1);
    expect(available(key, start + leaseUs - 1)).toBe(10);
  });

  it("L3 a crash wastes a lease for its time and a window, in buckets for its time and the refill", () => {
    for (const algorithm of [slidingWindowLog, tokenBucket]) {
      const key = keyOf(algorithm, 10);
      key.hold(lease(10, start, start + leaseUs), start);
      expect(key.judge(10, start).retryAfterUs).toBe(leaseUs + minute);
    }
  });

  it("what comes back early is free at once", () => {
    for (const algorithm of [slidingWindowLog, slidingWindowCounter, fixedWindow, tokenBucket]) {
      const key = keyOf(algorithm, 10);
      const held = lease(10, start, start + leaseUs);
      key.hold(held, start);
      key.settle(held, 3, start + 100);
      expect(available(key, start + 100)).toBe(7);
    }
  });
});

describe("L2 a stamp jump moves the ends and the charges of leases", () => {
  it("log: ten hours later the lease counts as if its spends were still to come", () => {
    const key = keyOf(slidingWindowLog, 10);
    const held = lease(10, start, start + second);
    key.hold(held, start);
    const jumped = start + 600 * minute;
    key.settle(held, 0, start);
    key.hold(lease(10, jumped, jumped + second), jumped);
    expect(available(key, jumped)).toBe(0);
    expect(available(key, jumped + second + minute - 1)).toBe(0);
    expect(available(key, jumped + second + minute)).toBe(10);
  });

  it("fixed window and counter: a lease that is moved across a boundary is counted on both sides", () => {
    for (const algorithm of [fixedWindow, slidingWindowCounter]) {
      const key = keyOf(algorithm, 10);
      const held = lease(6, start, start + second);
      key.hold(held, start);
      key.settle(held, 0, start);
      const moved = lease(6, end - 10, end + second - 10);
      key.hold(moved, end - 10);
      expect(available(key, end - 10)).toBe(4);
      expect(available(key, end)).toBe(algorithm === fixedWindow ? 4 : 0);
      expect(key.judge(5, end - 10).retryAfterUs).toBe(10 + minute + (algorithm === fixedWindow ? 0 : minute / 6));
      expect(available(key, end + minute)).toBe(algorithm === fixedWindow ? 10 : 4);
      key.settle(moved, 2, end + 10);
      expect(key.usedAt(end + 10)).toBe(algorithm === fixedWindow ? 2 : 4);
    }
  });
});

describe("K1 a lease of longer windows counts in each of the shorter ones that it may be spent in", () => {
  const short = 100_000;
  const granted = start + short / 2;
  const held = lease(6, granted, start + 10 * short - 1);

  it.each([
    ["fixed windows", fixedWindow, 0],
    ["a counter", slidingWindowCounter, 16_667],
  ])("%s: until its end, as the wait for it says", (_, algorithm, shareUs) => {
    const key = keyOf(algorithm, 10, short);
    key.hold(held, granted);
    const freeUs = start + 10 * short + shareUs;
    for (let at = 0; at < 10; at++) {
      const stampUs = Math.max(granted, start + at * short);
      expect(key.judge(5, stampUs)).toMatchObject({ allowed: false, retryAfterUs: freeUs - stampUs });
      expect(key.usedAt(stampUs)).toBe(at > 0 && algorithm === slidingWindowCounter ? 12 : 6);
    }
    expect([key.judge(5, freeUs - 1).allowed, key.judge(5, freeUs).allowed]).toEqual([false, true]);
  });

  it.each([fixedWindow, slidingWindowCounter])("what comes back of it is free in all of them: %#", (algorithm) => {
    const key = keyOf(algorithm, 10, short);
    key.hold(held, granted);
    key.charge(1, granted);
    key.settle(held, 2, start + 3 * short);
    const before = algorithm === slidingWindowCounter ? 2 : 0;
    expect(Array.from({ length: 8 }, (_, at) => key.usedAt(start + (at + 3) * short))).toEqual([
      ...Array.from({ length: 7 }, () => 2 + before),
      before,
    ]);
  });

  it("each of several counts to its own end, however long nobody asks", () => {
    const key = keyOf(fixedWindow, 10, short);
    key.hold(held, granted);
    key.hold(lease(3, granted, start + 5 * short - 1), granted);
    for (const [at, used] of [
      [2, 9],
      [4, 9],
      [5, 6],
    ] as const)
      expect(key.usedAt(start + at * short)).toBe(used);
    key.charge(1, start + 3 * short);
    expect([4, 5, 9, 10].map((at) => key.usedAt(start + at * short))).toEqual([9, 6, 6, 0]);
  });

  it("a second of the shortest windows, and of the longest key, fits a block", () => {
    const key = new LoneKey(fixedWindow, { limit: 10, windowUs: 1_000, burst: 0 }, 116);
    const whole = lease(6, start + 999, start + second + 999);
    key.hold(whole, start + 999);
    expect(key.judge(5, start + 999).retryAfterUs).toBe(second + 1);
    key.charge(4, start + 500 * 1_000);
    expect(available(key, start + 500 * 1_000)).toBe(0);
    expect(available(key, start + second)).toBe(4);
    expect(available(key, start + second + 1_000)).toBe(10);
  });

  it("a key whose leases are over is as before, and makes room again for the next", () => {
    const key = keyOf(fixedWindow, 10, short);
    for (const from of [start, start + second]) {
      key.hold(lease(6, from, from + 5 * short), from);
      key.charge(1, from + 5 * short);
      key.charge(1, from + 6 * short);
      expect(key.usedAt(from + 6 * short)).toBe(1);
    }
  });
});

describe("R2 slots", () => {
  it("are free at their end by comparison, and the wait is for the ends that make room", () => {
    const key = keyOf(concurrency, 3);
    for (const i of [1, 2, 3]) key.hold(reservation(1, start, start + i * second), start);
    expect(key.judge(1, start)).toMatchObject({ allowed: false, available: 0, retryAfterUs: second });
    expect(key.judge(2, start).retryAfterUs).toBe(2 * second);
    expect(key.judge(1, start + second - 1).allowed).toBe(false);
    expect(key.judge(1, start + second).allowed).toBe(true);
  });

  it("are free at once when given back, whatever the work came to", () => {
    const key = keyOf(concurrency, 2);
    const held = reservation(2, start, start + minute);
    key.hold(held, start);
    key.settle(held, 2, start + 5);
    expect(key.judge(1, start + 5)).toMatchObject({ available: 2, resetNowUs: 0 });
  });

  it("are renewed without a moment in which another could take them", () => {
    const key = keyOf(concurrency, 1);
    const held = reservation(1, start, start + second);
    key.hold(held, start);
    key.settle(held, 0, start + 10);
    key.hold(reservation(1, start, start + minute), start + 10);
    expect(key.judge(1, start + 10).retryAfterUs).toBe(minute - 10);
  });
});

describe("K1 a change of the algorithm or its window", () => {
  const all = [slidingWindowLog, slidingWindowCounter, fixedWindow, tokenBucket];
  const pairs = all.flatMap((from) => all.map((to) => [all.indexOf(from), all.indexOf(to)] as const));

  /** As the key table converts: holds out, what is used into a new block, holds in. */
  function convert(from: LoneKey, to: LoneKey, held: ReturnType<typeof reservation>, stampUs: number): void {
    from.settle(held, 0, stampUs);
    const used = Math.min(from.usedAt(stampUs), to.quota.limit);
    if (used > 0) to.charge(used, stampUs);
    to.hold(held, stampUs);
  }

  it.each(pairs)("5 of 5 used, the rule changed, and not 5 more: from %i to %i", (from, to) => {
    const old = keyOf(all[from]!, 5);
    const held = reservation(2, start, start + minute);
    old.hold(held, start);
    old.charge(3, start);
    const changed = keyOf(all[to]!, 5, 10 * second);
    convert(old, changed, held, start + 1);
    expect(available(changed, start + 1)).toBe(0);
    changed.settle(held, 0, start + 1);
    expect(available(changed, start + 1)).toBe(2);
  });

  it("slots that are held stay held under another rule", () => {
    for (const algorithm of all) {
      const old = keyOf(concurrency, 5);
      const held = reservation(2, start, start + minute);
      old.hold(held, start);
      const changed = keyOf(algorithm, 5);
      convert(old, changed, held, start + 1);
      expect(available(changed, start + 1)).toBe(3);
    }
  });
});
