import { expect, it } from "vitest";
import { Outcome } from "../call-batch.ts";
import { Harness, START_US, windowLog } from "../testing/harness.ts";

const rule = windowLog(2, 1_000_000);

it("T1 the entry's stamp is the only clock: a window ends one window after the stamp, to the microsecond", () => {
  const harness = new Harness();
  harness.take(START_US, "k", rule, 2);
  expect(harness.take(START_US + 999_999, "k", rule).outcome).toBe(Outcome.limited);
  expect(harness.take(START_US + 1_000_000, "k", rule).outcome).toBe(Outcome.allowed);
});

it("T1 no half-open window of any position holds more than the limit", () => {
  const harness = new Harness();
  const admitted: number[] = [];
  for (let i = 0; i < 4_000; i++) {
    const stampUs = START_US + i * 777;
    if (harness.take(stampUs, "k", rule).outcome === Outcome.allowed) admitted.push(stampUs);
  }
  expect(admitted.length).toBeGreaterThan(4);
  for (let i = 2; i < admitted.length; i++) {
    expect(admitted[i]! - admitted[i - 2]!).toBeGreaterThanOrEqual(rule.windowUs);
  }
});

it("T3 stamps never run backwards: apply clamps one that does", () => {
  const harness = new Harness();
  harness.take(START_US, "k", rule, 2);
  const applied = harness.apply(START_US - 3_600_000_000);
  expect(applied.stampUs).toBe(START_US);
  expect(harness.limiter.stampUs).toBe(START_US);
  expect(harness.take(START_US - 1, "k", rule).outcome).toBe(Outcome.limited);
});

it("T3 something is due at the first expiry, and nothing once it was swept", () => {
  const harness = new Harness();
  expect(harness.limiter.nextDueUs()).toBeNull();
  harness.take(START_US, "k", windowLog(2, 5_000_000));
  const dueUs = harness.limiter.nextDueUs();
  expect(dueUs).toBe(START_US + 5_000_000);
  harness.apply(dueUs!);
  expect(harness.limiter.stats.keys).toBe(0);
  expect(harness.limiter.nextDueUs()).toBeNull();
});

it("T3 applying stamps at what is due ends every memory: keys, sessions, tombstones, request ids", () => {
  const harness = new Harness({ sessionTtlUs: 3_000_000, requestIdTtlUs: 2_000_000 });
  const session = harness.session(START_US, 1);
  harness.session(START_US, 2);
  const nonce = new Uint8Array(16);
  nonce[0] = 1;
  harness.apply(START_US, (writer) => void writer.goodbye(session, nonce));
  for (let i = 0; i < 100; i++) harness.take(START_US + i, `k${i}`, rule);
  let turns = 0;
  for (
    let dueUs = harness.limiter.nextDueUs();
    dueUs !== null && turns < 200;
    dueUs = harness.limiter.nextDueUs(), turns++
  ) {
    expect(dueUs).toBeGreaterThan(START_US);
    harness.apply(dueUs);
  }
  expect(turns).toBeLessThan(20);
  expect(harness.limiter.stats).toMatchObject({ keys: 0, sessions: 0, requestIds: 0, keysFull: 0 });
});

it("refuses an index that was applied", () => {
  const harness = new Harness();
  harness.apply(START_US);
  expect(() => harness.limiter.apply(1, harness.entries[0]!.bytes)).toThrow(
    /index is 1; it must be an integer above appliedIndex, 1/,
  );
});
