import { defaultBounds } from "@quorumguard/limiter";
import { ErrorReason } from "@quorumguard/proto";
import { expect, it } from "vitest";
import { StatusCode } from "../call-error.ts";
import { edgeLimits } from "../edge-limits.ts";
import { refusal } from "../rejection.fixture.ts";
import { serverDefaults } from "../server-defaults.ts";
import { OpenedKeys, type OpenedKeysOptions } from "./opened-keys.ts";

function openedOf(keysPerMinute: number, more: Partial<OpenedKeysOptions> = {}) {
  const clock = { ms: 1_000_000 };
  return { clock, opened: new OpenedKeys({ keysPerMinute, monotonicMs: () => clock.ms, ...more }) };
}

const some = (count: number, name = "k"): string[] => Array.from({ length: count }, (_, at) => `${name}:${at}`);

it("lets so many keys through in a minute, each as often as it is asked for, and tells when the next may come", () => {
  const { opened, clock } = openedOf(3);
  for (let round = 0; round < 5; round++) for (const key of some(3)) opened.open("a", [key]);
  clock.ms += 20_000;
  const told = refusal(() => opened.open("a", ["another"]));
  expect([told?.code, told?.detail.reason]).toEqual([StatusCode.resourceExhausted, ErrorReason.TOKEN_OVERUSED]);
  expect(told?.message).toBe(
    "the token's holder asks for more keys on this node than 3 a minute (--visitor-keys-per-minute): wait 40000 ms",
  );
  opened.open("a", ["k:1"]);
  clock.ms += Number(told?.detail.retryAfterMs) - 1;
  expect(refusal(() => opened.open("a", ["another"]))).not.toBeNull();
  clock.ms += 1;
  opened.open("a", ["another"]);
});

it("takes all keys of a request or none", () => {
  const { opened } = openedOf(4);
  opened.open("a", ["k:0", "k:0", "k:1"]);
  expect(refusal(() => opened.open("a", ["k:1", "k:2", "k:3", "k:4"]))).not.toBeNull();
  expect(opened.size).toBe(2);
  opened.open("a", ["k:1", "k:2", "k:3"]);
  expect(refusal(() => opened.open("a", ["k:4"]))).not.toBeNull();
});

it("by default leaves keys that live for an hour for others, whatever one holder asks of all nodes of the largest cluster", () => {
  const { opened, clock } = openedOf(serverDefaults.visitorKeysPerMinute);
  let asked = 0;
  for (const untilMs = clock.ms + 3_600_000; clock.ms <= untilMs; clock.ms += 20_000)
    while (refusal(() => opened.open("a", [`k:${asked}`])) === null) asked += 1;
  expect(asked).toBe(61 * serverDefaults.visitorKeysPerMinute);
  expect(9 * asked).toBeLessThan(0.75 * defaultBounds.maxKeys);
  expect(serverDefaults.visitorKeysPerMinute).toBeGreaterThan(edgeLimits.maxItems);
});

it("counts each account by itself", () => {
  const { opened } = openedOf(1);
  opened.open("a", ["k"]);
  opened.open("b", ["k"]);
  for (const account of ["a", "b"]) expect(refusal(() => opened.open(account, ["l"]))).not.toBeNull();
});

it("remembers so many keys, and forgets the account whose minute began first, but never who asks", () => {
  const { opened } = openedOf(4, { maxKeys: 6 });
  opened.open("a", some(3));
  opened.open("b", some(3));
  opened.open("a", ["k:3"]);
  expect(opened.size).toBe(4);
  expect(refusal(() => opened.open("a", ["k:4"]))).not.toBeNull();
  opened.open("b", some(4, "l"));
  expect(opened.size).toBe(4);
  expect(refusal(() => opened.open("b", ["k:4"]))).not.toBeNull();
  opened.open("a", some(2, "m"));
  expect(opened.size).toBe(6);
});

it("remembers nothing of an account whose every request is refused", () => {
  const { opened } = openedOf(2);
  for (const account of some(10)) expect(refusal(() => opened.open(account, some(3)))).not.toBeNull();
  expect([opened.accounts, opened.size]).toEqual([0, 0]);
  opened.open("a", some(2));
  expect([opened.accounts, opened.size]).toEqual([1, 2]);
});

it("a minute that is over makes room", () => {
  const { opened, clock } = openedOf(2, { maxKeys: 2 });
  for (let minute = 0; minute < 5; minute++) {
    opened.open("a", some(2, `minute-${minute}`));
    clock.ms += 60_000;
  }
  expect(opened.size).toBe(2);
});
