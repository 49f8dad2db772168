import { describe, expect, test } from "vitest";
import { ManualClock } from "./manual-clock.fixture.ts";
import { StampClock } from "./stamp-clock.ts";

const secondUs = 1_000_000;
const wallUs = (clock: ManualClock): number => clock.wallMs() * 1_000;

function leaderAt(clock: ManualClock, stampUs: number): StampClock {
  const stamp = new StampClock(clock, stampUs);
  stamp.heard(stampUs, 1);
  stamp.takeOver([], 2, 0);
  return stamp;
}

describe("T1: the leader's stamp", () => {
  test("runs on the monotonic clock, led towards the wall clock by at most 1 %", () => {
    for (const offMs of [-3_600_000, -30_000, 30_000, 3_600_000]) {
      const clock = new ManualClock();
      const stamp = leaderAt(clock, wallUs(clock));
      clock.stepWall(offMs);
      const from = stamp.nowUs();
      for (let i = 0; i < 1_000; i++) {
        clock.advance(10);
        stamp.nowUs();
      }
      const ran = stamp.nowUs() - from;
      expect(ran).toBeGreaterThanOrEqual(0.99 * 10 * secondUs - 1_000);
      expect(ran).toBeLessThanOrEqual(1.01 * 10 * secondUs + 1_000);
      expect(Math.sign(ran - 10 * secondUs)).toBe(Math.sign(offMs));
    }
  });

  test("reaches a wall clock that is a little off, and stays with it", () => {
    const clock = new ManualClock();
    const stamp = leaderAt(clock, wallUs(clock) - 20_000);
    for (let i = 0; i < 2_000; i++) {
      clock.advance(10);
      stamp.nowUs();
    }
    expect(Math.abs(stamp.nowUs() - wallUs(clock))).toBeLessThan(200);
  });

  test("never runs backwards, however often it is asked", () => {
    const clock = new ManualClock();
    const stamp = leaderAt(clock, wallUs(clock));
    let last = 0;
    for (let i = 0; i < 5_000; i++) {
      if (i % 100 === 0) clock.stepWall(i % 200 === 0 ? 10_000 : -10_000);
      clock.advance(i % 3 === 0 ? 0 : 0.013);
      const now = stamp.nowUs();
      expect(now).toBeGreaterThanOrEqual(last);
      expect(Number.isSafeInteger(now)).toBe(true);
      last = now;
    }
  });
});

describe("T2: a new leader starts", () => {
  test("from its own live estimate, whatever its wall clock says", () => {
    const clock = new ManualClock();
    const stamp = new StampClock(clock, 0);
    stamp.heard(5_000_000_000, 1);
    clock.advance(1_000);
    clock.stepWall(30_000);
    expect(stamp.takeOver([], 2, 0)).toBe(5_000_000_000 + 0.99 * secondUs);
  });

  test("from the largest live estimate among its voters when it has restarted and has none", () => {
    const clock = new ManualClock();
    const stamp = new StampClock(clock, 7_000);
    const idle = 36_000 * secondUs;
    const heardMs = clock.monotonicMs();
    clock.advance(5);
    const started = stamp.takeOver(
      [
        { stampUs: 5 * secondUs + idle, live: true, lineTerm: 1, wallUs: 1, heardMs },
        { stampUs: 9 * secondUs + idle, live: false, lineTerm: 0, wallUs: 1, heardMs },
      ],
      2,
      0,
    );
    expect(started).toBe(5 * secondUs + idle + 4_950);
  });

  test("with none alive, from the lower median of the wall clocks, or the last stamp in the log if that is later", () => {
    const clock = new ManualClock();
    const heardMs = clock.monotonicMs();
    const ownUs = wallUs(clock);
    const dead = (offsetUs: number) => ({ stampUs: 1, live: false, lineTerm: 0, wallUs: ownUs + offsetUs, heardMs });
    expect(new StampClock(clock, 0).takeOver([dead(3_600 * secondUs), dead(-2 * secondUs)], 2, 0)).toBe(ownUs);
    expect(new StampClock(clock, 0).takeOver([dead(3_600 * secondUs)], 2, 0)).toBe(ownUs);
    expect(new StampClock(clock, 0).takeOver([dead(-secondUs)], 2, 0)).toBe(ownUs - secondUs);
    expect(new StampClock(clock, ownUs + 1).takeOver([dead(0)], 2, 0)).toBe(ownUs + 1);
  });

  test("from the latest leader's line, even if an earlier one was ahead of it", () => {
    const clock = new ManualClock();
    const stamp = new StampClock(clock, 0);
    stamp.heard(5 * secondUs, 4);
    const heardMs = clock.monotonicMs();
    const later = { stampUs: 4 * secondUs, live: true, lineTerm: 6, wallUs: 1, heardMs };
    const earlier = { stampUs: 6 * secondUs, live: true, lineTerm: 5, wallUs: 1, heardMs };
    expect(stamp.takeOver([later, earlier], 7, 0)).toBe(4 * secondUs);
  });

  test("from an older line at the slower of two rates, where its log is of a later one that nobody follows any more", () => {
    const clock = new ManualClock();
    const stamp = new StampClock(clock, 0);
    stamp.sawEntry(10 * secondUs);
    const heardMs = clock.monotonicMs();
    const older = { stampUs: 11 * secondUs, live: true, lineTerm: 2, wallUs: wallUs(clock), heardMs };
    // At 1.01 the older line gained a second in 0.9901 s; at 0.99 the later one gained 0.9802 s meanwhile.
    expect(stamp.takeOver([older], 4, 3)).toBe(Math.floor(10 * secondUs + (0.99 / 1.01) * secondUs));
    expect(stamp.lostLine).toBe(true);
    stamp.stepDown();
    stamp.takeOver([], 5, 4);
    expect(stamp.lostLine).toBe(false);
  });

  test("from an older line no later than the wall clocks, since the lost line may have begun from them", () => {
    const clock = new ManualClock();
    const stamp = new StampClock(clock, 0);
    stamp.sawEntry(wallUs(clock) - secondUs);
    const heardMs = clock.monotonicMs();
    // Ten minutes ahead: it led on while the others were down, who began anew from their own clocks and lost that line again.
    const older = { stampUs: wallUs(clock) + 600 * secondUs, live: true, lineTerm: 2, wallUs: wallUs(clock), heardMs };
    expect(stamp.takeOver([older], 4, 3)).toBe(wallUs(clock));
    const behind = new StampClock(clock, 0);
    behind.sawEntry(wallUs(clock) + secondUs);
    expect(behind.takeOver([older], 4, 3)).toBe(wallUs(clock) + secondUs);
  });

  test("never behind an entry that is in its log", () => {
    const clock = new ManualClock();
    const stamp = new StampClock(clock, 0);
    stamp.heard(1_000_000, 1);
    stamp.sawEntry(2_000_000);
    expect(stamp.takeOver([], 2, 0)).toBe(2_000_000);
  });
});

describe("T3: a follower's estimate", () => {
  test("follows the leader's statements, and is not set back by a late one", () => {
    const clock = new ManualClock();
    const stamp = new StampClock(clock, 0);
    expect(stamp.live).toBe(false);
    stamp.heard(10 * secondUs, 1);
    clock.advance(200);
    // Sent 200 ms ago, and held up by a pause of this process.
    stamp.heard(10 * secondUs + 30_000, 1);
    expect(stamp.nowUs()).toBe(10 * secondUs + 198_000);
    clock.advance(100);
    expect(stamp.nowUs()).toBe(10 * secondUs + 198_000 + 99_000);
    stamp.heard(10 * secondUs + 300_000, 1);
    expect(stamp.nowUs()).toBe(10 * secondUs + 300_000);
    expect(stamp.live).toBe(true);
  });

  test("is never ahead of a leader that is slewed back, however long the silence", () => {
    const clock = new ManualClock();
    const leader = leaderAt(clock, wallUs(clock));
    const follower = new StampClock(clock, 0);
    follower.heard(leader.nowUs(), 1);
    clock.stepWall(-3_600_000);
    for (let i = 0; i < 6_000; i++) {
      clock.advance(10);
      leader.nowUs();
    }
    const leaderUs = leader.nowUs();
    const startUs = follower.takeOver([], 2, 0);
    expect(startUs).toBeLessThanOrEqual(leaderUs + 1_000);
    expect(startUs).toBeGreaterThan(leaderUs - 0.02 * 60 * secondUs);
  });

  test("of a deposed leader starts from its successor's first statement, so that its own line does not come back", () => {
    const clock = new ManualClock();
    const old = leaderAt(clock, wallUs(clock) - 3_600 * secondUs);
    clock.advance(20);
    old.nowUs();
    clock.advance(60_000);
    const successorUs = old.nowUs() - 300_000;
    old.stepDown();
    old.heard(successorUs, 3);
    clock.advance(100);
    expect(old.takeOver([], 4, 0)).toBeLessThanOrEqual(successorUs + 100_000);
  });

  test("does not count downtime: a restarted node says that its estimate is not alive", () => {
    const clock = new ManualClock();
    const stamp = new StampClock(clock, 42);
    clock.advance(60_000);
    expect(stamp.nowUs()).toBe(42);
    expect(stamp.live).toBe(false);
  });
});
