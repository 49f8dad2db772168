import { describe, expect, it, vi } from "vitest";
import { Outcome } from "../call-batch.ts";
import { encodeUtf8 } from "../entry/utf8.ts";
import { Machine } from "../machine/machine.ts";
import { MachineState } from "../machine/state.ts";
import { createResultColumns } from "../result-columns.ts";
import { Algorithm, type Rule } from "../rule.ts";
import { batchOf, bucket, copyOf, nonceOf, START_US, windowLog } from "../testing/harness.ts";
import { PolicyHarness } from "../testing/policy-harness.ts";
import { Verb } from "../verb.ts";

const second = 1_000_000;
const byName: Rule = { algorithm: Algorithm.slidingWindowLog, limit: 0, windowUs: 0, burst: 0, policy: "api" };
const policies = {
  log: { name: "api", algorithm: "sliding-window-log", limit: 10, windowMs: 10_000 },
  bucket: { name: "api", algorithm: "token-bucket", limit: 10, burst: 10, windowMs: 10_000 },
  fixed: { name: "api", algorithm: "fixed-window", limit: 10, windowMs: 10_000 },
  slots: { name: "api", algorithm: "concurrency", limit: 10, windowMs: 600_000 },
} as const;

function under(policy: object): PolicyHarness {
  const harness = new PolicyHarness();
  harness.change({ kind: "putPolicies", policies: [policy] });
  return harness;
}

function change(harness: PolicyHarness, policy: object, stampUs: number): void {
  harness.change({ kind: "putPolicies", policies: [policy] }, {}, stampUs);
}

function free(harness: PolicyHarness, stampUs: number): number {
  return harness.limiter.peek("n", byName, encodeUtf8("k"), 1, stampUs).remaining[0]!;
}

/** Whatever asks first makes the key's counts come over; nothing is charged. */
function touch(harness: PolicyHarness, stampUs: number): number {
  return harness.one(stampUs, "k", byName, 1_000).remaining;
}

describe("K1 a rule that takes over finds what is held, however late the key is touched", () => {
  it.each([
    ["a log", "a bucket", policies.log, policies.bucket],
    ["a bucket", "a log", policies.bucket, policies.log],
    ["a bucket", "fixed windows", policies.bucket, policies.fixed],
    ["fixed windows", "a bucket", policies.fixed, policies.bucket],
  ])("a lease under %s counts under %s, through a takeover in between (L2)", (_from, _to, from, to) => {
    const harness = under(from);
    const { handle } = harness.ask(START_US, Verb.grant, "k", byName, { cost: 6 });
    change(harness, to, START_US + 100_000);
    harness.apply(START_US + 200_000);
    const jumpUs = START_US + 600 * second;
    harness.apply(jumpUs, () => {}, true);
    expect(touch(harness, jumpUs + 1)).toBe(4);
    expect(harness.ask(jumpUs + 2, Verb.giveBack, "k", byName, { handle, cost: 6 }).remaining).toBe(10);
  });

  it("a policy that goes leaves its holds to the inline rule that asks, however late; who never does finds them ended by themselves", () => {
    const inline = bucket(10, 10 * second, 10, "api");
    const goneUs = START_US + second;
    for (const sinceUs of [0, 30 * second, 118 * second]) {
      const harness = under(policies.bucket);
      const { handle } = harness.ask(START_US, Verb.reserve, "k", inline, { cost: 6, ttlMs: 120_000 });
      harness.change({ kind: "deletePolicies", names: ["api"] }, {}, goneUs);
      const atUs = goneUs + sinceUs;
      expect(harness.one(atUs, "k", inline, 11).remaining).toBe(4);
      expect(harness.ask(atUs, Verb.cancel, "k", inline, { handle }).outcome).toBe(Outcome.allowed);
    }
    const harness = under(policies.bucket);
    harness.ask(START_US, Verb.reserve, "k", inline, { cost: 6, ttlMs: 120_000 });
    harness.change({ kind: "deletePolicies", names: ["api"] }, {}, goneUs);
    for (const at of [120, 127, 129]) harness.apply(START_US + at * second);
    expect(harness.limiter.stats).toMatchObject({ reservations: 0, reservationsEnded: 1 });
    expect(harness.one(START_US + 129 * second, "k", inline, 10).outcome).toBe(Outcome.allowed);
    for (const at of [300, 310, 320]) harness.apply(START_US + at * second);
    expect(harness.limiter.stats.keys).toBe(0);
  });

  it.each([
    ["its own time", 0, 0],
    ["a takeover that moved it", 10 * second, 10 * second - 1_000],
  ])("L1 a lease that ended by %s before anybody asks counts as of its end", (_, takeoverUs, movedUs) => {
    for (const asksBefore of [true, false]) {
      const inline = windowLog(5, 20 * second, "api");
      const harness = under({ name: "api", algorithm: "sliding-window-log", limit: 5, windowMs: 20_000 });
      const { firmForMs } = harness.ask(START_US, Verb.grant, "k", inline, { cost: 5 });
      const goneUs = START_US + 1_000;
      harness.change({ kind: "deletePolicies", names: ["api"] }, {}, goneUs);
      if (asksBefore) harness.one(goneUs, "k", inline, 6);
      if (takeoverUs > 0) harness.apply(START_US + takeoverUs, () => {}, true);
      const endUs = START_US + firmForMs * 1_000 + movedUs;
      harness.apply(endUs);
      expect(harness.limiter.stats).toMatchObject({ leases: 0, leasesEnded: 1 });
      // Over, it is moved no more.
      harness.apply(endUs + second, () => {}, true);
      expect(harness.one(endUs + 20 * second - 1, "k", inline).outcome).toBe(Outcome.limited);
      expect(harness.one(endUs + 20 * second, "k", inline, 5).outcome).toBe(Outcome.allowed);
    }
  });

  it("L1 so do a lease and a reservation of a bucket, and nobody can settle them", () => {
    const inline = bucket(10, 10 * second, 10, "api");
    for (const verb of [Verb.grant, Verb.reserve]) {
      const harness = under(policies.bucket);
      const { firmForMs, handle } = harness.ask(START_US, verb, "k", inline, { cost: 10, ttlMs: 60_000 });
      harness.change({ kind: "deletePolicies", names: ["api"] }, {}, START_US);
      const endUs = START_US + firmForMs * 1_000;
      harness.apply(endUs);
      const settle = verb === Verb.grant ? Verb.giveBack : Verb.cancel;
      expect(harness.ask(endUs, settle, "k", inline, { handle, cost: 10 }).outcome).toBe(Outcome.notHeld);
      expect(harness.one(endUs + 5 * second, "k", inline, 6).outcome).toBe(Outcome.limited);
      expect(harness.one(endUs + 5 * second, "k", inline, 5).outcome).toBe(Outcome.allowed);
    }
  });

  it("a slot whose session ends between the change and the first touch is free", () => {
    const harness = under(policies.slots);
    const session = harness.session(START_US, 1);
    const origin = { kind: "session", session, nonce: nonceOf(1), ackedThrough: 0 } as const;
    const slot = { key: "k", rule: byName, cost: 4, verb: Verb.reserve };
    expect(harness.calls(START_US, origin, batchOf([[slot]], 1))[0]!.remaining).toBe(6);
    change(harness, { ...policies.slots, windowMs: 300_000 }, START_US + second);
    harness.apply(START_US + 2 * second, (writer) => void writer.goodbye(session, nonceOf(1)));
    expect(harness.ask(START_US + 3 * second, Verb.reserve, "k", byName, { cost: 10 }).outcome).toBe(Outcome.allowed);
    expect(harness.limiter.stats).toMatchObject({ slots: 1, slotsEnded: 1 });
  });

  it("D1 a slot that was carried over to a rate denies nothing surely while its session holds it: its goodbye may be on its way", () => {
    const state = new MachineState(undefined);
    const harness = new PolicyHarness();
    harness.limiter = new Machine(state);
    change(harness, { ...policies.slots, limit: 60 }, START_US);
    const session = harness.session(START_US, 1);
    const origin = { kind: "session", session, nonce: nonceOf(1), ackedThrough: 0 } as const;
    const slot = { key: "k", rule: byName, verb: Verb.reserve, ttlMs: 300_000 };
    for (let at = 1; at <= 59; at++) harness.calls(START_US, origin, batchOf([[slot]], at));
    harness.ask(START_US, Verb.reserve, "k", byName, { ttlMs: 300_000 });
    change(harness, { ...policies.log, limit: 60, windowMs: 600_000 }, START_US);
    const denies = (stampUs: number) =>
      harness.limiter.denies("n", batchOf([[{ key: "k", rule: byName }]]), 0, stampUs, createResultColumns(1), 0);
    const deadUs = harness.limiter.nextDueUs()!;
    expect([denies(START_US), denies(deadUs - 1), denies(deadUs)]).toEqual([false, false, false]);
    // However many there are, that is told by a count.
    const word = vi.spyOn(state.heap, "word");
    denies(deadUs);
    expect(word.mock.calls.length).toBeLessThan(59);
    word.mockRestore();
    harness.apply(START_US + second, (writer) => void writer.goodbye(session, nonceOf(1)));
    expect(harness.one(START_US + second, "k", byName, 59).outcome).toBe(Outcome.allowed);
    // What no session holds ends by its own time, or with a call that names it.
    expect(denies(START_US + second)).toBe(true);
  });

  it("a reservation that its window has forgotten is still one: its commit is no stranger to the bucket that follows", () => {
    const harness = under(policies.log);
    const { handle } = harness.ask(START_US, Verb.reserve, "k", byName, { cost: 4, ttlMs: 60_000 });
    const changeUs = START_US + 20 * second;
    change(harness, policies.bucket, changeUs);
    const commit = harness.ask(changeUs, Verb.commit, "k", byName, { handle, cost: 7 });
    expect(commit).toMatchObject({ outcome: Outcome.allowed, remaining: 3 });
    expect(copyOf(harness.limiter).stateHash()).toEqual(harness.limiter.stateHash());
  });

  it("a hold that is over before the key is touched counts as spent, and is nobody's", () => {
    const harness = under(policies.bucket);
    const { handle } = harness.ask(START_US, Verb.reserve, "k", byName, { cost: 10, ttlMs: 2_000 });
    change(harness, { ...policies.bucket, windowMs: 20_000 }, START_US + second);
    for (const at of [2, 3]) harness.apply(START_US + at * second);
    expect(free(harness, START_US + 3 * second)).toBe(0);
    expect(touch(harness, START_US + 3 * second)).toBe(0);
    expect(harness.ask(START_US + 3 * second, Verb.cancel, "k", byName, { handle }).outcome).toBe(Outcome.notHeld);
  });
});

describe("K1 L1 what is leased counts in every window that it may be spent in", () => {
  const startUs = Math.ceil(START_US / (10 * second)) * 10 * second;

  /** All that is admitted of the key around the stamp, if the lease then comes back unspent. */
  function admittedBy(harness: PolicyHarness, rule: Rule, handle: number, stampUs: number): number {
    const before = harness.admitted(stampUs, rule, "k", 20);
    expect(harness.ask(stampUs, Verb.giveBack, "k", rule, { handle, cost: 6 }).outcome).toBe(Outcome.allowed);
    return before + harness.admitted(stampUs, rule, "k", 20);
  }

  it.each(["fixed-window", "sliding-window-counter"] as const)(
    "%s: also where a policy's windows became shorter than its lease",
    (algorithm) => {
      const harness = under({ name: "api", algorithm, limit: 10, windowMs: 10_000 });
      const { handle } = harness.ask(startUs, Verb.grant, "k", byName, { cost: 6 });
      change(harness, { name: "api", algorithm, limit: 10, windowMs: 100 }, startUs + 1);
      expect(admittedBy(harness, byName, handle, startUs + 950_000)).toBe(10);
      expect(copyOf(harness.limiter).stateHash()).toEqual(harness.limiter.stateHash());
    },
  );

  it.each([Algorithm.fixedWindow, Algorithm.slidingWindowCounter])(
    "algorithm %i: also where its policy went, and a takeover moved it by many windows before anybody asked",
    (algorithm) => {
      const inline: Rule = { algorithm, limit: 10, windowUs: 10 * second, burst: 0, policy: "api" };
      const harness = under({ name: "api", algorithm: "fixed-window", limit: 10, windowMs: 10_000 });
      const { handle } = harness.ask(startUs + second, Verb.grant, "k", inline, { cost: 6 });
      // Held besides, and it stays where it was made.
      const held = harness.ask(startUs + second, Verb.reserve, "k", inline, { cost: 1, ttlMs: 3_600_000 });
      harness.change({ kind: "deletePolicies", names: ["api"] }, {}, startUs + second + 1);
      harness.apply(startUs + 61 * second, () => {}, true);
      expect(admittedBy(harness, inline, handle, startUs + 61 * second + 1)).toBe(10);
      expect(harness.ask(startUs + 61 * second + 2, Verb.cancel, "k", inline, held).outcome).toBe(1);
    },
  );

  it.each(["fixed-window", "sliding-window-counter"] as const)(
    "%s: also where a takeover moved it after its policy went, and the policy comes back when it is over",
    (algorithm) => {
      const policy = { name: "api", algorithm, limit: 10, windowMs: 10_000 };
      const harness = under(policy);
      harness.ask(startUs, Verb.grant, "k", byName, { cost: 6 });
      harness.change({ kind: "deletePolicies", names: ["api"] }, {}, startUs + 1);
      harness.apply(startUs + 61 * second, () => {}, true);
      harness.apply(startUs + 63 * second);
      change(harness, policy, startUs + 63 * second);
      expect(harness.admitted(startUs + 63 * second, byName, "k", 20)).toBeLessThanOrEqual(4);
    },
  );

  it("a lease that is refused while others reach into many windows is told when there is room for it", () => {
    const harness = under({ name: "api", algorithm: "fixed-window", limit: 10, windowMs: 10_000 });
    harness.ask(startUs, Verb.grant, "k", byName, { cost: 7 });
    harness.ask(startUs, Verb.grant, "k", byName, { cost: 2, ttlMs: 100 });
    change(harness, { name: "api", algorithm: "sliding-window-counter", limit: 10, windowMs: 10 }, startUs + 5_000);
    const { retryAfterMs } = harness.ask(startUs + 25_000, Verb.grant, "k", byName, { cost: 2 });
    const askedAt = (ms: number) => {
      const { limiter } = harness;
      harness.limiter = copyOf(limiter);
      const { outcome } = harness.ask(startUs + 25_000 + ms * 1_000, Verb.grant, "k", byName, { cost: 2 });
      harness.limiter = limiter;
      return outcome;
    };
    expect(retryAfterMs).toBeGreaterThan(900);
    expect([askedAt(retryAfterMs - 1), askedAt(retryAfterMs)]).toEqual([Outcome.limited, Outcome.allowed]);
  });
});

describe("K1 S5 a takeover leaves keys whose policy went to the first inline rule that asks for them", () => {
  const minute = 60 * second;
  const inline = bucket(1, minute, 10, "api");
  const slots = (windowUs: number): Rule => ({
    ...inline,
    algorithm: Algorithm.concurrency,
    limit: 4,
    windowUs,
    burst: 0,
  });
  const tokens = (burst: number) => ({ name: "api", algorithm: "token-bucket", limit: 1, windowMs: 60_000, burst });
  const own = (numbers: object) => ({ kind: "putOverrides", overrides: [{ policy: "api", key: "k", ...numbers }] });
  const ownNoMore = { kind: "deleteOverrides", overrides: [{ policy: "api", key: "k" }] };
  const gone = { kind: "deletePolicies", names: ["api"] };
  const takeOver = (harness: PolicyHarness, stampUs: number) => void harness.apply(stampUs, () => {}, true);

  it("what they took is not cut to the burst of a policy that came and went", () => {
    const harness = new PolicyHarness();
    harness.ask(START_US, Verb.reserve, "k", inline, { ttlMs: 55_000 });
    expect(harness.admitted(START_US, inline)).toBe(9);
    change(harness, tokens(1), START_US + 1);
    harness.change(gone, {}, START_US + 2);
    takeOver(harness, START_US + 3);
    expect(harness.admitted(START_US + 4, inline)).toBe(0);
  });

  it("nor to that of an override under which they hold something", () => {
    const harness = under(tokens(10));
    harness.change(own({ limit: 1, burst: 1 }), {}, START_US);
    harness.ask(START_US, Verb.reserve, "k", inline, { ttlMs: 55_000 });
    harness.change(ownNoMore, {}, START_US);
    expect(harness.admitted(START_US, inline)).toBe(9);
    harness.change(gone, {}, START_US + 1);
    takeOver(harness, START_US + 2);
    expect(harness.admitted(START_US + 3, inline)).toBe(0);
  });

  it("nor does it drain at the rate under which they hold something", () => {
    const harness = under(tokens(10));
    harness.change(own({ limit: 1_000, burst: 10 }), {}, START_US);
    harness.ask(START_US, Verb.reserve, "k", inline, { ttlMs: 50_000 });
    harness.change(ownNoMore, {}, START_US);
    expect(harness.admitted(START_US + second, inline)).toBe(9);
    harness.change(gone, {}, START_US + second);
    takeOver(harness, START_US + 2 * second);
    expect(harness.admitted(START_US + 9 * second, inline)).toBe(0);
  });

  it.each([minute, 5 * second])("slots are not given out twice, be the window of who asks %i µs", (windowUs) => {
    const harness = under({ name: "api", algorithm: "concurrency", limit: 4, windowMs: 60_000 });
    const { handle } = harness.ask(START_US, Verb.reserve, "k", slots(windowUs), { cost: 4, ttlMs: 50_000 });
    harness.change(gone, {}, START_US);
    takeOver(harness, START_US + second);
    const again = () => harness.ask(START_US + 20 * second, Verb.reserve, "k", slots(windowUs), { cost: 4 }).outcome;
    expect(again()).toBe(Outcome.limited);
    expect(harness.ask(START_US + 20 * second, Verb.cancel, "k", slots(windowUs), { handle }).outcome).toBe(1);
    expect(again()).toBe(Outcome.allowed);
  });

  it.each(Object.entries(policies))("what a policy of %s held, callers of another window settle", (_, policy) => {
    const other = windowLog(10, 5 * second, "api");
    const harness = under(policy);
    const { handle } = harness.ask(START_US, Verb.reserve, "k", other, { cost: 4, ttlMs: 50_000 });
    harness.change(gone, {}, START_US + 1);
    takeOver(harness, START_US + second);
    const cancel = harness.ask(START_US + 2 * second, Verb.cancel, "k", other, { handle });
    expect(cancel).toMatchObject({ outcome: Outcome.allowed, remaining: 10 });
  });

  it("what they used is what it was when the policy went, whatever its rate made of it until the takeover", () => {
    const harness = under(policies.bucket);
    harness.ask(START_US, Verb.reserve, "k", inline, { cost: 6, ttlMs: 60_000 });
    expect(harness.admitted(START_US, inline)).toBe(4);
    harness.change(gone, {}, START_US);
    harness.apply(START_US + 14 * second);
    takeOver(harness, START_US + 15 * second);
    expect(harness.admitted(START_US + 15 * second, inline)).toBe(0);
  });

  it("a reservation has its whole time anew there, and counts as spent where it ends", () => {
    const harness = under(policies.bucket);
    const { handle } = harness.ask(START_US, Verb.reserve, "k", inline, { cost: 6, ttlMs: 20_000 });
    harness.change(gone, {}, START_US + second);
    takeOver(harness, START_US + 15 * second);
    const copy = copyOf(harness.limiter);
    expect(copy.stateHash()).toEqual(harness.limiter.stateHash());
    const lateUs = START_US + 34 * second;
    expect(harness.ask(lateUs, Verb.commit, "k", inline, { handle, cost: 6 }).outcome).toBe(Outcome.allowed);
    expect(harness.one(lateUs, "k", inline, 5).outcome).toBe(Outcome.limited);
  });

  it.each(["log", "bucket"] as const)(
    "a slot that a policy of a %s counted is free with its session, and nothing else is",
    (to) => {
      const harness = under(policies.slots);
      const session = harness.session(START_US, 1);
      const origin = { kind: "session", session, nonce: nonceOf(1), ackedThrough: 0 } as const;
      harness.calls(
        START_US,
        origin,
        batchOf([[{ key: "k", rule: byName, cost: 4, verb: Verb.reserve, ttlMs: 3_600_000 }]], 1),
      );
      change(harness, policies[to], START_US);
      expect(harness.one(START_US, "k", byName, 6).outcome).toBe(Outcome.allowed);
      harness.change(gone, {}, START_US);
      // As of the change there were 6 of 10 used, whatever its own window or rate would have made of them since.
      harness.apply(START_US + 15 * second, (writer) => void writer.goodbye(session, nonceOf(1)));
      const hourly = bucket(10, 3_600 * second, 10, "api");
      expect(harness.one(START_US + 15 * second, "k", hourly, 11).remaining).toBe(4);
    },
  );
});
