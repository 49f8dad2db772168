import fc from "fast-check";
import { expect, it } from "vitest";
import { Outcome } from "./call-batch.ts";
import { createLimiter } from "./create-limiter.ts";
import { createEntryWriter } from "./entry/entry-writer.ts";
import { createLocalCounts, type LocalItem } from "./local-counts.ts";
import { Algorithm, type Rule } from "./rule.ts";
import { Verb } from "./verb.ts";

const bounds = { maxKeys: 1_000, maxHolds: 1_000 };

/** The cluster's own machine, asked by one caller without session and policies. */
function createReference() {
  const limiter = createLimiter(bounds);
  const writer = createEntryWriter();
  let index = 0;
  return (verb: Verb, items: readonly LocalItem[], ttlMs: number, handle: number, stampUs: number) => {
    const keys = items.map(({ key }) => [...key].map((letter) => letter.charCodeAt(0)));
    writer.begin({ takeover: false });
    const batch = {
      ...{ firstNumber: 0, calls: 1, items: items.length, rules: items.map(({ rule }) => rule) },
      keyBytes: Uint8Array.from(keys.flat()),
      keyStarts: Uint32Array.from(keys, (_, at) => keys.slice(0, at).flat().length),
      keyLengths: Uint32Array.from(keys, (key) => key.length),
      ruleIndexes: Uint32Array.from(items, (_, at) => at),
      costs: Uint32Array.from(items, ({ cost }) => cost),
      sizes: Uint32Array.of(items.length),
      verbs: verb === Verb.take ? null : Uint8Array.of(verb),
      ttlsMs: verb === Verb.take ? null : Float64Array.of(ttlMs),
      handles: verb === Verb.take ? null : Float64Array.of(handle),
    };
    writer.calls({ kind: "anonymous", namespace: "" }, batch, 0, 1);
    index += 1;
    return limiter.apply(index, writer.finish(stampUs)).results;
  };
}

const rule: fc.Arbitrary<Rule> = fc
  .record({
    algorithm: fc.constantFrom(...Object.values(Algorithm)),
    limit: fc.constantFrom(0, 1, 3, 10, 400),
    windowUs: fc.constantFrom(1_000, 50_000, 1_000_000, 90_000_000),
    burst: fc.constantFrom(1, 4, 12),
    policy: fc.constantFrom("", "p"),
  })
  .map((one) => (one.algorithm === Algorithm.tokenBucket ? one : { ...one, burst: 0 }));
const item = fc.record({ rule, key: fc.constantFrom("a", "b"), cost: fc.constantFrom(1, 1, 2, 7, 300) });
interface Step {
  readonly verb: Verb;
  readonly items: readonly { readonly from: LocalItem; readonly cost: number }[];
  readonly ttlMs: number;
  /** Which of the holds opened so far is meant. */
  readonly opened: number;
  readonly laterUs: number;
}

/** A few rules, so that calls meet. */
const steps: fc.Arbitrary<Step[]> = fc.array(item, { minLength: 1, maxLength: 3 }).chain((pool) => {
  const known = fc.constantFrom(...pool);
  return fc.array(
    fc.record({
      verb: fc.constantFrom(Verb.take, Verb.take, Verb.take, Verb.reserve, Verb.commit, Verb.cancel),
      items: fc.array(fc.record({ from: known, cost: fc.constantFrom(1, 1, 2, 5) }), { minLength: 1, maxLength: 3 }),
      ttlMs: fc.constantFrom(0, 1, 40, 3_000),
      opened: fc.nat(20),
      laterUs: fc.constantFrom(0, 0, 1, 900, 20_000, 400_000, 60_000_000),
    }),
    { minLength: 1, maxLength: 80 },
  );
});

/** Has both decide the same calls, and compares every answer. Returns how the first item of each came out. */
function play(calls: readonly Step[]): readonly number[] {
  const [local, reference] = [createLocalCounts(bounds), createReference()];
  const handles: (readonly [local: number, reference: number])[] = [];
  const outcomes: number[] = [];
  let stampUs = 1_000_000;
  for (const { verb, items: asked, ttlMs, opened, laterUs } of calls) {
    stampUs += laterUs;
    const all = asked.map(({ from, cost }) => ({ ...from, cost }));
    const items = verb === Verb.take ? all : all.slice(0, 1);
    const [mine, theirs] = handles[opened % Math.max(1, handles.length)] ?? [99, 99];
    const ttl = verb === Verb.reserve ? ttlMs : 0;
    const ends = verb === Verb.commit || verb === Verb.cancel;
    const got = local.decide(verb, items, ttl, ends ? mine : 0, stampUs);
    const wanted = reference(verb, items, ttl, ends ? theirs : 0, stampUs);
    for (let at = 0; at < items.length; at++) {
      const isOpened = wanted.handles[at]! > 0;
      const read = (results: typeof got) => ({
        outcome: results.outcomes[at],
        remaining: results.remaining[at],
        resetAfterMs: results.resetAfterMs[at],
        retryAfterMs: results.retryAfterMs[at],
        limit: results.limits[at],
        openForMs: isOpened ? results.firmForMs[at] : 0,
        opened: results.handles[at]! > 0,
      });
      expect(read(got)).toEqual(read(wanted));
    }
    outcomes.push(wanted.outcomes[0]!);
    if (verb === Verb.reserve && wanted.handles[0]! > 0) handles.push([got.handles[0]!, wanted.handles[0]!]);
  }
  return outcomes;
}

it("a process by itself decides as the cluster's machine does", () => {
  fc.assert(
    fc.property(steps, (calls) => void play(calls)),
    { numRuns: 400 },
  );
});

it.each(Object.entries(Algorithm))(
  "it takes, denies, reserves, commits and cancels as the machine does: %s",
  (_, algorithm) => {
    const burst = algorithm === Algorithm.tokenBucket ? 4 : 0;
    const from: LocalItem = {
      key: "a",
      cost: 1,
      rule: { algorithm, limit: 3, windowUs: 1_000_000, burst, policy: "" },
    };
    const step = (verb: Verb, cost: number, opened = 0): Step => ({
      ...{ verb, items: [{ from, cost }], ttlMs: 3_000, opened, laterUs: 900 },
    });
    const calls = [step(Verb.take, 1), step(Verb.take, 5), step(Verb.reserve, 1), step(Verb.commit, 1)];
    const isSlot = algorithm === Algorithm.concurrency;
    const { allowed, limited, needsReservation } = Outcome;
    expect(play([...calls, step(Verb.reserve, 1), step(Verb.cancel, 1, 1)])).toEqual([
      ...(isSlot ? [needsReservation, needsReservation] : [allowed, limited]),
      ...[allowed, allowed, allowed, allowed],
    ]);
  },
);
