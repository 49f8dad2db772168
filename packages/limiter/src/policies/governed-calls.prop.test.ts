import fc from "fast-check";
import { expect, it } from "vitest";
import { Algorithm, type Rule } from "../rule.ts";
import { bucket, type Item, type ItemResult, START_US, windowLog } from "../testing/harness.ts";
import { PolicyHarness } from "../testing/policy-harness.ts";
import { endsHold, opensHold, Verb } from "../verb.ts";

const second = 1_000_000;
const rules: readonly Rule[] = [
  windowLog(4, second),
  windowLog(3, second, "p"),
  bucket(5, second, 3),
  bucket(5, second, 3, "p"),
  { ...windowLog(4, second, "q"), algorithm: Algorithm.slidingWindowCounter },
  { ...windowLog(4, second, "q"), algorithm: Algorithm.fixedWindow },
  { ...windowLog(2, second, "slots"), algorithm: Algorithm.concurrency },
];
const item = fc.record({
  key: fc.constantFrom("a", "b", "c", "d"),
  rule: fc.constantFrom(...rules),
  cost: fc.integer({ min: 1, max: 3 }),
});
const step = fc.record({
  waitUs: fc.nat(300_000),
  items: fc.array(item, { minLength: 1, maxLength: 4 }),
  verb: fc.oneof({ weight: 3, arbitrary: fc.constant<number>(Verb.take) }, fc.integer({ min: 1, max: 6 })),
  handle: fc.integer({ min: 1, max: 6 }),
});

/** One step's answers; a verb but take asks for the first item only. */
function run(
  harness: PolicyHarness,
  { items, verb, handle }: { items: Item[]; verb: number; handle: number },
  stampUs: number,
): ItemResult[] {
  if (verb === Verb.take) return harness.group(stampUs, items);
  const [{ key, rule, cost }] = items as [Item];
  const more = {
    ...(endsHold(verb) && { handle }),
    ...(opensHold(verb) && { ttlMs: 400 }),
    cost: verb === Verb.commit || opensHold(verb) || verb === Verb.giveBack ? (cost ?? 1) : 1,
  };
  return [harness.ask(stampUs, verb, key, rule, more)];
}

it("in a namespace whose policies concern others, every call comes to what it comes to where there are none", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 50 }), (steps) => {
      const plain = new PolicyHarness();
      const governed = new PolicyHarness();
      plain.apply(START_US);
      governed.change({
        kind: "putDocument",
        document: {
          policies: [
            { name: "other", limit: 1, windowMs: 1_000, ban: { denials: 1, windowMs: 1_000, durationMs: 1_000 } },
          ],
          overrides: [{ policy: "p", key: "z", limit: 99 }],
          lists: [
            { list: "deny", match: "key", value: "z" },
            { list: "allow", match: "range", value: "10.0.0.0/8" },
          ],
          maxKeys: 100,
        },
      });
      let stampUs = START_US;
      for (const each of steps) {
        stampUs += each.waitUs;
        expect(run(governed, each, stampUs)).toEqual(run(plain, each, stampUs));
        // Which keys have been swept so far depends on the pages, of which one has more.
        expect({ ...governed.limiter.stats, keys: 0 }).toEqual({ ...plain.limiter.stats, keys: 0 });
      }
    }),
    { numRuns: 200 },
  );
});

it("a policy with the numbers that callers bring inline changes no answer, whenever it comes, but that callers cannot change them", () => {
  const take = fc.record({
    waitUs: fc.nat(300_000),
    items: fc.array(
      fc.record({ key: fc.constantFrom("a", "b"), rule: fc.constant(rules[1]!), cost: fc.integer({ min: 1, max: 3 }) }),
      { minLength: 1, maxLength: 3 },
    ),
  });
  fc.assert(
    fc.property(fc.array(take, { minLength: 5, maxLength: 40 }), fc.nat(39), (steps, putAt) => {
      const plain = new PolicyHarness();
      const governed = new PolicyHarness();
      let stampUs = START_US;
      for (const [i, { items, waitUs }] of steps.entries()) {
        stampUs += waitUs;
        if (i === putAt)
          governed.change({ kind: "putPolicies", policies: [{ name: "p", limit: 3, windowMs: 1_000 }] }, {}, stampUs);
        const asked = i < putAt ? items : items.map((each) => ({ ...each, rule: { ...each.rule, limit: 1_000 } }));
        expect(governed.group(stampUs, asked)).toEqual(plain.group(stampUs, items));
      }
    }),
    { numRuns: 100 },
  );
});
