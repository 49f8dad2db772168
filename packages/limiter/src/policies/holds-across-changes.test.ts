import { describe, expect, it } from "vitest";
import { Outcome } from "../call-batch.ts";
import { encodeUtf8 } from "../entry/utf8.ts";
import { Algorithm, type Rule } from "../rule.ts";
import { batchOf, bucket, copyOf, nonceOf, START_US, windowLog } from "../testing/harness.ts";
import { byName, PolicyHarness } from "../testing/policy-harness.ts";
import { Verb } from "../verb.ts";

const second = 1_000_000;
const hour = 3_600 * second;
/** A full hour: fixed windows begin here. */
const startUs = Math.ceil(START_US / hour) * hour;
const nameAlone = byName("api");
const rule = (algorithm: string, limit: number, windowUs: number) => {
  const numbers = { name: "api", algorithm, limit, windowMs: windowUs / 1_000 };
  return algorithm === "token-bucket" ? { ...numbers, burst: limit } : numbers;
};
const log = (limit: number, windowUs: number) => rule("sliding-window-log", limit, windowUs);
const gone = { kind: "deletePolicies", names: ["api"] };

function put(harness: PolicyHarness, policy: object, stampUs: number): void {
  expect(harness.change({ kind: "putPolicies", policies: [policy] }, {}, stampUs).error).toBeNull();
}

const take = (harness: PolicyHarness, stampUs: number, cost: number) =>
  harness.one(stampUs, "k", nameAlone, cost).outcome;
const free = (harness: PolicyHarness, stampUs: number, asked = nameAlone) =>
  harness.limiter.peek("n", asked, encodeUtf8("k"), 1, stampUs).remaining[0]!;

/** Five of five are reserved under a policy at 10 s, which another one replaces at 30 s. */
function reserved(from: object, to: object): { readonly harness: PolicyHarness; readonly handle: number } {
  const harness = new PolicyHarness();
  put(harness, from, startUs);
  const call = harness.ask(startUs + 10 * second, Verb.reserve, "k", nameAlone, { cost: 5, ttlMs: 600_000 });
  expect(call.outcome).toBe(Outcome.allowed);
  put(harness, to, startUs + 30 * second);
  return { harness, handle: call.handle };
}

const pairs = [
  [log(5, hour), log(5, second)],
  [log(5, hour), rule("fixed-window", 5, second)],
  [rule("fixed-window", 5, hour), rule("fixed-window", 5, second)],
  [rule("sliding-window-counter", 5, hour), log(5, second)],
  [log(5, hour), rule("token-bucket", 5, second)],
  [log(5, hour), rule("concurrency", 5, second)],
  [rule("token-bucket", 5, hour), log(5, second)],
  [rule("token-bucket", 5, hour), rule("token-bucket", 5, second)],
].map((pair): [string, (typeof pair)[number], (typeof pair)[number]] => [
  pair.map(({ algorithm }) => algorithm).join(" to "),
  pair[0]!,
  pair[1]!,
]);

describe("K1 L3 what is held counts as of the change, as what was taken does", () => {
  it.each(pairs)("a reservation leaves no room in the window that begins with the change: %s", (_, from, to) => {
    const { harness } = reserved(from, to);
    expect(take(harness, startUs + 30 * second, 5)).not.toBe(Outcome.allowed);
    expect(free(harness, startUs + 30 * second)).toBe(0);
  });

  it.each(pairs)("committed under the other rule, it still counts when the first one is back: %s", (_, from, to) => {
    const { harness, handle } = reserved(from, to);
    const commit = harness.ask(startUs + 40 * second, Verb.commit, "k", nameAlone, { cost: 5, handle });
    expect(commit.outcome).toBe(Outcome.allowed);
    put(harness, from, startUs + 90 * second);
    expect(take(harness, startUs + 90 * second, 5)).toBe(Outcome.limited);
  });

  it.each(pairs)("still open when the first one is back, it counts once, and is given back once: %s", (_, from, to) => {
    const { harness, handle } = reserved({ ...from, limit: 9, ...("burst" in from ? { burst: 9 } : {}) }, to);
    put(harness, { ...from, limit: 9, ...("burst" in from ? { burst: 9 } : {}) }, startUs + 90 * second);
    expect(free(harness, startUs + 90 * second)).toBe(4);
    expect(harness.ask(startUs + 91 * second, Verb.cancel, "k", nameAlone, { handle }).remaining).toBe(9);
    expect(harness.ask(startUs + 91 * second, Verb.cancel, "k", nameAlone, { handle }).outcome).toBe(Outcome.notHeld);
  });

  it("a lease that was spent in full counts when the first rule is back", () => {
    const harness = new PolicyHarness();
    put(harness, log(5, hour), startUs);
    expect(harness.ask(startUs + second, Verb.grant, "k", nameAlone, { cost: 5 }).outcome).toBe(Outcome.allowed);
    put(harness, log(5, second), startUs + 1.5 * second);
    put(harness, log(5, hour), startUs + 30 * second);
    expect(take(harness, startUs + 30 * second, 1)).toBe(Outcome.limited);
  });

  it("a reservation of the hour that a sliding window still sees counts in the fixed window that follows", () => {
    const harness = new PolicyHarness();
    put(harness, log(5, hour), startUs);
    harness.ask(startUs + hour - second, Verb.reserve, "k", nameAlone, { cost: 5, ttlMs: 600_000 });
    put(harness, rule("fixed-window", 5, hour), startUs + hour + second);
    expect(take(harness, startUs + hour + second, 1)).toBe(Outcome.limited);
  });

  it("what is taken beside it is told apart: given back, it leaves the takes of both rules", () => {
    const harness = new PolicyHarness();
    put(harness, log(5, hour), startUs);
    expect(take(harness, startUs, 5)).toBe(Outcome.allowed);
    put(harness, log(5, second), startUs + second);
    const { handle } = harness.ask(startUs + 3 * second, Verb.reserve, "k", nameAlone, { cost: 5, ttlMs: 600_000 });
    put(harness, log(20, hour), startUs + 9 * second);
    expect(free(harness, startUs + 9 * second)).toBe(10);
    expect(harness.ask(startUs + 9 * second, Verb.cancel, "k", nameAlone, { handle }).remaining).toBe(15);
  });

  it("a bucket that is left keeps its own rate: what is held on it drains no faster afterwards", () => {
    for (const leave of [
      (harness: PolicyHarness) => harness.change(gone, {}, startUs + second),
      (harness: PolicyHarness) => put(harness, log(5, second), startUs + second),
    ]) {
      const harness = new PolicyHarness();
      put(harness, rule("token-bucket", 5, hour), startUs);
      const inline = [windowLog(5, 10 * second, "api"), bucket(5, hour, 5, "api")] as const;
      harness.ask(startUs, Verb.reserve, "k", nameAlone, { cost: 5, ttlMs: 2_000 });
      leave(harness);
      harness.one(startUs + second, "k", inline[0], 9);
      put(harness, rule("token-bucket", 5, hour), startUs + 60 * second);
      expect(free(harness, startUs + 60 * second)).toBe(0);
    }
  });

  it("a key that is held keeps what a rule under which nobody asked for it would have counted", () => {
    const harness = new PolicyHarness();
    put(harness, log(5, second), startUs);
    expect(take(harness, startUs, 5)).toBe(Outcome.allowed);
    put(harness, log(5, hour), startUs + 1);
    put(harness, log(9, second), startUs + 2);
    harness.ask(startUs + 2, Verb.reserve, "k", nameAlone, { cost: 1, ttlMs: 600_000 });
    put(harness, log(9, hour), startUs + 10 * second);
    expect(free(harness, startUs + 10 * second)).toBe(3);
  });

  it.each([rule("token-bucket", 5, hour), rule("concurrency", 5, hour)])(
    "what is given back stays so, though its counter is swept while the one before is kept: $algorithm",
    (to) => {
      const { harness, handle } = reserved(log(5, hour), to);
      harness.ask(startUs + 31 * second, Verb.cancel, "k", nameAlone, { handle });
      for (let at = 32; at < 90; at++) harness.apply(startUs + at * second);
      expect(free(harness, startUs + 90 * second)).toBe(5);
      const asked = harness.ask(startUs + 90 * second, Verb.reserve, "k", nameAlone, { cost: 5, ttlMs: 1_000 });
      expect(asked.outcome).toBe(Outcome.allowed);
    },
  );

  it("what is given back under a rule that counts for longer still counts on the one before, as that one would have it", () => {
    const { harness, handle } = reserved(log(5, 60 * second), log(5, hour));
    harness.ask(startUs + 31 * second, Verb.cancel, "k", nameAlone, { handle });
    put(harness, log(5, 60 * second), startUs + 40 * second);
    expect(free(harness, startUs + 40 * second)).toBe(0);
  });

  it("a slot that is given back under another rule is free when slots are counted again", () => {
    const harness = new PolicyHarness();
    put(harness, rule("concurrency", 5, hour), startUs);
    const session = harness.session(startUs, 1);
    const origin = { kind: "session", session, nonce: nonceOf(1), ackedThrough: 0 } as const;
    const slot = { key: "k", rule: nameAlone, cost: 5, verb: Verb.reserve };
    const { handle } = harness.calls(startUs, origin, batchOf([[slot]], 1))[0]!;
    put(harness, log(5, second), startUs + second);
    expect(free(harness, startUs + second)).toBe(0);
    harness.calls(startUs + second, origin, batchOf([[{ ...slot, verb: Verb.cancel, handle }]], 2));
    put(harness, rule("concurrency", 5, hour), startUs + 2 * second);
    expect(free(harness, startUs + 2 * second)).toBe(5);
    expect(copyOf(harness.limiter).stateHash()).toEqual(harness.limiter.stateHash());
  });
});

it.each([
  ["a commit", "sliding-window-log", Verb.commit, 1],
  ["a cancel", "sliding-window-log", Verb.cancel, 0],
  ["a cancel of a slot", "concurrency", Verb.cancel, 0],
])(
  "L1 %s of what a policy held is settled after the policy went, though the table is full",
  (_, algorithm, verb, cost) => {
    const harness = new PolicyHarness({ maxKeys: 2 });
    put(harness, rule(algorithm, 6, 2 * hour), startUs);
    const asked: Rule = {
      ...windowLog(5, hour, "api"),
      ...(algorithm === "concurrency" && { algorithm: Algorithm.concurrency }),
    };
    const { handle } = harness.ask(startUs, Verb.reserve, "k", asked, { cost: 2, ttlMs: 600_000 });
    expect(harness.one(startUs, "other", windowLog(5, hour)).outcome).toBe(Outcome.allowed);
    expect(harness.change(gone, {}, startUs + second).error).toBeNull();
    const settle = () =>
      harness.ask(startUs + 2 * second, verb, "k", asked, { handle, ...(cost > 0 && { cost }) }).outcome;
    expect(settle()).toBe(Outcome.allowed);
    expect(settle()).toBe(Outcome.notHeld);
  },
);

it("L1 who settles what nobody holds gets no counter in a full table", () => {
  const harness = new PolicyHarness({ maxKeys: 2 });
  const asked = windowLog(5, hour, "api");
  put(harness, log(6, 2 * hour), startUs);
  expect(harness.one(startUs, "k", asked, 3).outcome).toBe(Outcome.allowed);
  expect(harness.one(startUs, "other", windowLog(5, hour)).outcome).toBe(Outcome.allowed);
  expect(harness.change(gone, {}, startUs + second).error).toBeNull();
  expect(harness.ask(startUs + 2 * second, Verb.cancel, "k", asked, { handle: 7 }).outcome).toBe(Outcome.notHeld);
  expect(harness.limiter.stats.keys).toBe(2);
});
