import { defaultBounds } from "@quorumguard/limiter";
import { ErrorReason } from "@quorumguard/proto";
import { expect, it } from "vitest";
import { StatusCode } from "../call-error.ts";
import { edgeLimits } from "../edge-limits.ts";
import { refusal } from "../rejection.fixture.ts";
import { serverDefaults } from "../server-defaults.ts";
import { callsOfBytes, TokenUsage, type TokenUsageOptions } from "./token-usage.ts";

function usageOf(callsPerSecond: number, more: Partial<TokenUsageOptions> = {}) {
  const clock = { ms: 1_000_000 };
  return { clock, usage: new TokenUsage({ callsPerSecond, monotonicMs: () => clock.ms, ...more }) };
}

it("lets the calls of five seconds through at once, and tells when there is room for the next", () => {
  const { usage, clock } = usageOf(10);
  for (let at = 0; at < 50; at++) usage.spend("a", 1);
  const told = refusal(() => usage.spend("a", 1));
  expect([told?.code, told?.detail.reason]).toEqual([StatusCode.resourceExhausted, ErrorReason.TOKEN_OVERUSED]);
  expect(told?.message).toBe(
    "the token's holder makes more calls on this node than 10 a second (--token-calls-per-second): wait 100 ms",
  );
  clock.ms += Number(told?.detail.retryAfterMs);
  usage.spend("a", 1);
  expect(refusal(() => usage.spend("a", 1))).not.toBeNull();
});

it("in a minute lets no more through than its rate and what may come at once, however hard it is tried", () => {
  const { usage, clock } = usageOf(100);
  let passed = 0;
  for (let at = 0; at < 6_000; at++) {
    while (refusal(() => usage.spend("a", 1)) === null) passed += 1;
    clock.ms += 10;
  }
  expect(passed).toBeGreaterThanOrEqual(6_000 + 499);
  expect(passed).toBeLessThanOrEqual(6_000 + 501);
});

it("by default leaves request ids for others, whatever one holder asks of all nodes of the largest cluster", () => {
  const { requestIdTtlUs, maxRequestIds } = defaultBounds;
  const { usage, clock } = usageOf(serverDefaults.tokenCallsPerSecond);
  let passed = 0;
  for (const untilMs = clock.ms + requestIdTtlUs / 1_000; clock.ms < untilMs; clock.ms += 10) {
    // One by one to the end of what is left, and for the last of it as many at once as there may be.
    const isLast = clock.ms + 10 >= untilMs;
    const calls = isLast ? edgeLimits.maxItems : 1;
    while (refusal(() => usage.spend("a", calls)) === null) passed += calls;
  }
  expect(passed).toBeGreaterThan(6_000 + edgeLimits.maxItems);
  expect(9 * passed).toBeLessThan(0.75 * maxRequestIds);
});

it("never refuses a page that makes 20 calls a second, whatever came before within its burst", () => {
  const { usage, clock } = usageOf(100);
  usage.spend("a", 400);
  for (let at = 0; at < 1_200; at++) {
    clock.ms += 50;
    usage.spend("a", 1);
  }
});

it("lets a large request through as long as anything is left, and is owed the rest", () => {
  const { usage, clock } = usageOf(10);
  usage.spend("a", 49);
  usage.spend("a", 1_024);
  const waitMs = Number(refusal(() => usage.spend("a", 1))?.detail.retryAfterMs);
  expect(waitMs).toBe((49 + 1_024 - 50 + 1) * 100);
  clock.ms += waitMs - 100;
  expect(refusal(() => usage.spend("a", 1))).not.toBeNull();
  clock.ms += 100;
  usage.spend("a", 1);
});

it("a request pays for one call when it knocks and for the rest once it is read, as if it had paid at once", () => {
  const { usage, clock } = usageOf(10);
  usage.spend("a", 49);
  usage.spend("a", 1);
  // Its own first call was the last that was left: the request is let through all the same.
  usage.spend("a", 1_024, 1);
  expect(Number(refusal(() => usage.spend("a", 1))?.detail.retryAfterMs)).toBe((49 + 1_024 - 50 + 1) * 100);
  clock.ms += 200_000;
  for (let at = 0; at < 50; at++) usage.spend("a", 1);
  // Of many that have knocked, the first takes what is left, and the others no more than they have paid.
  usage.spend("a", 1_024, 1);
  usage.spend("a", 1, 1);
  expect(refusal(() => usage.spend("a", 1_024, 1))?.detail.reason).toBe(ErrorReason.TOKEN_OVERUSED);
});

it("what a request has paid is not taken again once it has filled up, however slowly the rest comes", () => {
  const { usage, clock } = usageOf(10);
  for (let paid = 0; paid < 40; paid++) {
    usage.spend("a", paid + 1, paid);
    clock.ms += 1_000;
  }
  for (let at = 0; at < 50; at++) usage.spend("a", 1);
});

it("a request counts by its size as one call for each 4 KiB that it begins, up to the largest that there may be", () => {
  const sizes = [0, 1, 4_096, 4_097, edgeLimits.maxMessageBytes, 1e12];
  expect(sizes.map(callsOfBytes)).toEqual([1, 1, 1, 2, 256, 256]);
});

it("counts each account by itself", () => {
  const { usage } = usageOf(1);
  usage.spend("a", 5);
  usage.spend("b", 5);
  expect(refusal(() => usage.spend("a", 1))).not.toBeNull();
});

it("remembers so many accounts, and forgets the one that was used least recently", () => {
  const { usage, clock } = usageOf(1, { maxAccounts: 2 });
  for (const account of ["a", "b"]) usage.spend(account, 5);
  clock.ms += 1_000;
  usage.spend("a", 1);
  usage.spend("c", 5);
  expect(usage.size).toBe(2);
  for (const account of ["a", "c"]) expect(refusal(() => usage.spend(account, 1))).not.toBeNull();
  usage.spend("b", 1);
});

it("counts the open streams of an account, and each end once", () => {
  const { usage } = usageOf(1, { maxStreams: 2 });
  const [first] = [usage.open("a"), usage.open("a")];
  usage.open("b");
  expect(refusal(() => usage.open("a"))?.detail.reason).toBe(ErrorReason.TOKEN_OVERUSED);
  first!();
  first!();
  usage.open("a");
  expect(refusal(() => usage.open("a"))).not.toBeNull();
});
