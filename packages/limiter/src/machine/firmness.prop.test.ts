import fc from "fast-check";
import { expect, it } from "vitest";
import { Outcome } from "../call-batch.ts";
import { encodeUtf8 } from "../entry/utf8.ts";
import { createResultColumns } from "../result-columns.ts";
import { Algorithm, type Rule } from "../rule.ts";
import { batchOf, bucket, type ItemResult, START_US, windowLog } from "../testing/harness.ts";
import { PolicyHarness } from "../testing/policy-harness.ts";
import { Verb } from "../verb.ts";

const windowUs = 1_000_000;
const ofWindow = (algorithm: Algorithm, limit: number): Rule => ({ ...windowLog(limit, windowUs), algorithm });
/** What programs of several versions ask by: their numbers differ, what they are counted by does not. */
const families: readonly (readonly Rule[])[] = [
  [windowLog(4, windowUs), windowLog(7, windowUs)],
  [windowLog(4, windowUs, "p"), windowLog(2, windowUs, "p")],
  [bucket(4, windowUs, 6)],
  [bucket(1, windowUs, 6, "b"), bucket(4, windowUs, 6, "b"), bucket(100, windowUs, 9, "b")],
  [ofWindow(Algorithm.slidingWindowCounter, 4), ofWindow(Algorithm.slidingWindowCounter, 7)],
  [ofWindow(Algorithm.fixedWindow, 4), ofWindow(Algorithm.fixedWindow, 7)],
];

/** A denial that somebody remembers. */
interface Remembered {
  readonly rule: Rule;
  readonly cost: number;
  /** The first stamp at which nobody relies on it any more. */
  readonly untilUs: number;
}

const steps = fc.array(
  fc.record({
    stepUs: fc.nat(150_000),
    verb: fc.constantFrom(Verb.take, Verb.take, Verb.take, Verb.reserve, Verb.grant, Verb.cancel, Verb.giveBack),
    version: fc.nat(),
    cost: fc.integer({ min: 1, max: 7 }),
    hold: fc.nat(),
    fast: fc.boolean(),
  }),
  { maxLength: 40 },
);

/** What the leader would answer from applied state, or null. */
function denied(harness: PolicyHarness, rule: Rule, cost: number, stampUs: number): ItemResult["firmForMs"] | null {
  const into = createResultColumns(1);
  const batch = batchOf([[{ key: "k", rule, cost }]]);
  return harness.limiter.denies("n", batch, 0, stampUs, into, 0) ? into.firmForMs[0]! : null;
}

it("D2 no take, hold or return ends a denial sooner than it was said to be firm, whoever said it", () => {
  let firm = 0;
  fc.assert(
    fc.property(fc.constantFrom(...families), steps, (rules, each) => {
      const harness = new PolicyHarness();
      const holds: { readonly rule: Rule; readonly handle: number; readonly verb: number }[] = [];
      let remembered: Remembered[] = [];
      let stampUs = START_US;
      const remember = (rule: Rule, cost: number, firmForMs: number) => {
        // A client's milliseconds, if stamps run as fast as they may (SEMANTICS T3).
        if (firmForMs > 0) remembered.push({ rule, cost, untilUs: stampUs + firmForMs * 1_010 });
      };
      for (const { stepUs, verb, version, cost, hold, fast } of each) {
        const rule = rules[version % rules.length]!;
        stampUs += stepUs;
        if (verb === Verb.take) {
          if (fast) remember(rule, cost, denied(harness, rule, cost, stampUs) ?? 0);
          const taken = harness.take(stampUs, "k", rule, cost);
          if (taken.outcome !== Outcome.allowed) remember(rule, cost, taken.firmForMs);
        } else if (verb === Verb.reserve || verb === Verb.grant) {
          const opened = harness.ask(stampUs, verb, "k", rule, { cost });
          if (opened.outcome === Outcome.allowed) holds.push({ rule, handle: opened.handle, verb });
          else remember(rule, cost, opened.firmForMs);
        } else if (holds.length > 0) {
          const [ended] = holds.splice(hold % holds.length, 1);
          const end = ended!.verb === Verb.grant ? Verb.giveBack : Verb.cancel;
          harness.ask(stampUs, end, "k", ended!.rule, { handle: ended!.handle, cost });
        }
        remembered = remembered.filter(({ untilUs }) => untilUs > stampUs);
        firm += remembered.length;
        for (const { rule: its, cost: costs, untilUs } of remembered) {
          for (const at of [stampUs, untilUs - 1]) {
            const { outcomes } = harness.limiter.peek("n", its, encodeUtf8("k"), costs, at);
            expect(outcomes[0], JSON.stringify({ its, costs, untilUs, at })).toBe(Outcome.limited);
          }
        }
      }
    }),
    { numRuns: 300 },
  );
  expect(firm).toBeGreaterThan(500);
});
