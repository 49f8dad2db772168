import { describe, expect, it } from "vitest";
import { NEVER, Outcome } from "../call-batch.ts";
import { Algorithm, type Rule } from "../rule.ts";
import { START_US } from "../testing/harness.ts";
import { PolicyHarness } from "../testing/policy-harness.ts";
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
