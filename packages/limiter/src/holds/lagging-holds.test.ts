import { describe, expect, it, vi } from "vitest";
import { Outcome } from "../call-batch.ts";
import { Machine } from "../machine/machine.ts";
import { MachineState } from "../machine/state.ts";
import { Algorithm, type Rule } from "../rule.ts";
import { batchOf, type Item, nonceOf, START_US, windowLog } from "../testing/harness.ts";
import { byName, PolicyHarness } from "../testing/policy-harness.ts";
import { Verb } from "../verb.ts";

const second = 1_000_000;
const anonymous = { kind: "anonymous", namespace: "n" } as const;
const rule = windowLog(1_000_000, 3_600 * second, "api");
const name = byName("api");
const put = (algorithm: string, limit: number, windowMs: number) => ({
  kind: "putPolicies",
  policies: [{ name: "api", algorithm, limit, windowMs }],
});
const slots = (windowMs: number) => put("concurrency", 1, windowMs);

/** As many single calls. */
const calls = (count: number, item: (at: number) => Item) =>
  batchOf(Array.from({ length: count }, (_, at) => [item(at)]));

function watched(): { readonly harness: PolicyHarness; readonly state: MachineState } {
  const state = new MachineState(undefined);
  const harness = new PolicyHarness();
  harness.limiter = new Machine(state);
  return { harness, state };
}

describe("when more holds are due than one sweep looks at", () => {
  it("a key is looked through once for an entry, however often it is asked for in that", () => {
    const { harness, state } = watched();
    harness.calls(
      START_US,
      anonymous,
      calls(2_000, (at) => ({ key: `s${at}`, rule, verb: Verb.reserve, ttlMs: 1_000 })),
    );
    harness.calls(
      START_US,
      anonymous,
      calls(300, () => ({ key: "k", rule, verb: Verb.reserve, ttlMs: 60_000 })),
    );
    const looks = vi.spyOn(state.holds, "sweepKey");
    harness.calls(
      START_US + 2 * second,
      anonymous,
      calls(50, () => ({ key: "k", rule })),
    );
    expect(looks.mock.results.map(({ value }) => value)).toEqual([300, ...Array(49).fill(0)]);
    expect(harness.limiter.stats.reservations).toBe(2_300 - 1_024);
  });

  /** 3,000 slots of three sessions, which are silent from then on. */
  function holdInSilence(harness: PolicyHarness): void {
    for (let s = 0; s < 3; s++) {
      const session = harness.session(START_US, s + 1);
      const keyed = (at: number) => [{ key: `k${s * 1_000 + at}`, rule: name, verb: Verb.reserve, ttlMs: 3_600_000 }];
      const batch = batchOf(
        Array.from({ length: 1_000 }, (_, at) => keyed(at)),
        1,
      );
      harness.calls(START_US, { kind: "session", session, nonce: nonceOf(s + 1), ackedThrough: 0 }, batch);
    }
    expect(harness.limiter.stats.slots).toBe(3_000);
  }

  const inline: Rule = {
    algorithm: Algorithm.concurrency,
    limit: 1,
    windowUs: 3_600 * second,
    burst: 0,
    policy: "api",
  };
  const deletion = { kind: "deletePolicies", names: ["api"] };

  it.each([
    ["stays", null, name],
    ["changes", slots(3_000_000), name],
    ["goes", deletion, inline],
  ] as const)("K1 the slots of dead sessions are free at once if their policy %s", (_, change, asked) => {
    const harness = new PolicyHarness();
    harness.change(slots(3_600_000));
    holdInSilence(harness);
    if (change !== null) harness.change(change, {}, START_US + 1);
    const stampUs = START_US + 1_000 * second;
    const again = harness.ask(stampUs, Verb.reserve, "k2999", asked, { ttlMs: 1_000 });
    expect(again).toMatchObject({ outcome: Outcome.allowed, remaining: 0 });
  });

  it("K1 a change in the same entry carries none of them over, and leaves none of them on older counters", () => {
    const harness = new PolicyHarness();
    harness.change(put("sliding-window-log", 5, 7_200_000));
    expect(harness.one(START_US, "k1500", name).outcome).toBe(Outcome.allowed);
    harness.change(put("concurrency", 5, 3_600_000), {}, START_US);
    holdInSilence(harness);
    const stampUs = START_US + 1_000 * second;
    harness.change(put("sliding-window-log", 5, 7_100_000), {}, stampUs);
    harness.change(put("sliding-window-log", 5, 7_200_000), {}, stampUs + second);
    // One was taken at the beginning, and one is now.
    expect(harness.one(stampUs + second, "k1500", name).remaining).toBe(3);
    for (let at = 1; at < 4; at++) harness.apply(stampUs + second + at);
    expect(harness.limiter.stats.slots).toBe(0);
  });
});
