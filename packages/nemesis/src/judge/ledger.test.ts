import { expect, test } from "vitest";
import type { CallLine } from "../clients/history.ts";
import { ledgerRule } from "../clients/workload.ts";
import { createLedger } from "./ledger.ts";

const key = "ledger/a/0";

function line(over: Partial<CallLine>): CallLine {
  return {
    ...{
      client: "a",
      callId: null,
      startUs: 0,
      endUs: 1,
      items: [{ key, rule: ledgerRule, cost: 2 }],
      requestId: null,
    },
    ...{ allowed: true, source: "quorum", degraded: false, error: null, applied: null, remaining: null },
    ...over,
  };
}
const admitted = (charged: number) => line({ remaining: ledgerRule.limit - charged });

test("what is left is what was not given: nothing is wrong", () => {
  const ledger = createLedger();
  for (const charged of [2, 4, 6]) ledger.saw(admitted(charged));
  ledger.settled(key, ledgerRule.limit - 6);
  expect(ledger).toMatchObject({ lost: 0, twice: 0, violations: [] });
});

test("a call of unknown outcome may count, or not; one that was not applied may not", () => {
  const ledger = createLedger();
  ledger.saw(line({ allowed: null, applied: "unknown" }));
  ledger.saw(admitted(4));
  ledger.saw(line({ allowed: null, applied: "unknown" }));
  ledger.saw(admitted(6));
  expect(ledger).toMatchObject({ lost: 0, twice: 0, violations: [] });
  ledger.saw(line({ allowed: null, applied: "no" }));
  ledger.saw(admitted(12));
  expect(ledger).toMatchObject({ lost: 0, twice: 2 });
});

test("each mistake is counted once", () => {
  const ledger = createLedger();
  for (const charged of [2, 6, 8, 10]) ledger.saw(admitted(charged));
  expect(ledger.twice).toBe(2);
  expect(ledger.violations).toHaveLength(1);
  ledger.saw(admitted(9));
  expect(ledger.lost).toBe(1);
});
