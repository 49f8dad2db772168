import { expect, test } from "vitest";
import { type DemoKey, Ledger } from "./ledger.ts";

const account: DemoKey = { key: "a", limit: 3, windowMs: 3_600_000, kind: "account" };
const rolling: DemoKey = { key: "r", limit: 2, windowMs: 1_010, kind: "rolling" };

function ledgerWith(key: DemoKey, times: readonly (readonly [number, number])[]): Ledger {
  const ledger = new Ledger();
  for (const [from, to] of times) ledger.admitted(key, from, to);
  return ledger;
}

const three = [
  [0, 1],
  [2, 3],
  [4, 5],
] as const;

test("an account whose charges equal its admissions breaks no promise", () => {
  const verdicts = ledgerWith(account, three).verdicts([account], new Map([["a", 0]]));
  expect(verdicts).toEqual({ overAdmitted: 0, chargedTwice: 0, lostAcknowledged: 0 });
});

test("a planted over-admission is found", () => {
  const verdicts = ledgerWith(account, [...three, [6, 7]]).verdicts([account], new Map([["a", 0]]));
  expect(verdicts.overAdmitted).toBe(1);
});

test("a planted double charge is found", () => {
  const verdicts = ledgerWith(account, three.slice(1)).verdicts([account], new Map([["a", 0]]));
  expect(verdicts.chargedTwice).toBe(1);
});

test("a planted lost acknowledgement is found", () => {
  const verdicts = ledgerWith(account, three).verdicts([account], new Map([["a", 1]]));
  expect(verdicts.lostAcknowledged).toBe(1);
});

test("a rolling window is judged only by calls that lie wholly inside it", () => {
  const inside = ledgerWith(rolling, [
    [0, 5],
    [400, 410],
    [900, 990],
  ]);
  expect(inside.verdicts([rolling], new Map()).overAdmitted).toBe(1);
  const across = ledgerWith(rolling, [
    [0, 5],
    [400, 410],
    [900, 1_001],
  ]);
  expect(across.verdicts([rolling], new Map()).overAdmitted).toBe(0);
});
