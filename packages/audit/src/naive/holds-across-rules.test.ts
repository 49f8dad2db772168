import { Algorithm, type Rule, Verb } from "@quorumguard/limiter";
import { expect, it } from "vitest";
import { Both, byName } from "./testing/both.ts";

const second = 1_000_000;
const startUs = 1_763_000_000_000_000;
const ok = 1;
const put = (algorithm: string, limit: number, windowMs: number, burst?: number) => ({
  kind: "putPolicies",
  policies: [{ name: "api", algorithm, limit, windowMs, ...(burst === undefined ? {} : { burst }) }],
});

it.each([
  ["sliding-window-log", 3],
  // Into the next window.
  ["sliding-window-counter", 12],
])(
  "A1 L2 a lease that rules took over, and then a takeover moved, counts once under the next rule: %s",
  (algorithm, afterSeconds) => {
    const movedUs = startUs + afterSeconds * second;
    const both = new Both();
    both.change(startUs, put(algorithm, 5, 10_000));
    expect(both.call(startUs, "k", 2, { verb: Verb.grant }).outcome).toBe(ok);
    both.change(startUs, put(algorithm, 5, 20_000));
    both.pass(movedUs, true);
    both.change(movedUs, put(algorithm, 5, 10_000));
    expect(both.call(movedUs, "k", 1)).toMatchObject({ outcome: ok, remaining: 2 });
    // Moved again, and taken over again.
    both.pass(movedUs + 2 * second, true);
    both.change(movedUs + 2 * second, put(algorithm, 5, 20_000));
    expect(both.call(movedUs + 2 * second, "k", 1)).toMatchObject({ outcome: ok, remaining: 1 });
  },
);

it.each([
  ["slots", "concurrency"],
  ["a reservation", "token-bucket"],
])(
  "A1 K2 what callers give back of a policy that went stays given back when their empty counter is swept: %s",
  (_, algorithm) => {
    const both = new Both();
    const burst = algorithm === "token-bucket" ? 5 : undefined;
    both.change(startUs, put(algorithm, 5, 60_000, burst));
    const { handle } = both.call(startUs, "k", 4, { verb: Verb.reserve, ttlMs: 60_000 });
    both.change(startUs, { kind: "deletePolicies", names: ["api"] });
    const rule: Rule = { ...byName, algorithm: Algorithm.tokenBucket, limit: 6, windowUs: 60 * second, burst: 6 };
    expect(both.call(startUs, "k", 1, { verb: Verb.cancel, handle, rule })).toMatchObject({
      outcome: ok,
      remaining: 6,
    });
    for (let pass = 1; pass <= 5; pass++) both.pass(startUs + pass * second, false);
    expect(both.call(startUs + 5 * second, "k", 6, { rule })).toMatchObject({ outcome: ok, remaining: 0 });
  },
);

it.each([
  ["sliding-window-log", undefined],
  ["sliding-window-counter", undefined],
  ["fixed-window", undefined],
  ["token-bucket", 5],
])(
  "A1 L1 a lease and a reservation that ended before anybody asked their key count as of their ends: %s",
  (algorithm, burst) => {
    const inline: Rule = { ...byName, limit: 5, windowUs: 20 * second };
    for (const takeoverUs of [0, 10 * second]) {
      const both = new Both();
      both.change(startUs, put(algorithm, 5, 20_000, burst));
      expect(both.call(startUs, "k", 3, { verb: Verb.grant }).outcome).toBe(ok);
      expect(both.call(startUs, "k", 1, { verb: Verb.reserve, ttlMs: 15_000 }).outcome).toBe(ok);
      both.change(startUs + 1_000, { kind: "deletePolicies", names: ["api"] });
      if (takeoverUs > 0) both.pass(startUs + takeoverUs, true);
      const endUs = startUs + second + takeoverUs;
      both.pass(endUs + 16 * second, false);
      expect(both.call(endUs + 19 * second, "k", 3, { rule: inline }).outcome).not.toBe(ok);
      both.change(endUs + 19 * second, put(algorithm, 5, 20_000, burst));
      both.call(endUs + 30 * second, "k", 1);
      both.call(endUs + 45 * second, "k", 5, { rule: inline });
    }
  },
);
