import { expect, test } from "vitest";
import type { Algorithm, Decision } from "../surface/guard.ts";
import { createRuleBook } from "../surface/resolved-rule.ts";
import { createFleet } from "./fleet.ts";
import { createLocalLimiter } from "./local-limiter.ts";
import { createWithoutCluster } from "./without-cluster.ts";

const welcome = (clients: number) => ({ clients }) as Parameters<ReturnType<typeof createFleet>["welcomed"]>[0];
const fleetIs = (clients: number) =>
  ({ case: "fleet", value: { clients } }) as Parameters<ReturnType<typeof createFleet>["told"]>[0];

test("before any contact this client is the only one", () => {
  expect(createFleet().clients).toBe(1);
});

test("what a node says last is what counts, and a stranger adds itself to those that the node knows", () => {
  const fleet = createFleet();
  fleet.welcomed(welcome(3), false);
  expect(fleet.clients).toBe(4);
  fleet.welcomed(welcome(3), true);
  expect(fleet.clients).toBe(3);
  fleet.told(fleetIs(9));
  expect(fleet.clients).toBe(9);
});

test("a node that does not tell changes nothing", () => {
  const fleet = createFleet();
  fleet.told(fleetIs(9));
  fleet.welcomed(welcome(0), true);
  fleet.welcomed(welcome(0), false);
  fleet.told(fleetIs(0));
  expect(fleet.clients).toBe(9);
});

type Rule = ReturnType<ReturnType<typeof createRuleBook>["inline"]>;

/** A process that limits by itself, as one of as many clients as the test says. */
function alone() {
  const fleet = { clients: 1, nowMs: 5_000 };
  const local = createLocalLimiter(
    () => fleet.nowMs,
    () => fleet.clients,
  );
  const rules = createRuleBook({ login: { limit: 10, window: "10s", algorithm: "token-bucket" } });
  const withoutCluster = createWithoutCluster({ local: () => local, firmDenial: () => null });
  const decideAll = (rule: Rule, costs: readonly number[]): readonly Decision[] => {
    const items = costs.map((cost) => ({ key: "k", rule, cost }));
    const group = items.length === 1 ? null : items;
    return withoutCluster.decide({ ...items[0], group, verb: 0, ttlMs: 0, handle: 0 } as never, "local");
  };
  const decide = (rule: Rule): Decision => decideAll(rule, [1])[0]!;
  const admitted = (rule: Rule): number => {
    let count = 0;
    while (count < 1_000 && decide(rule).allowed) count += 1;
    return count;
  };
  return { fleet, rules, decideAll, admitted };
}

const rated: readonly Algorithm[] = ["sliding-window-log", "token-bucket", "sliding-window-counter", "fixed-window"];

test.each(rated)(
  "%s: the share is the limit divided by the clients, rounded down, at least 1, and 0 of 0",
  (algorithm) => {
    for (const [limit, clients, share] of [
      [10, 1, 10],
      [10, 3, 3],
      [10, 11, 1],
      [0, 3, 0],
    ] as const) {
      const { fleet, rules, admitted } = alone();
      fleet.clients = clients;
      expect(admitted(rules.inline({ limit, window: "10s", algorithm }))).toBe(share);
    }
  },
);

test.each(rated)("%s: another share is no fresh one", (algorithm) => {
  const { fleet, rules, admitted } = alone();
  const rule = rules.inline({ limit: 10, window: "10s", algorithm });
  fleet.clients = 2;
  expect(admitted(rule)).toBe(5);
  fleet.clients = 5;
  expect(admitted(rule)).toBe(0);
  fleet.clients = 1;
  expect(admitted(rule)).toBe(5);
  fleet.clients = 2;
  expect(admitted(rule)).toBe(0);
});

test("two buckets of other numbers do not share, named or not", () => {
  const { rules, admitted } = alone();
  const bucket = (limit: number, burst: number) =>
    rules.inline({ limit, burst, window: "10s", algorithm: "token-bucket" });
  expect(admitted(bucket(10, 3))).toBe(3);
  expect(admitted(bucket(10, 4))).toBe(4);
  expect(admitted(bucket(11, 4))).toBe(4);
  expect(admitted(rules.policy("login", "policy"))).toBe(10);
});

test.each(rated)(
  "%s: what only a share has no room for is to be asked again, as only a limit says never (K3)",
  (algorithm) => {
    const { fleet, rules, decideAll } = alone();
    fleet.clients = 5;
    const [of10, of0] = [10, 0].map((limit) => rules.inline({ limit, window: "10s", algorithm })) as [Rule, Rule];
    const again = { allowed: false, reason: "limited", source: "local", retryAfterMs: 1_000 };
    const never = { ...again, retryAfterMs: null };
    expect(decideAll(of10, [3])).toMatchObject([again]);
    expect(decideAll(of10, [10])).toMatchObject([again]);
    expect(decideAll(of10, [11])).toMatchObject([never]);
    expect(decideAll(of0, [1])).toMatchObject([never]);
    expect(decideAll(of10, [3, 7])).toMatchObject([again, again]);
    expect(decideAll(of10, [3, 8])).toMatchObject([again, never]);
  },
);
