import { expect, it } from "vitest";
import { Outcome } from "../call-batch.ts";
import { batchOf, copyOf, START_US, windowLog } from "../testing/harness.ts";
import { byName, PolicyHarness, putPolicy } from "../testing/policy-harness.ts";
import { Verb } from "../verb.ts";
import { readAdminRequest } from "./admin-change.ts";

const second = 1_000_000;
const held = 1_000;
const name = byName("api");
const keyOf = (at: number) => `k${String(at).padStart(4, "0")}`;
const log = (windowMs: number) => ({ name: "api", algorithm: "sliding-window-log", limit: 5, windowMs });
const gone = { kind: "deletePolicies", names: ["api"] };
const inline = windowLog(5, 3_600 * second, "api");

/** Hundreds of keys that hold two of five each, when one entry brings forty rules after another: more than are told apart. */
function forgotten(changes: readonly unknown[]): {
  readonly harness: PolicyHarness;
  readonly handles: readonly number[];
} {
  const harness = new PolicyHarness();
  harness.change(putPolicy(log(3_600_000)));
  const ask = (i: number) => ({ key: keyOf(i), rule: name, cost: 2, verb: Verb.reserve, ttlMs: 3_600_000 });
  const calls = Array.from({ length: held }, (_, i) => [ask(i)]);
  const handles = harness
    .calls(START_US, { kind: "anonymous", namespace: "n" }, batchOf(calls))
    .map((one) => one.handle);
  harness.apply(START_US + second, (writer) => {
    for (const change of changes) writer.administer(readAdminRequest({ namespace: "n", change }));
  });
  return { harness, handles };
}

const forty = Array.from({ length: 40 }, (_, i) => putPolicy(log(3_600_000 + (i % 2 === 0 ? 1_000 : 2_000))));

it.each([
  ["under the last of them", forty, name],
  ["by callers, the policy gone", [...forty, gone], inline],
  ["by callers, one change later", [...forty, gone, ...forty, gone], inline],
])(
  "R1 what is held is settled by its number %s, however many rules took over, and wherever it is",
  (_, changes, rule) => {
    const { harness, handles } = forgotten(changes);
    const stampUs = START_US + second;
    const copy = copyOf(harness.limiter);
    const settle = (at: number, key = keyOf(at)) => [{ key, rule, verb: Verb.cancel, handle: handles[at]! }];
    // Some were asked for first, by who could not know of what is held; and a number is one of its own key alone.
    const touched = [3, 700, held - 2];
    const some = [0, 1, 2, ...touched, held / 2, held - 1];
    const calls = [...touched.map((at) => [{ key: keyOf(at), rule, cost: 1_000 }]), settle(0, keyOf(1))];
    for (const at of some) calls.push(settle(at), settle(at));
    const outcomes = harness
      .calls(stampUs, { kind: "anonymous", namespace: "n" }, batchOf(calls))
      .map(({ outcome }) => outcome);
    expect(outcomes.slice(0, 4)).toEqual([...touched.map(() => Outcome.limited), Outcome.notHeld]);
    expect(outcomes.slice(4)).toEqual(some.flatMap(() => [Outcome.allowed, Outcome.notHeld]));
    expect(harness.limiter.stats.reservations).toBe(held - some.length);
    for (const { index, bytes } of harness.entries) if (index > copy.appliedIndex) copy.apply(index, bytes);
    expect(copy.stateHash()).toEqual(harness.limiter.stateHash());
  },
);
