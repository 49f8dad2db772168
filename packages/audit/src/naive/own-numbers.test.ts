import { Verb } from "@quorumguard/limiter";
import { expect, it } from "vitest";
import { Both } from "./testing/both.ts";

const second = 1_000_000;
const startUs = 1_763_000_000_000_000;
const put = (algorithm: string, limit: number, windowMs: number, burst?: number) => ({
  kind: "putPolicies",
  policies: [{ name: "api", algorithm, limit, windowMs, ...(burst === undefined ? {} : { burst }) }],
});
const own = (limit: number) => ({ kind: "putOverrides", overrides: [{ policy: "api", key: "k", limit }] });
const day = 86_400_000;
const hour = 3_600_000;

it.each([
  ["no bucket stood before", null],
  ["one of limit 0 did, which counted nobody", 0],
  ["one did that counted others", 10],
])("A1 K1 an override tells nothing of a key that waits under windows alone: %s", (_, limit) => {
  const both = new Both();
  if (limit !== null) both.change(startUs, put("token-bucket", limit, 60_000, 5));
  if (limit !== null) both.call(startUs, "other", 1);
  both.change(startUs, put("sliding-window-log", 10, 1_000));
  both.call(startUs, "k", 1);
  both.change(startUs, put("sliding-window-log", 10, day));
  both.change(startUs, put("sliding-window-log", 10, 1_000));
  both.change(startUs, own(5));
  both.change(startUs + second, put("token-bucket", 10, 60_000, 5));
  // The window of a day, under which it was never asked, still has its one.
  expect(both.call(startUs + second, "k", 5)).toMatchObject({ remaining: 4, retryAfterMs: 12_000 });
});

it("A1 K1 an override tells a key that waits what a bucket drained by its numbers so far, also under a window", () => {
  const both = new Both();
  both.change(startUs, put("sliding-window-log", 10, 1_000));
  both.call(startUs, "k", 5);
  both.change(startUs, put("token-bucket", 60, 60_000, 5));
  both.change(startUs + 2 * second, put("sliding-window-log", 10, day));
  // By the new rate, of one a minute, all of the five would be left.
  both.change(startUs + 2 * second, own(1));
  both.change(startUs + 2 * second, put("token-bucket", 60, 60_000, 5));
  expect(both.call(startUs + 2 * second, "k", 5)).toMatchObject({ remaining: 2 });
});

/** One of two hundred a minute is used; under a rule of an hour, which never counts the key, its own numbers drain it in 18 s. */
function drainedUnasked(): Both {
  const both = new Both();
  both.change(startUs, put("token-bucket", 0, 60_000, 5));
  both.change(startUs, own(200));
  both.call(startUs, "k", 1);
  both.change(startUs, put("token-bucket", 0, hour, 5));
  return both;
}

it("A1 K1 an override tells nothing of a key that waits under windows once what a bucket counted is drained", () => {
  const both = drainedUnasked();
  const drainedUs = startUs + 18 * second;
  both.change(drainedUs, put("token-bucket", 0, 60_000, 5));
  expect(both.call(drainedUs, "k", 1)).toMatchObject({ remaining: 4 });
  both.change(drainedUs, put("sliding-window-log", 0, day));
  both.change(drainedUs, own(0));
  both.change(drainedUs, put("sliding-window-log", 0, 1_000));
  both.call(drainedUs, "k", 1);
  both.change(drainedUs, own(200));
  // The window of a day did not count what the key used before it: an override under it does not change that.
  both.change(drainedUs + second, put("token-bucket", 0, 60_000, 5));
  expect(both.call(drainedUs + second, "k", 1)).toMatchObject({ remaining: 4 });
});

it("A1 K1 what is drained by a key's numbers so far does not come back with slower ones", () => {
  const both = drainedUnasked();
  const drainedUs = startUs + 18 * second;
  both.change(drainedUs, put("sliding-window-log", 0, 1_000));
  both.change(drainedUs + 2 * second, put("sliding-window-log", 0, day));
  both.change(drainedUs + 2 * second, own(1));
  both.change(drainedUs + 2 * second, put("token-bucket", 0, hour, 5));
  expect(both.call(drainedUs + 2 * second, "k", 1)).toMatchObject({ remaining: 4 });
});

it("A1 K1 an override under a window leaves what a longer one would have counted, though the key was asked between them", () => {
  const both = new Both();
  both.change(startUs, put("token-bucket", 10, 60_000, 5));
  both.call(startUs, "k", 1);
  both.change(startUs, put("sliding-window-log", 10, day));
  both.change(startUs, put("token-bucket", 0, 60_000, 5));
  // Its counter under this rule is over in two minutes, and with it what tells that it was asked.
  both.call(startUs, "k", 1);
  both.change(startUs, put("sliding-window-log", 10, 1_000));
  const laterUs = startUs + 120 * second;
  both.change(laterUs, own(5));
  both.change(laterUs, put("token-bucket", 0, 60_000, 5));
  both.change(laterUs, put("sliding-window-log", 10, 1_000));
  expect(both.call(laterUs, "k", 5)).toMatchObject({ remaining: 4, retryAfterMs: 1_000 });
});

it("A1 K1 a counter that was empty when its rule ended is none, swept or not: the rule counts as one that never counted the key", () => {
  const both = new Both();
  both.change(startUs, put("sliding-window-log", 10, 1_000));
  for (const cost of [8, 2]) both.call(startUs, "k", cost);
  both.change(startUs, put("sliding-window-log", 0, day));
  both.change(startUs, put("token-bucket", 3_600, 60_000, 100));
  // It takes over the ten, which the day would keep, and lets them go; last of all, what is held.
  both.call(startUs, "k", 1, { verb: Verb.reserve, ttlMs: 1_000 });
  both.call(startUs, "k", 1);
  const emptyUs = startUs + 1_016_667;
  both.change(emptyUs, put("sliding-window-log", 0, 1_000));
  both.change(emptyUs, own(0));
  both.change(emptyUs, put("token-bucket", 0, 60_000, 5));
  both.change(emptyUs, own(36_000));
  expect(both.call(emptyUs, "k", 1)).toMatchObject({ remaining: 0 });
});

it.each([0, 3])(
  "A1 K1 K2 a key with numbers of its own is carried over anew once its counter is empty, after %i sweeps",
  (sweeps) => {
    const both = new Both();
    both.change(startUs, put("token-bucket", 10, 60_000, 5));
    both.call(startUs, "k", 1);
    both.change(startUs + second, put("sliding-window-log", 0, day));
    both.change(startUs + second, put("sliding-window-log", 0, 1_000));
    both.call(startUs + second, "k", 1);
    both.change(startUs + second, own(0));
    const emptyUs = startUs + 2 * second;
    for (let sweep = 0; sweep < sweeps; sweep++) both.pass(emptyUs, false);
    both.call(emptyUs, "k", 1);
    both.change(emptyUs, own(1));
    both.change(startUs + 6 * second, put("token-bucket", 0, 60_000, 5));
    // What the window of a day would have counted was told when the key was asked with numbers of its own.
    expect(both.call(startUs + 6 * second, "k", 1)).toMatchObject({ remaining: 4 });
  },
);
