import { Algorithm, readAdminRequest } from "@quorumguard/limiter";
import { expect, it } from "vitest";
import { createNaiveHolds } from "./naive-holds.ts";
import { createNaiveKeys } from "./naive-keys.ts";
import { createNaiveRecords } from "./naive-records.ts";

const startUs = 1_763_000_000_000_000;
const hour = 3_600_000_000;
const byName = { algorithm: Algorithm.slidingWindowLog, limit: 0, windowUs: 0, burst: 0, policy: "mails" } as const;

/** A bucket of 100 at so many an hour, as changes and documents have it. */
const policies = (limit: number) => [
  { name: "mails", algorithm: "token-bucket", limit, burst: 100, windowMs: 3_600_000 },
];

/** The model's keys of namespace "n", and how a change and a question come to them. */
function scene() {
  const records = createNaiveRecords();
  const keys = createNaiveKeys(
    records,
    createNaiveHolds(() => true),
  );
  return {
    change(asked: object, stampUs: number): void {
      records.administer(
        readAdminRequest({ namespace: "n", change: asked }),
        (edits, after) => keys.moved("n", edits, after, stampUs),
        () => false,
      );
      keys.renumbered("n", stampUs);
    },
    take(key: string, cost: number): void {
      const inForce = keys.resolve("n", byName, key);
      keys.touch(inForce, startUs).counter.charge(inForce.numbers, cost, startUs);
    },
    left(key: string, stampUs: number): number {
      const inForce = keys.resolve("n", byName, key);
      return keys.look(inForce, stampUs).judge(inForce.numbers, 1, stampUs).available;
    },
  };
}

it("K1 the model keeps the counter of a key that an override makes slower than its policy for as long as it counts", () => {
  const { change, take, left } = scene();
  const tokens = (limit: number) => {
    const policy = { name: "mails", algorithm: "token-bucket", limit, burst: 3_600, windowMs: 3_600_000 };
    return { kind: "putPolicies", policies: [policy] };
  };
  change(tokens(3_600), startUs);
  change({ kind: "putOverrides", overrides: [{ policy: "mails", key: "slow", limit: 1, burst: 100 }] }, startUs);
  take("slow", 100);
  take("fast", 3_600);
  for (const [changes, atUs] of [3_601, 3_602, 3_603].map(
    (limit, at) => [limit, startUs + 1 + at * 5 * hour] as const,
  )) {
    change(tokens(changes), atUs);
  }
  const stampUs = startUs + 15 * hour;
  expect(left("slow", stampUs)).toBe(14);
  expect(left("fast", stampUs)).toBe(3_600);
});

it("K1 the model gives a key what waits for it by the numbers that it has until a change, or gets with its policy's new ones", () => {
  const { change, take, left } = scene();
  const overrides = (key: string, limit: number) => [{ policy: "mails", key, limit }];
  change({ kind: "putPolicies", policies: policies(3_600) }, startUs);
  for (const key of ["at once", "later", "freed"]) take(key, 100);
  const document = { policies: policies(1), overrides: overrides("at once", 2) };
  change({ kind: "putDocument", document }, startUs);
  change({ kind: "putOverrides", overrides: overrides("later", 2) }, startUs + hour);
  change({ kind: "putOverrides", overrides: [...overrides("freed", 36_000)] }, startUs + 5 * hour);
  expect(left("freed", startUs + 5 * hour)).toBe(5);
  expect(left("later", startUs + 5 * hour)).toBe(9);
  expect(left("at once", startUs + 5 * hour)).toBe(10);
});

it("K1 the model keeps a key that is slower than its policy's new bucket for its own time", () => {
  const { change, take, left } = scene();
  const window = { name: "mails", algorithm: "sliding-window-log", limit: 300, windowMs: 1_000 };
  change({ kind: "putPolicies", policies: [window] }, startUs);
  take("slow", 100);
  change({ kind: "putOverrides", overrides: [{ policy: "mails", key: "slow", limit: 1 }] }, startUs);
  change({ kind: "putPolicies", policies: policies(3_600) }, startUs);
  // The next change asks what still counts, long after the policy's own time.
  change({ kind: "putPolicies", policies: policies(7_200) }, startUs + 5 * hour);
  expect(left("slow", startUs + 5 * hour)).toBe(5);
});

it("K1 the model lets a key's own slower rate drain what waits for it, under a bucket that it is never asked under", () => {
  const window = { name: "mails", algorithm: "sliding-window-log", limit: 300, windowMs: 1_000 };
  for (const isAsked of [true, false]) {
    const { change, take, left } = scene();
    change({ kind: "putPolicies", policies: [window] }, startUs);
    take("k", 100);
    change({ kind: "putOverrides", overrides: [{ policy: "mails", key: "k", limit: 200 }] }, startUs);
    change({ kind: "putPolicies", policies: policies(3_600) }, startUs);
    if (isAsked) take("k", 0);
    change({ kind: "putPolicies", policies: policies(3_601) }, startUs + hour / 30);
    expect(left("k", startUs + hour / 30)).toBe(6);
  }
});

it("K1 an own limit of 0 sets no rate in the model, across a change of the policy too", () => {
  const { change, take, left } = scene();
  change({ kind: "putPolicies", policies: policies(100) }, startUs);
  take("k", 100);
  change({ kind: "putOverrides", overrides: [{ policy: "mails", key: "k", limit: 0 }] }, startUs);
  change({ kind: "putPolicies", policies: policies(101) }, startUs);
  change({ kind: "deleteOverrides", overrides: [{ policy: "mails", key: "k" }] }, startUs + hour);
  expect(left("k", startUs + hour)).toBe(100);
});
