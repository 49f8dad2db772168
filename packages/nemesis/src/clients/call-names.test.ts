import { expect, test } from "vitest";
import { createCallNames } from "./call-names.ts";
import { ledgerRule } from "./workload.ts";

const items = (key: string) => [{ key, rule: ledgerRule, cost: 1 }];

test("numbers go to calls with their items, in the order of asking", () => {
  const names = createCallNames();
  const [first, second, other] = [names.asked(items("a")), names.asked(items("a")), names.asked(items("b"))];
  names.numbered("1:0#1", items("a"));
  names.numbered("1:0#2", items("b"));
  names.numbered("1:0#3", items("a"));
  expect([first.callId, second.callId, other.callId]).toEqual(["1:0#1", "1:0#3", "1:0#2"]);
});

test("a call that ended before it was sent gets no number; one that starts over gets a new one", () => {
  const names = createCallNames();
  const gone = names.asked(items("a"));
  names.ended(gone, items("a"));
  const call = names.asked(items("a"));
  names.numbered("1:0#1", items("a"));
  names.numbered("9:0#1", items("a"));
  expect([gone.callId, call.callId]).toEqual([null, "9:0#1"]);
});
