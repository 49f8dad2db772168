import { expect, it } from "vitest";
import type { Applied } from "../limiter.ts";
import { Algorithm } from "../rule.ts";
import { batchOf, bucket, type Item, nonceOf, START_US, windowLog } from "../testing/harness.ts";
import { byName, PolicyHarness, putPolicy } from "../testing/policy-harness.ts";
import { Verb } from "../verb.ts";

const minute = 60_000_000;
const api = { name: "api", algorithm: "sliding-window-log", limit: 3, windowMs: 60_000 };

function resetsOf({ resets }: Applied): string[] {
  return resets.map(({ namespace, rule, key }) => {
    const { algorithm, limit, windowUs, burst, policy } = rule;
    return [namespace, policy, algorithm, windowUs, limit, burst, String.fromCharCode(...key)].join(" ");
  });
}

function applied(harness: PolicyHarness, namespace: string, ...calls: readonly Item[]): Applied {
  const batch = batchOf(calls.map((item) => [item]));
  return harness.apply(START_US, (writer) => {
    writer.calls({ kind: "anonymous", namespace }, batch, 0, batch.calls);
  });
}

it("an entry names the keys that its resets emptied, each as its caller named it, in their order", () => {
  const harness = new PolicyHarness();
  harness.change(putPolicy(api));
  const verb = Verb.reset;
  const take = { key: "taken", rule: windowLog(3, minute) };
  const resets = [
    { key: "a", rule: windowLog(3, minute), verb },
    { key: "b", rule: bucket(3, minute, 7), verb },
    { key: "a", rule: byName("api"), verb },
    { key: "c", rule: windowLog(9, minute, "code"), verb },
  ];
  const told = [`n  1 ${minute} 3 0 a`, `n  2 ${minute} 3 7 b`, "n api 1 0 0 0 a", `n code 1 ${minute} 9 0 c`];
  expect(resetsOf(applied(harness, "n", take, ...resets))).toEqual(told);
  expect(resetsOf(applied(harness, "m", resets[0]!))).toEqual([`m  1 ${minute} 3 0 a`]);
  expect(resetsOf(applied(harness, "n", take))).toEqual([]);
});

it("a reset of a session is told in the session's namespace, and once, however often it is sent", () => {
  const harness = new PolicyHarness();
  const session = harness.session(START_US, 1);
  const origin = { kind: "session", session, nonce: nonceOf(1), ackedThrough: 0 } as const;
  const batch = batchOf([[{ key: "k", rule: windowLog(3, minute), verb: Verb.reset }]], 1);
  const send = () => harness.apply(START_US, (writer) => void writer.calls(origin, batch, 0, 1));
  expect(resetsOf(send())).toEqual([`n  1 ${minute} 3 0 k`]);
  expect(resetsOf(send())).toEqual([]);
});

it("a reset that did nothing is not told: its policy is unknown", () => {
  const harness = new PolicyHarness();
  expect(resetsOf(applied(harness, "n", { key: "k", rule: byName("nope"), verb: Verb.reset }))).toEqual([]);
});

it("what gives back a hold is no reset: no denial was firm while it was open", () => {
  const harness = new PolicyHarness();
  const rule = windowLog(3, minute);
  const { handle } = harness.ask(START_US, Verb.reserve, "k", rule);
  const cancelled = applied(harness, "n", { key: "k", rule, verb: Verb.cancel, handle });
  expect(cancelled.results.outcomes[0]).toBe(1);
  expect(resetsOf(cancelled)).toEqual([]);
});

it("a slot's key is told like any other", () => {
  const harness = new PolicyHarness();
  const rule = { algorithm: Algorithm.concurrency, limit: 1, windowUs: minute, burst: 0, policy: "" };
  expect(resetsOf(applied(harness, "n", { key: "k", rule, verb: Verb.reset }))).toEqual([`n  5 ${minute} 1 0 k`]);
});
