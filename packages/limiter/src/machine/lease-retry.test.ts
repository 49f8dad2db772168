import { describe, expect, it } from "vitest";
import { NEVER, Outcome } from "../call-batch.ts";
import { Algorithm, type Rule } from "../rule.ts";
import { START_US } from "../testing/harness.ts";
import { byName, PolicyHarness, putPolicy } from "../testing/policy-harness.ts";
import { Verb } from "../verb.ts";

const SECOND_US = 1_000_000;
/** Where a window of a second begins. */
const WINDOW_US = Math.ceil(START_US / SECOND_US) * SECOND_US;

const ruleOf = (algorithm: Algorithm): Rule => {
  const burst = algorithm === Algorithm.tokenBucket ? 5 : 0;
  return { algorithm, limit: 5, windowUs: SECOND_US, burst, policy: "" };
};

interface Situation {
  readonly rule: Rule;
  /** Taken 1 ms after the window begins. */
  readonly used: number;
  readonly cost: number;
  /** When the lease is asked for, counted from where the window begins. */
  readonly askedUs: number;
}

/** What a lease is told, asked for so many milliseconds later than in the situation. */
function granted({ rule, used, cost, askedUs }: Situation, laterMs = 0) {
  const harness = new PolicyHarness();
  if (used > 0) harness.one(WINDOW_US + 1_000, "k", rule, used);
  return harness.ask(WINDOW_US + askedUs + laterMs * 1_000, Verb.grant, "k", rule, { cost });
}

const algorithms = [
  Algorithm.slidingWindowLog,
  Algorithm.tokenBucket,
  Algorithm.slidingWindowCounter,
  Algorithm.fixedWindow,
];
const situations = algorithms.flatMap((algorithm) =>
  [0, 3, 5].flatMap((used) =>
    [1, 3, 5].flatMap((cost) =>
      [2_000, 500_000, 998_500, 999_000, 999_500, 999_999].map((askedUs) => {
        return { rule: ruleOf(algorithm), used, cost, askedUs };
      }),
    ),
  ),
);

describe("a lease that is not granted", () => {
  it("counts toward no ban, and meets one: nobody was denied yet, and whoever asks next is counted", () => {
    const harness = new PolicyHarness();
    const ban = { denials: 1, windowMs: 60_000, durationsMs: [20_000], forgetAfterMs: 60_000 };
    harness.change(putPolicy({ name: "api", algorithm: "fixed-window", limit: 5, windowMs: 1_000, ban }));
    const rule = byName("api");
    const grant = (stampUs: number, cost: number) => harness.ask(stampUs, Verb.grant, "k", rule, { cost });
    for (const stampUs of [WINDOW_US, WINDOW_US + 999_500]) {
      const refused = { outcome: Outcome.limited, remaining: 5, firmForMs: 0 };
      for (let i = 0; i < 3; i++) expect(grant(stampUs, 6)).toMatchObject(refused);
    }
    expect(harness.limiter.stats.bansBegun).toBe(0);
    expect(harness.one(WINDOW_US + 999_500, "k", rule, 6).outcome).toBe(Outcome.banned);
    expect(grant(WINDOW_US + SECOND_US, 1)).toMatchObject({ outcome: Outcome.banned, retryAfterMs: 20_000 });
  });

  it("tells how much could have been: that much is granted at once", () => {
    for (const algorithm of algorithms) {
      const harness = new PolicyHarness();
      const rule = ruleOf(algorithm);
      harness.one(WINDOW_US, "k", rule, 2);
      const refused = harness.ask(WINDOW_US, Verb.grant, "k", rule, { cost: 4 });
      expect(refused).toMatchObject({ outcome: Outcome.limited, remaining: 3, handle: 0 });
      const given = harness.ask(WINDOW_US, Verb.grant, "k", rule, { cost: refused.remaining });
      expect(given).toMatchObject({ outcome: Outcome.allowed, remaining: 0, firmForMs: 100 });
    }
  });

  it("K3 is granted after exactly retryAfterMs, and not a millisecond earlier", () => {
    let refused = 0;
    for (const situation of situations) {
      const { outcome, retryAfterMs } = granted(situation);
      if (outcome === Outcome.allowed) continue;
      refused++;
      const why = JSON.stringify({ ...situation, retryAfterMs });
      expect(outcome, why).toBe(Outcome.limited);
      expect(retryAfterMs, why).toBeGreaterThan(0);
      expect(granted(situation, retryAfterMs).outcome, why).toBe(Outcome.allowed);
      expect(granted(situation, retryAfterMs - 1).outcome, why).toBe(Outcome.limited);
    }
    expect(refused).toBeGreaterThan(50);
  });

  it.each(algorithms)(
    "K3 says at once that it never will be if it asks for more than the limit: algorithm %d",
    (algorithm) => {
      for (const askedUs of [500_000, 999_500]) {
        const told = granted({ rule: ruleOf(algorithm), used: 0, cost: 10, askedUs });
        expect(told).toMatchObject({ outcome: Outcome.limited, retryAfterMs: NEVER });
      }
    },
  );

  it.each(algorithms)("K3 says so, too, if the window is too short for any: algorithm %d", (algorithm) => {
    const rule = { ...ruleOf(algorithm), windowUs: 9_999 };
    for (const used of [0, 5]) {
      const told = granted({ rule, used, cost: 1, askedUs: 2_000 });
      expect(told).toMatchObject({ outcome: Outcome.limited, retryAfterMs: NEVER });
    }
  });
});
