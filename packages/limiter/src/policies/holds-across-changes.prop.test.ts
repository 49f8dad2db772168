import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Outcome } from "../call-batch.ts";
import type { Rule } from "../rule.ts";
import { START_US } from "../testing/harness.ts";
import { PolicyHarness, putPolicy } from "../testing/policy-harness.ts";
import { Verb } from "../verb.ts";
import { type AlgorithmName, algorithmNumber, countingAlgorithmNames } from "./documents.ts";

/** What callers ask by while no policy stands. */
const inlineOf = ({ algorithm, limit, windowMs, burst }: Shape): Rule => ({
  ...{ algorithm: algorithmNumber(algorithm), limit, windowUs: windowMs * 1_000 },
  ...{ burst: burst ?? 0, policy: "api" },
});

const shape = fc
  .record({
    algorithm: fc.constantFrom<AlgorithmName>(...countingAlgorithmNames),
    limit: fc.constantFrom(1, 2, 5, 10),
    windowMs: fc.constantFrom(100, 1_000, 10_000),
    burst: fc.constantFrom(1, 3, 10),
  })
  .map(({ burst, ...rule }) => ({ name: "api", ...rule, ...(rule.algorithm === "token-bucket" ? { burst } : {}) }));
type Shape = typeof shape extends fc.Arbitrary<infer Value> ? Value : never;

interface Granted {
  readonly atUs: number;
  amount: number;
  readonly rule: number;
}

/** The most that a rule may admit from one stamp to another, both included; null: it promises nothing about these. */
function boundOf({ algorithm, limit, windowMs, burst }: Shape, fromUs: number, toUs: number): number | null {
  const windowUs = windowMs * 1_000;
  if (algorithm === "token-bucket") return (burst ?? 0) + (limit * (toUs - fromUs)) / windowUs;
  if (algorithm === "sliding-window-log") return toUs - fromUs < windowUs ? limit : null;
  return Math.floor(fromUs / windowUs) === Math.floor(toUs / windowUs) ? limit : null;
}

/** What breaks a rule's bound among all that was admitted while it was in force, however often others were between. */
function excess(rules: readonly Shape[], granted: readonly Granted[]): string | null {
  for (const [at, rule] of rules.entries()) {
    const own = granted.filter((each) => each.rule === at);
    for (const [first, { atUs: fromUs }] of own.entries()) {
      let sum = 0;
      for (const { atUs, amount } of own.slice(first)) {
        sum += amount;
        const bound = boundOf(rule, fromUs, atUs);
        if (bound !== null && sum > bound + 1e-9) return `${JSON.stringify(rule)}: ${sum} in ${atUs - fromUs} µs`;
      }
    }
  }
  return null;
}

describe("K1 L3 the bound of each rule, over all the times that it was in force", () => {
  it("holds for takes, reservations and leases alike, whatever becomes of them under other rules", () => {
    const step = fc.record({
      what: fc.constantFrom(
        ...(["take", "take", "take", "reserve", "reserve", "lease", "settle", "change", "change", "takeover"] as const),
      ),
      waitUs: fc.oneof(fc.nat(5_000), fc.nat(50_000), fc.nat(500_000), fc.nat(5_000_000)),
      to: fc.nat(3),
      cost: fc.constantFrom(1, 1, 2, 5),
      ttlMs: fc.constantFrom(50, 1_000, 60_000),
      which: fc.nat(3),
      spent: fc.nat(5),
    });
    const seen = { denied: 0, settledElsewhere: 0, leases: 0, underNone: 0 };
    const shapes = fc.tuple(shape, shape, shape, shape);
    const script = fc.array(step, { minLength: 10, maxLength: 80 });
    fc.assert(
      fc.property(shapes, script, (rules, steps) => {
        const harness = new PolicyHarness();
        const granted: Granted[] = [];
        const open: { readonly handle: number; readonly grant: Granted }[] = [];
        let stampUs = START_US;
        let rule = 0;
        harness.change(putPolicy(rules[0]!), {}, stampUs);
        const policies = rules.slice(0, 3).map((each) => JSON.stringify(each));
        const inline = inlineOf(rules[3]);
        const ask = (verb: number, cost: number, more: object = {}) =>
          harness.ask(stampUs, verb, "k", inline, { cost, ...more });
        for (const { what, waitUs, to, cost, ttlMs, which, spent } of steps) {
          stampUs += waitUs;
          if (what === "takeover") harness.apply(stampUs, () => {}, true);
          else if (what === "change" && to === 3) {
            if (rule !== 3)
              expect(harness.change({ kind: "deletePolicies", names: ["api"] }, {}, stampUs).error).toBeNull();
            rule = 3;
          } else if (what === "change") {
            rule = policies.indexOf(JSON.stringify(rules[to]));
            expect(harness.change(putPolicy(rules[rule]!), {}, stampUs).error).toBeNull();
          } else if (what === "settle") {
            const [hold] = open.splice(open.length - 1 - which, 1);
            const actual = Math.min(spent, hold?.grant.amount ?? 0);
            if (
              hold === undefined ||
              (actual === 0 ? ask(Verb.cancel, 1, hold) : ask(Verb.commit, actual, hold)).outcome !== Outcome.allowed
            )
              continue;
            hold.grant.amount = actual;
            if (hold.grant.rule !== rule) seen.settledElsewhere++;
          } else {
            const verb = what === "take" ? Verb.take : what === "reserve" ? Verb.reserve : Verb.grant;
            const { outcome, handle } =
              verb === Verb.take ? harness.one(stampUs, "k", inline, cost) : ask(verb, cost, { ttlMs });
            if (outcome !== Outcome.allowed) {
              seen.denied++;
              continue;
            }
            const grant = { atUs: stampUs, amount: cost, rule };
            granted.push(grant);
            if (rule === 3) seen.underNone++;
            if (verb === Verb.reserve) open.push({ handle, grant });
            if (verb === Verb.grant) seen.leases++;
          }
        }
        expect(excess(rules, granted)).toBeNull();
      }),
      // Half of them are always the same, so that it is no matter of luck what they reach.
      { numRuns: 200, examples: fc.sample(fc.tuple(shapes, script), { seed: 1, numRuns: 100 }) },
    );
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(5);
  });
});
