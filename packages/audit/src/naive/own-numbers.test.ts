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
