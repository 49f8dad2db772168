import { describe, expect, it } from "vitest";
import { Outcome } from "../call-batch.ts";
import { encodeUtf8 } from "../entry/utf8.ts";
import type { OpenAmount } from "../holds/open-holds.ts";
import { Machine } from "../machine/machine.ts";
import { MachineState } from "../machine/state.ts";
import { batchOf, bucket, copyOf, START_US, windowLog } from "../testing/harness.ts";
import { byName, PolicyHarness } from "../testing/policy-harness.ts";
import { Verb } from "../verb.ts";
import { HELD_STEPS_PER_ENTRY } from "./carry-held.ts";

const second = 1_000_000;
const name = byName("api");
const keyOf = (at: number) => `k${String(at).padStart(4, "0")}`;
const held = 6_000;
const log = (windowMs: number) => ({ name: "api", algorithm: "sliding-window-log", limit: 5, windowMs });
const slots = (windowMs: number) => ({ ...log(windowMs), algorithm: "concurrency" });
const put = (policy: object) => ({ kind: "putPolicies", policies: [policy] });

/** 6,000 keys that hold two of five each. */
function heldByMany(policy: object): { readonly harness: PolicyHarness; readonly handles: readonly number[] } {
  const harness = new PolicyHarness();
  harness.change(put(policy));
  const handles: number[] = [];
  for (let at = 0; at < held; at += 500) {
    const ask = (i: number) => ({ key: keyOf(at + i), rule: name, cost: 2, verb: Verb.reserve, ttlMs: 3_600_000 });
    const calls = Array.from({ length: 500 }, (_, i) => [ask(i)]);
    const answers = harness.calls(START_US, { kind: "anonymous", namespace: "n" }, batchOf(calls, 0));
    handles.push(...answers.map(({ handle }) => handle));
  }
  expect(new Set(handles).size).toBe(held);
  return { harness, handles };
}

const isDue = ({ limiter }: PolicyHarness) => (limiter.nextDueUs() ?? Number.MAX_SAFE_INTEGER) <= limiter.stampUs;
const free = ({ limiter }: PolicyHarness, key: string) =>
  limiter.peek("n", name, encodeUtf8(key), 1, limiter.stampUs).remaining[0]!;

describe("K1 keys that are held when a policy takes over", () => {
  it("are carried over by so many at an entry as it may, the others at those that follow, and what is due says so", () => {
    const { harness } = heldByMany(log(3_600_000));
    // 15 steps each: for the key, one earlier rule, and its hold. The old counters stay beside the new ones, so it shows how many were carried over.
    const most = HELD_STEPS_PER_ENTRY / 15 + 1;
    const counts = [harness.limiter.stats.keys];
    expect(harness.change(put(log(7_200_000)), {}, START_US).error).toBeNull();
    counts.push(harness.limiter.stats.keys);
    for (let at = 1; isDue(harness) && at < 10; at++) {
      harness.apply(START_US + at);
      counts.push(harness.limiter.stats.keys);
    }
    const carried = counts.slice(1).map((count, at) => count - counts[at]!);
    expect(Math.max(...carried)).toBeLessThanOrEqual(most);
    expect(carried.reduce((sum, count) => sum + count, 0)).toBe(held);
    expect(carried.length).toBe(5);
    expect(isDue(harness)).toBe(false);
  });

  it.each([
    ["another policy", put(log(30_000))],
    ["inline callers", { kind: "deletePolicies", names: ["api"] }],
  ])("L1 count a lease as of its end that was over before their turn came, under %s", (_, after) => {
    const harness = new PolicyHarness();
    harness.change(put(log(20_000)));
    const lease = { rule: name, cost: 5, verb: Verb.grant };
    for (let at = 0; at < held; at += 500) {
      const calls = Array.from({ length: 500 }, (_, i) => [{ ...lease, key: keyOf(at + i) }]);
      harness.calls(START_US, { kind: "anonymous", namespace: "n" }, batchOf(calls, 0));
    }
    expect(harness.limiter.stats.leases).toBe(held);
    harness.change(after, {}, START_US + 1);
    const endUs = START_US + second;
    for (let at = 0; at < 20; at++) harness.apply(endUs + at);
    expect(harness.limiter.stats).toMatchObject({ leases: 0, leasesEnded: held });
    const rule = after.kind === "putPolicies" ? name : windowLog(5, 30 * second, "api");
    for (const key of [0, 1_400, 3_000, held - 1].map(keyOf)) {
      expect(harness.one(endUs + 30 * second - 1, key, rule).outcome).toBe(Outcome.limited);
    }
    for (const key of [0, 1_400, 3_000, held - 1].map(keyOf)) {
      expect(harness.one(endUs + 30 * second, key, rule, 5).outcome).toBe(Outcome.allowed);
    }
    // Once nothing of it can be asked for any more, nothing is left of it.
    for (let at = 0; at < 20; at++) harness.apply(endUs + 300 * second + at * 2 * second);
    expect(harness.limiter.stats.keys).toBe(0);
  });

  it("are found, counted and settled before that by whoever asks, through further changes", () => {
    const { harness, handles } = heldByMany(slots(60_000));
    const some = [0, 1, 2_999, 3_000, held - 2, held - 1];
    for (const [turn, windowMs] of [90_000, 60_000, 120_000].entries()) {
      const atUs = START_US + turn * 400 * second;
      expect(harness.change(put(slots(windowMs)), {}, atUs).error).toBeNull();
      expect(isDue(harness)).toBe(true);
      for (const at of some) {
        expect(free(harness, keyOf(at))).toBe(3);
        expect(harness.ask(atUs, Verb.reserve, keyOf(at), name, { cost: 4, ttlMs: 1 }).outcome).toBe(Outcome.limited);
      }
      const at = some.pop()!;
      const asked = { handle: handles[at]! };
      expect(harness.ask(atUs, Verb.cancel, keyOf(at), name, asked)).toMatchObject({ outcome: 1, remaining: 5 });
    }
    for (let turn = 0; isDue(harness) && turn < 20; turn++) harness.apply(harness.limiter.stampUs + 1);
    expect(isDue(harness)).toBe(false);
    for (const at of some) expect(free(harness, keyOf(at))).toBe(3);
    expect(harness.limiter.stats.slots).toBe(held - 3);
  });

  it("are open for their whole time after a takeover in the middle of it, and a copy from a snapshot goes on alike", () => {
    const { harness } = heldByMany(slots(60_000));
    harness.change(put(slots(90_000)), {}, START_US + second);
    const copy = copyOf(harness.limiter);
    expect(copy.nextDueUs()).toBe(harness.limiter.nextDueUs());
    const expectAlike = () => {
      const { index, bytes } = harness.entries.at(-1)!;
      copy.apply(index, bytes);
      expect(copy.stateHash()).toEqual(harness.limiter.stateHash());
    };
    harness.apply(START_US + 2 * second);
    expectAlike();
    expect(isDue(harness)).toBe(true);
    const jumpUs = START_US + 7_200 * second;
    harness.apply(jumpUs, () => {}, true);
    expectAlike();
    for (let at = 1; isDue(harness) && at < 10; at++) {
      harness.apply(jumpUs + at);
      expectAlike();
    }
    expect(isDue(harness)).toBe(false);
    // Each has its whole time to live from the takeover on.
    harness.apply(jumpUs + 3_599 * second);
    for (const at of [0, 3_000, held - 1]) expect(free(harness, keyOf(at))).toBe(3);
    expect(harness.limiter.stats.slots).toBe(held);
  });

  it("R1 are joined by what they hold on a counter that is looked for no more, though they were asked for first", () => {
    const harness = new PolicyHarness();
    const inline = (windowUs: number) => windowLog(5, windowUs, "api");
    const ask = (i: number) => ({ key: keyOf(i), rule: inline(2_000), verb: Verb.reserve, ttlMs: 60_000 });
    const calls = Array.from({ length: held }, (_, i) => [ask(i)]);
    harness.calls(START_US, { kind: "anonymous", namespace: "n" }, batchOf(calls, 0));
    const { handle } = harness.ask(START_US, Verb.reserve, "k", inline(1_000), { cost: 3, ttlMs: 300_000 });
    for (let i = 0; i < 40; i++) harness.one(START_US, "k", inline(60 * second + i));
    expect(harness.change(put(slots(1_000)), {}, START_US).error).toBeNull();
    const own = harness.ask(START_US + 2 * second, Verb.reserve, "k", name, { cost: 1, ttlMs: 60_000 });
    expect(own.outcome).toBe(Outcome.allowed);
    expect(isDue(harness)).toBe(true);
    let stampUs = START_US + 2 * second;
    while (isDue(harness)) harness.apply(++stampUs);
    expect(free(harness, "k")).toBe(1);
    expect(harness.ask(stampUs, Verb.cancel, "k", name, { handle })).toMatchObject({ outcome: 1, remaining: 4 });
    expect(harness.ask(stampUs, Verb.cancel, "k", name, own)).toMatchObject({ outcome: 1, remaining: 5 });
  });

  it.each([0, 10])("K1 joined, count once more as of the next change, beside %i that the key held by itself", (own) => {
    const harness = new PolicyHarness();
    const inline = (windowUs: number) => windowLog(100, windowUs, "api");
    const ask = (i: number) => ({ key: keyOf(i), rule: inline(3 * second), verb: Verb.reserve, ttlMs: 600_000 });
    const calls = Array.from({ length: held }, (_, i) => [ask(i)]);
    harness.calls(START_US, { kind: "anonymous", namespace: "n" }, batchOf(calls, 0));
    // Sixty of a hundred an hour taken, on a counter that still counts at the end; and fifty held beside, on one that is forgotten.
    expect(harness.one(START_US, "k", bucket(100, 3_600 * second, 100, "api"), 60).outcome).toBe(Outcome.allowed);
    harness.ask(START_US, Verb.reserve, "k", inline(second), { cost: 50, ttlMs: 3_600_000 });
    for (let i = 1; i <= 40; i++) harness.one(START_US, "k", inline(second + i * 1_000));
    expect(harness.change(put({ ...log(1_000), limit: 100 }), {}, START_US).error).toBeNull();
    let stampUs = START_US + 3 * second;
    expect(harness.one(stampUs, "k", name).outcome).toBe(Outcome.allowed);
    if (own > 0) harness.ask(stampUs, Verb.reserve, "k", name, { cost: own, ttlMs: 3_600_000 });
    while (isDue(harness)) harness.apply(++stampUs);
    expect(free(harness, "k")).toBe(49 - own);
    stampUs = START_US + 200 * second;
    const hourly = { name: "api", algorithm: "token-bucket", limit: 100, windowMs: 3_600_000, burst: 100 };
    expect(harness.change(put(hourly), {}, stampUs).error).toBeNull();
    // 5 of the sixty have drained by now. What is held on top of that is more than a hundred.
    expect(harness.one(stampUs, "k", name)).toMatchObject({ outcome: Outcome.limited, remaining: 0 });
  });

  it("of one key are told together, however many stamps they were opened at: each change would cost their square", () => {
    const state = new MachineState(undefined);
    const harness = new PolicyHarness();
    harness.limiter = new Machine(state);
    harness.change(put({ ...log(3_600_000), limit: 1_000 }));
    const reserve = (atUs: number) => harness.ask(atUs, Verb.reserve, "k", name, { cost: 2, ttlMs: 60_000 }).outcome;
    for (let at = 0; at < 50; at++) expect(reserve(START_US + at)).toBe(Outcome.allowed);
    const amounts: OpenAmount[][] = [];
    const stampUs = START_US + second;
    state.holds.forEachBehind({ dueUs: 0, number: 0 }, (block) => {
      amounts.push([...state.holds.ofKey.amountsOn(block, stampUs)]);
      return false;
    });
    expect(amounts).toMatchObject([[{ cost: 100, fromUs: stampUs, datedUs: stampUs }]]);
  });
});
