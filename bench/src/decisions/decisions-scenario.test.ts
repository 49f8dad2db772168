import { expect, test } from "vitest";
import { etcdPuts, quorumGuard, redisNone } from "./contenders.ts";
import { type DecisionsPlan, summarize } from "./decisions-scenario.ts";
import type { Cell, Measurement } from "./points.ts";
import type { Sample } from "./sample.ts";

const plan: DecisionsPlan = {
  name: "hot-key",
  title: "One hot key",
  points: [],
  ratios: [
    {
      name: "against Redis",
      ours: { point: "hot", contender: quorumGuard },
      peers: [{ point: "hot", contender: redisNone }],
      goal: 1.5,
    },
    {
      name: "against etcd",
      ours: { point: "hot", contender: quorumGuard },
      peers: [{ point: "hot", contender: etcdPuts }],
      goal: 15,
    },
  ],
};
const sample = { decisionsPerSecond: 1_000, degraded: 1, failed: 2, denied: 0, p50Ms: 1 } as Sample;
const cell = (contender: string, overAdmitted: number): Cell => ({
  ...{ point: "hot", contender, inFlight: 256, warmUpRates: [], samples: [sample], overAdmitted },
});
const measured: Measurement = {
  cells: [cell(quorumGuard.name, 0), cell(redisNone.name, 12)],
  absent: [{ contender: etcdPuts.name, reason: "not installed" }],
  configurations: {},
};

test("a missed goal, an absent peer, over-admissions, failures and degraded decisions are all in the first lines", () => {
  const { line, summary, table } = summarize(plan, measured);
  expect(line).toContain(`ratio 1 (1 to 1 by repeat), NOT within the goal of 1.5`);
  expect(line).toContain("against etcd: 1,000, and no peer was there");
  expect(summary).toMatchObject({
    overAdmitted: { [`${redisNone.name}, hot`]: 12 },
    degraded: 2,
    failed: 4,
    absent: measured.absent,
  });
  expect(table).toContain("Absent: etcd, puts: not installed");
});

test("the table that is a file of its own begins with what came of the goals, and with what must be known of them", () => {
  const { table } = summarize({ ...plan, note: "Of one key." }, measured);
  const [first, second, third] = table!.split("\n");
  expect(first).toMatch(/^- against Redis: .* NOT within the goal of 1.5/);
  expect(second).toMatch(/^- against etcd: /);
  expect(third).toBe("- Of one key.");
  expect(summarize({ ...plan, ratios: [] }, measured).table).toMatch(/^\|/);
});
