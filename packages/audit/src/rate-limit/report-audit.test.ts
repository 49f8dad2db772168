import { Algorithm, type Rule } from "@quorumguard/limiter";
import { expect, test } from "vitest";
import type { CommittedCall } from "./call-operation.ts";
import type { NaiveDecision } from "./naive-log.ts";
import type { AskedItem, CallerRecord } from "./records.ts";
import { auditReports, type ReportsTold } from "./report-audit.ts";

const rule: Rule = { algorithm: Algorithm.slidingWindowLog, limit: 1, windowUs: 300_000_000, burst: 0, policy: "" };
const own = (key: string): AskedItem => ({ key, rule, cost: 1 });
const shared: AskedItem = { key: "shared", rule: { ...rule, limit: 2 }, cost: 1 };

const call = (items: readonly AskedItem[], over: Partial<CallerRecord>): CallerRecord => ({
  ...{ client: "client-1", startUs: 0, endUs: 10, items, requestId: null },
  ...{ allowed: true, source: "local", degraded: true, error: null, applied: null, ...over },
});
const alone = (...keys: readonly string[]) => keys.map((key) => call([own(key)], {}));

/** A log that executed calls for these keys: charged, unless it says otherwise. */
function log(...executed: readonly (readonly [key: string, allowed: boolean])[]) {
  const place = (at: number) => ({ index: at + 1, stampUs: at, items: [own(executed[at]![0])] });
  return {
    executed: executed.map((_, at): CommittedCall => ({ ...place(at), callId: `1:0#${at}`, position: 0 })),
    decisionAt: (at: number): NaiveDecision => ({ ...place(at), allowed: executed[at]![1], answers: [] }),
  };
}

const nothing: ReportsTold = { charged: 0, refused: 0, unreported: 0 };

function audit(
  calls: readonly CallerRecord[],
  told: Partial<ReportsTold>,
  executions: ReturnType<typeof log>,
  isSure = true,
): readonly string[] {
  return auditReports([{ process: "client-1/1", calls, told: { ...nothing, ...told }, isSure }], executions);
}

test("what was admitted without the cluster is executed once, and told of", () => {
  const calls = [...alone("a", "b", "c"), call([own("d")], { source: "quorum", degraded: false })];
  const executions = log(["d", true], ["a", true], ["c", false], ["b", true]);
  expect(audit(calls, { charged: 2, refused: 1 }, executions)).toEqual([]);
});

test("a call that was charged and reported under another number is found, whoever decided it", () => {
  const twice = log(["a", true], ["a", false]);
  const found = [expect.stringContaining("client-1/1 on a: one call, and the log executed 2")];
  expect(audit(alone("a"), { charged: 1 }, twice)).toEqual(found);
  expect(audit([call([own("a")], { source: "quorum", degraded: false })], {}, twice)).toEqual(found);
  expect(audit(alone("a"), { charged: 1 }, twice, false)).toEqual(found);
});

test("a call that is never reported is found where nothing excuses it", () => {
  expect(audit(alone("a"), {}, log())).toEqual([
    expect.stringContaining("on a: admitted without the cluster, and never"),
  ]);
  expect(audit(alone("a"), { unreported: 1 }, log(), false)).toEqual([]);
  expect(audit([call([own("a")], { allowed: false })], {}, log())).toEqual([]);
});

test("what is told is what the log did", () => {
  const wrong = (told: Partial<ReportsTold>, isSure: boolean) =>
    audit(alone("a", "b"), told, log(["a", true], ["b", false]), isSure);
  expect(wrong({ charged: 1, refused: 1 }, true)).toEqual([]);
  for (const told of [{ charged: 2 }, { charged: 1 }, { refused: 2 }, { charged: 1, refused: 1, unreported: 1 }])
    expect(wrong(told, true)).toEqual([expect.stringMatching(/not made; of 2 the log charged 1 and refused 1$/)]);
  // Charged before its session was gone, and nobody knows.
  expect(wrong({ refused: 1, unreported: 1 }, false)).toEqual([]);
  expect(wrong({ charged: 2 }, false)).toHaveLength(1);
  expect(wrong({ charged: 1, refused: 1, unreported: 1 }, false)).toHaveLength(1);
});

test("a group is one call, and its shared key is bounded by what one process may admit", () => {
  const groups = ["a", "b", "c"].map((key) => call([shared, own(key)], {}));
  const executions = log(["a", true], ["b", true], ["c", false]);
  expect(audit(groups.slice(0, 2), { charged: 2 }, executions)).toEqual([]);
  expect(audit(groups, { charged: 2, refused: 1 }, executions)).toEqual([
    expect.stringMatching(/^client-1\/1 on .*shared: admitted 3 by itself, at most 2 may be$/),
  ]);
});

test("admissions of the cluster do not count against the share of a process", () => {
  const calls = [
    call([shared, own("a")], {}),
    ...["b", "c"].map((key) => call([shared, own(key)], { source: "quorum", degraded: false })),
  ];
  expect(audit(calls, { charged: 1 }, log(["a", true], ["b", true], ["c", true]))).toEqual([]);
});
