/** Defects of the systems that this one grew out of, each as a promise that it does not come back. */
import { describe, expect, it } from "vitest";
import { Outcome, type ResultColumns, singleCall } from "../call-batch.ts";
import { createLimiter } from "../create-limiter.ts";
import { createEntryWriter } from "../entry/entry-writer.ts";
import { encodeUtf8 } from "../entry/utf8.ts";
import type { Limiter } from "../limiter.ts";
import { createResultColumns } from "../result-columns.ts";
import { Algorithm, type Rule } from "../rule.ts";
import { batchOf, bucket, Harness, itemsOf, nonceOf, START_US, windowLog } from "../testing/harness.ts";
import { Verb } from "../verb.ts";

const second = 1_000_000;
const minute = 60 * second;

function ruleOf(algorithm: Algorithm, limit: number, windowUs = minute): Rule {
  return {
    algorithm,
    limit,
    windowUs,
    burst: algorithm === Algorithm.tokenBucket ? Math.max(1, limit) : 0,
    policy: "",
  };
}

const rates = [
  ["sliding-window-log", Algorithm.slidingWindowLog],
  ["token-bucket", Algorithm.tokenBucket],
  ["sliding-window-counter", Algorithm.slidingWindowCounter],
  ["fixed-window", Algorithm.fixedWindow],
] as const;
const all = [...rates, ["concurrency", Algorithm.concurrency] as const];
const anonymous = { kind: "anonymous", namespace: "n" } as const;

function imageOf(limiter: Limiter): Uint8Array {
  const cut = limiter.beginSnapshot();
  const image = cut.next(Number.MAX_SAFE_INTEGER)!;
  cut.release();
  return image;
}

describe("a limit is checked where it is charged", () => {
  it.each(all)(
    "defect 1: of 200 calls that were in flight at once, %s admits 50 if the limit is 50",
    (_, algorithm) => {
      const harness = new Harness();
      const rule = ruleOf(algorithm, 50);
      const verb = algorithm === Algorithm.concurrency ? Verb.reserve : Verb.take;
      const sessions = Array.from({ length: 8 }, (_, i) => harness.session(START_US, i));
      const writer = createEntryWriter();
      // All entries are written, each in the belief that the key is fresh, before any of them is applied.
      const entries = sessions.map((session, i) => {
        writer.begin({ takeover: false });
        const origin = { kind: "session", session, nonce: nonceOf(i), ackedThrough: 0 } as const;
        const calls = Array.from({ length: 25 }, () => [{ key: "fresh", rule, verb }]);
        writer.calls(origin, batchOf(calls, 1), 0, calls.length);
        return writer.finish(START_US + i);
      });
      const answers = entries.flatMap((entry, i) => itemsOf(harness.limiter.apply(100 + i, entry)));
      const allowed = answers.filter(({ outcome }) => outcome === Outcome.allowed);
      expect(answers).toHaveLength(200);
      expect(allowed.map(({ remaining }) => remaining)).toEqual(Array.from({ length: 50 }, (_, i) => 49 - i));
    },
  );
});

describe("what a caller asks for moves nobody else's history", () => {
  it.each(rates)("defect 2: no limit, window, cost or verb of another rule frees a full key of %s", (_, algorithm) => {
    const harness = new Harness();
    const rule = ruleOf(algorithm, 3);
    const later = START_US + second;
    for (let i = 0; i < 3; i++) harness.take(START_US, "victim", rule);
    const before = harness.take(later, "victim", rule);
    expect(before).toMatchObject({ outcome: Outcome.limited, remaining: 0 });
    for (const windowUs of [1_000, 1_001, second, minute * 10]) {
      for (const limit of [0, 1, 2_147_483_647]) {
        const other = ruleOf(algorithm, limit, windowUs);
        harness.take(later, "victim", other);
        harness.take(later, "victim", other, 2_147_483_647);
        harness.verb(later, Verb.reset, { key: "victim", rule: other });
      }
    }
    // Nor does a limit of 0 for the same window, by which one origin could be told to forget everything.
    harness.take(later, "victim", ruleOf(algorithm, 0));
    expect(harness.take(later, "victim", rule)).toEqual(before);
  });

  it.each([
    ["a window of 0", { windowUs: 0 }],
    ["a negative window", { windowUs: -60_000_000 }],
    ["a negative limit", { limit: -1 }],
  ])("defect 2: %s is refused before it comes near the log", (_, wrong) => {
    const writer = createEntryWriter();
    writer.begin({ takeover: false });
    const batch = batchOf([[{ key: "victim", rule: { ...windowLog(3, minute), ...wrong } }]]);
    expect(() => writer.calls(anonymous, batch, 0, 1)).toThrow();
  });
});

describe("state changes in apply alone", () => {
  it.each(rates)(
    "defect 3: %s: whoever is asked in between, and however often, the images of two nodes are equal",
    (_, algorithm) => {
      const leader = new Harness();
      const follower = createLimiter();
      const into: ResultColumns = createResultColumns(8);
      for (let i = 0; i < 300; i++) {
        const stampUs = START_US + i * 700_000;
        const rule = ruleOf(algorithm, 1 + (i % 5), (1 + (i % 3)) * second);
        const key = `k${i % 7}`;
        // What a leader looks at between two entries, followers never see.
        leader.limiter.denies("n", singleCall(rule, encodeUtf8(key)), 0, stampUs + second * 5, into, 0);
        leader.limiter.peek("n", rule, encodeUtf8(key), 1, stampUs + second * 5);
        leader.take(stampUs, key, rule);
      }
      for (const { index, bytes } of leader.entries) follower.apply(index, bytes);
      expect(follower.stateHash()).toEqual(leader.limiter.stateHash());
      expect(imageOf(follower)).toEqual(imageOf(leader.limiter));
    },
  );

  it.each(rates)(
    "defect 3: %s: a key that never rests takes no more memory after two hundred windows than after ten",
    (_, algorithm) => {
      const limiter = createLimiter();
      const writer = createEntryWriter();
      const rule = ruleOf(algorithm, 300, second);
      let index = 0;
      const sizeAfter = (windows: number) => {
        for (; index < windows * 4; index++) {
          writer.begin({ takeover: false });
          writer.calls(anonymous, batchOf(Array.from({ length: 100 }, () => [{ key: "hot", rule }])), 0, 100);
          limiter.apply(index + 1, writer.finish(START_US + index * 250_000));
        }
        return imageOf(limiter).length;
      };
      const early = sizeAfter(10);
      expect(sizeAfter(200)).toBe(early);
    },
  );

  it.each(rates)("defect 3: %s: strangers' keys that are denied leave nothing behind", (_, algorithm) => {
    const harness = new Harness();
    for (let i = 0; i < 100; i++) harness.take(START_US + i, `random${i}`, ruleOf(algorithm, 0));
    for (let i = 0; i < 100; i++) harness.take(START_US + i, `random${i}`, ruleOf(algorithm, 5), 6);
    expect(harness.limiter.stats.keys).toBe(0);
  });
});

describe("state follows rules, not clocks and timeouts", () => {
  it.each(rates)("defect 9: leaders whose clocks are 5 s apart, in turns, mint nothing under %s", (_, algorithm) => {
    const harness = new Harness();
    const rule = ruleOf(algorithm, 5, 5 * second);
    let admitted = 0;
    for (let turn = 0; turn < 200; turn++) {
      const stampUs = START_US + turn * 1_000 + (turn % 2 === 0 ? 5 * second : 0);
      for (let i = 0; i < 3; i++) if (harness.take(stampUs, "k", rule).outcome === Outcome.allowed) admitted++;
    }
    // In 200 ms of true time: the limit once; and at 1 per second nothing more has come back.
    expect(admitted).toBe(5);
  });

  it("defect 9: a bucket of 3,600 at one per second has 60 back after a minute of rest, and all after an hour", () => {
    const harness = new Harness();
    const rule = bucket(3_600, 3_600 * second, 3_600);
    harness.take(START_US, "slow", rule, 3_600);
    harness.apply(START_US + minute);
    expect(harness.take(START_US + minute, "slow", rule, 1).remaining).toBe(59);
    for (let i = 1; i < 60; i++) harness.apply(START_US + minute + i * minute);
    expect(harness.take(START_US + 60 * minute, "slow", rule, 1).remaining).toBe(3_598);
  });

  it.each(rates)(
    "defect 9: denied calls cost nothing: who keeps trying under %s gets in at the promised time",
    (_, algorithm) => {
      const harness = new Harness();
      const rule = ruleOf(algorithm, 5, 10 * second);
      const patient = new Harness();
      for (const each of [harness, patient]) each.take(START_US, "k", rule, 5);
      const { retryAfterMs } = harness.take(START_US, "k", rule, 1);
      for (let ms = 1; ms < retryAfterMs; ms += 7) {
        expect(harness.take(START_US + ms * 1_000, "k", rule, 1).outcome).toBe(Outcome.limited);
      }
      const dueUs = START_US + retryAfterMs * 1_000;
      const again = harness.take(dueUs, "k", rule, 1);
      expect(again.outcome).toBe(Outcome.allowed);
      expect(again).toEqual(patient.take(dueUs, "k", rule, 1));
    },
  );
});
