import { describe, expect, it, vi } from "vitest";
import { Outcome } from "../call-batch.ts";
import { encodeUtf8 } from "../entry/utf8.ts";
import { Algorithm, type Rule } from "../rule.ts";
import { batchOf, bucket, nonceOf, START_US, windowLog } from "../testing/harness.ts";
import { byName, PolicyHarness, putPolicy } from "../testing/policy-harness.ts";
import { Verb } from "../verb.ts";

const second = 1_000_000;
const gone = { kind: "deletePolicies", names: ["api"] };
const slots = { name: "api", algorithm: "concurrency", limit: 10, windowMs: 600_000 };
const log = { name: "api", algorithm: "sliding-window-log", limit: 10, windowMs: 20_000 };
const counter = { ...log, algorithm: "sliding-window-counter" };
const fixed = { ...log, algorithm: "fixed-window" };
const tokens = { name: "api", algorithm: "token-bucket", limit: 10, burst: 10, windowMs: 20_000 };
const key = encodeUtf8("k");
const inlineSlots = (windowUs: number, policy: string): Rule => ({
  ...windowLog(10, windowUs, policy),
  algorithm: Algorithm.concurrency,
});

/** Holds four of ten in a session that is not heard of again. */
function holdBySession(harness: PolicyHarness, rule: Rule): number {
  const session = harness.session(START_US, 1);
  const origin = { kind: "session", session, nonce: nonceOf(1), ackedThrough: 0 } as const;
  const slot = { key: "k", rule, cost: 4, verb: Verb.reserve, ttlMs: 300_000 };
  return harness.calls(START_US, origin, batchOf([[slot]], 1))[0]!.handle;
}

/** A key that a policy counted, with two of ten taken, three reserved and four leased, when it went. */
function left(policy: object): (harness: PolicyHarness, rule: Rule) => void {
  return (harness) => {
    harness.change(putPolicy(policy));
    const name = byName("api");
    if (policy !== slots) harness.one(START_US - second, "k", name, 2);
    harness.ask(START_US, Verb.reserve, "k", name, { cost: 3, ttlMs: 30_000 });
    if (policy !== slots) harness.ask(START_US, Verb.grant, "k", name, { cost: 4 });
    harness.change(gone, {}, START_US + second / 2);
  };
}

function verbUnder({ limiter }: PolicyHarness, rule: Rule, stampUs: number): number {
  const isSlots = limiter.explain("n", rule, key, stampUs).rule?.algorithm === "concurrency";
  return isSlots ? Verb.reserve : Verb.take;
}

function explained({ limiter }: PolicyHarness, rule: Rule, stampUs: number) {
  const { used, available, nextFreeMs, resetAfterMs, holds } = limiter.explain("n", rule, key, stampUs);
  return { used, available, nextFreeMs, resetAfterMs, holds };
}

/** Questions at a stamp against what an entry of that stamp comes to: of all costs, since what comes back comes back in parts. */
function expectForeseen(make: () => PolicyHarness, rule: Rule, stampUs: number): void {
  for (const cost of [1, 6]) {
    const harness = make();
    const before = harness.limiter.stateHash();
    const { outcomes, remaining, retryAfterMs, resetAfterMs } = harness.limiter.peek("n", rule, key, cost, stampUs);
    const [outcome, free] = [outcomes[0]!, remaining[0]!];
    const told = { outcome, remaining: free, retryAfterMs: retryAfterMs[0]!, resetAfterMs: resetAfterMs[0]! };
    expect(harness.limiter.stateHash()).toEqual(before);
    const verb = verbUnder(harness, rule, stampUs);
    const decided = harness.ask(stampUs, verb, "k", rule, { cost });
    if (outcome === Outcome.allowed) expect(decided).toMatchObject({ outcome, remaining: free - cost });
    else expect(decided).toMatchObject(told);
  }
  const harness = make();
  const foreseen = explained(harness, rule, stampUs);
  // Denied for good, so that nothing but what comes before a decision is done.
  const verb = verbUnder(harness, rule, stampUs);
  expect(harness.ask(stampUs, verb, "k", rule, { cost: 1_000 }).outcome).toBe(Outcome.limited);
  expect(explained(harness, rule, stampUs)).toEqual(foreseen);
}

describe("peek and explain say what the decision would be now", () => {
  const name = byName("api");
  it.each([
    ["its own policy", name, [putPolicy(slots)], false],
    ["callers' own slots", inlineSlots(600 * second, "own"), [], false],
    ["callers' slots without a name", inlineSlots(600 * second, ""), [], false],
    ["a window that took over", name, [putPolicy(slots), putPolicy(log)], true],
    ["a bucket that took over", name, [putPolicy(slots), putPolicy(tokens)], true],
    ["a window that nobody asked yet", windowLog(10, 20 * second, "api"), [putPolicy(slots), gone], false],
    ["slots that nobody asked yet", inlineSlots(30 * second, "api"), [putPolicy(slots), gone], false],
  ] as const)("R2 a slot whose session is dead is free under %s", (_, rule, [first, second_], isTouched) => {
    let deadUs = 0;
    const make = () => {
      const harness = new PolicyHarness();
      if (first !== undefined) harness.change(first);
      holdBySession(harness, first === undefined ? rule : name);
      deadUs = harness.limiter.nextDueUs()!;
      if (second_ !== undefined) harness.change(second_, {}, START_US);
      if (isTouched) harness.one(START_US, "k", rule, 1_000);
      return harness;
    };
    make();
    for (const stampUs of [deadUs - 1, deadUs, deadUs + 10 * second]) expectForeseen(make, rule, stampUs);
  });

  it.each([
    ["a log", log],
    ["a counter of two windows", counter],
    ["a bucket", tokens],
    ["slots", slots],
  ])(
    "K1 what is held on %s that went counts as it will for whoever asks first, and comes back when it will",
    (_, policy) => {
      const make = () => {
        const harness = new PolicyHarness();
        left(policy)(harness, name);
        return harness;
      };
      const inline = [
        windowLog(10, 20 * second, "api"),
        windowLog(10, 5 * second, "api"),
        { ...windowLog(10, 20 * second, "api"), algorithm: Algorithm.fixedWindow },
        bucket(10, 20 * second, 10, "api"),
        inlineSlots(60 * second, "api"),
      ];
      for (const rule of inline) {
        for (const afterUs of [0.5, 1, 19, 20.9, 30, 50].map((each) => each * second))
          expectForeseen(make, rule, START_US + afterUs);
      }
    },
  );
});

it.each([
  ["a log", log],
  ["a counter of two windows", counter],
  ["a fixed window", fixed],
  ["a bucket", tokens],
])(
  "K1 what a key is taken to have used of %s fades, and what is used and what is available make up the limit",
  (_, policy) => {
    const used: number[] = [];
    for (const afterUs of [0, 5, 15, 25, 35, 45].map((each) => each * second)) {
      const harness = new PolicyHarness();
      for (let at = 0; at < 40; at++) harness.one(START_US, "other", windowLog(10, 20 * second + at, "api"));
      harness.change(putPolicy(policy), {}, START_US);
      const told = explained(harness, byName("api"), START_US + afterUs);
      expect(told.used + told.available).toBe(10);
      expect(told.used === 0).toBe(told.resetAfterMs === 0);
      expect(harness.admitted(START_US + afterUs, byName("api"))).toBe(told.available);
      used.push(told.used);
    }
    expect([used[0], used.at(-1)]).toEqual([10, 0]);
  },
);

it("a question on a key that waits for its rule takes no memory anew", () => {
  for (const policy of [counter, tokens]) {
    const harness = new PolicyHarness();
    harness.change(putPolicy(policy));
    harness.one(START_US, "k", byName("api"), 3);
    harness.change(putPolicy({ ...policy, windowMs: 30_000 }), {}, START_US + second);
    const ask = () => harness.limiter.peek("n", byName("api"), key, 1, START_US + 2 * second).remaining[0];
    const first = ask();
    let bytes = 0;
    class Counting extends ArrayBuffer {
      constructor(length: number) {
        super(length);
        bytes += length;
      }
    }
    vi.stubGlobal("ArrayBuffer", Counting);
    try {
      for (let time = 0; time < 20; time++) expect(ask()).toBe(first);
    } finally {
      vi.unstubAllGlobals();
    }
    expect(bytes).toBe(0);
  }
});

it("up to 100 holds are foreseen of a key that waits; of one with more a question is answered as of the change, and tells them all the same", () => {
  const large = { ...tokens, limit: 200, burst: 200 };
  const inline = bucket(200, 20 * second, 200, "api");
  for (const [count, left] of [
    [100, 100],
    [101, 199],
  ] as const) {
    const harness = new PolicyHarness();
    harness.change(putPolicy(large));
    for (let at = 0; at < count; at++)
      harness.ask(START_US, Verb.reserve, "k", byName("api"), { cost: 1, ttlMs: 60_000 });
    harness.change(gone, {}, START_US);
    const stampUs = START_US + 10 * second;
    const explain = () => harness.limiter.explain("n", inline, key, stampUs);
    expect(harness.limiter.peek("n", inline, key, 1, stampUs).remaining[0]).toBe(left);
    expect(explain()).toMatchObject({ used: 200 - left, available: left, isCarriedOver: true });
    const { holds } = explain();
    expect(holds).toHaveLength(100);
    // What is held does not drain, which the first call of the key sees.
    expect(harness.one(stampUs, "k", inline).remaining).toBe(200 - count - 1);
    expect(explain()).toMatchObject({ used: count + 1, isCarriedOver: false, holds });
  }
});
