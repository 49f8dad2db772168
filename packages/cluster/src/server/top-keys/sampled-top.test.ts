import { expect, it } from "vitest";
import { Sampler } from "./sampler.ts";
import { nameOf, TopKeys } from "./top-keys.ts";

const keyed = (key: string) => nameOf({ namespace: "", policy: "login", key });
const names = Array.from({ length: 500 }, (_, at) => keyed(`user:${at}`));

/** A generator that repeats: a test must not depend on luck. */
function dice(seed: number) {
  let state = seed;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x297a2d39) >>> 0;
    state = Math.imul(state ^ (state >>> 13), 0x9e3779b1) >>> 0;
    return ((state ^ (state >>> 16)) >>> 0) / 2 ** 32;
  };
}

/** Two seconds of 100,000 denials a second in batches of `size`, of which 10,000 are looked at, and what the list says. */
function attacked(seed: number, size: number, attackerPerBatch: number) {
  const random = dice(seed);
  let nowMs = 0;
  const top = new TopKeys({ nowMs: () => nowMs });
  const sampler = new Sampler({ nowMs: () => nowMs, random, itemsPerSecond: 10_000 });
  const exact = new Map<string, number>();
  let owed = 0;
  for (; nowMs < 2_000; nowMs += size / 100) {
    const batch = Array.from({ length: size }, () => names[Math.floor(random() ** 2 * names.length)]!);
    owed += attackerPerBatch;
    for (; owed >= 1; owed--) batch[Math.floor(random() * size)] = keyed("attacker");
    for (const name of batch) exact.set(name, (exact.get(name) ?? 0) + 1);
    sampler.begin(size);
    for (let item = sampler.skip(); item < size; item += 1 + sampler.skip()) {
      top.decided(batch[item]!, true, sampler.weight);
    }
  }
  return { listed: top.read("denials", 1_000).keys, exact };
}

it.each([
  { size: 1, attackerPerBatch: 1 / 5_000 },
  { size: 1, attackerPerBatch: 1 / 50 },
  { size: 250, attackerPerBatch: 30 },
])("at 100,000 denials a second the truth is within the error that is told: %o", ({ size, attackerPerBatch }) => {
  let keys = 0;
  let above = 0;
  let below = 0;
  let missesTotal = 0;
  for (let seed = 1; seed <= 2; seed++) {
    const { listed, exact } = attacked(seed, size, attackerPerBatch);
    for (const { key, count, overcount, undercount } of listed) {
      const truth = exact.get(keyed(key))!;
      keys++;
      if (truth > count + undercount) above++;
      if (truth < count - overcount) below++;
      // The errors say something: they are no larger than the count of a heavy key.
      if (truth > 2_000) expect(undercount + overcount, `${key} ${count}`).toBeLessThan(1.5 * count);
      if (count !== truth) missesTotal++;
    }
  }
  expect(keys).toBeGreaterThan(950);
  // The counts alone are nearly always wrong, and nothing but their error makes them true.
  expect(missesTotal).toBeGreaterThan(keys / 2);
  expect(above).toBeLessThanOrEqual(keys / 1_000);
  expect(below).toBeLessThanOrEqual(keys / 1_000);
});
