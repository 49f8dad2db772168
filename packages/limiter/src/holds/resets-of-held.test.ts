import { describe, expect, it, vi } from "vitest";
import { Machine } from "../machine/machine.ts";
import { MachineState } from "../machine/state.ts";
import { Algorithm, type Rule } from "../rule.ts";
import { batchOf, bucket, Harness, type Item, START_US, windowLog } from "../testing/harness.ts";
import { Verb } from "../verb.ts";

const minute = 60_000_000;
const anonymous = { kind: "anonymous", namespace: "n" } as const;
const rules: readonly Rule[] = [
  windowLog(1_000, minute),
  bucket(1_000, minute, 1_000),
  { ...windowLog(1_000, minute), algorithm: Algorithm.slidingWindowCounter },
  { ...windowLog(1_000, minute), algorithm: Algorithm.fixedWindow },
];

/** A key that holds three hundred. */
function held(rule: Rule): { readonly harness: Harness; readonly state: MachineState; readonly handles: number[] } {
  const state = new MachineState(undefined);
  const harness = new Harness();
  harness.limiter = new Machine(state);
  const calls = Array.from({ length: 300 }, () => [{ key: "k", rule, verb: Verb.reserve, ttlMs: 30_000 }]);
  const handles = harness.calls(START_US, anonymous, batchOf(calls)).map(({ handle }) => handle);
  return { harness, state, handles };
}

describe.each(rules)("resets of a key with open holds, under algorithm $algorithm", (rule) => {
  const reset: Item = { key: "k", rule, verb: Verb.reset };
  const take: Item = { key: "k", rule, cost: 7 };

  it("go through its holds no more while an entry has done nothing else to it", () => {
    const { harness, state } = held(rule);
    const laid = vi.spyOn(state.keys, "hold");
    const after = (...items: readonly Item[]) => {
      laid.mockClear();
      const answers = harness.calls(START_US + 1_000, anonymous, batchOf(items.map((item) => [item])));
      expect(answers.at(-1)!.remaining).toBe(700);
      return laid.mock.calls.length;
    };
    expect(after(reset)).toBe(300);
    expect(after(reset, reset, reset)).toBe(300);
    expect(after(take, reset, reset, take, reset)).toBe(600);
  });

  it("come to the same in one entry as in several", () => {
    const results = [true, false].map((isOne) => {
      const { harness, handles } = held(rule);
      const lease: Item = { key: "k", rule, verb: Verb.grant, cost: 5 };
      const settled = (verb: number, at: number, cost = 1): Item => ({
        key: "k",
        rule,
        verb,
        handle: handles[at]!,
        cost,
      });
      const items = [
        reset,
        take,
        reset,
        settled(Verb.commit, 0),
        reset,
        settled(Verb.commit, 1, 9),
        reset,
        reset,
        lease,
      ];
      items.push(reset, settled(Verb.cancel, 2), take, settled(Verb.cancel, 3, 1), reset, take, reset, reset);
      const entries = isOne ? [items] : items.map((item) => [item]);
      return entries.flatMap((entry) =>
        harness.calls(START_US + 1_000, anonymous, batchOf(entry.map((item) => [item]))),
      );
    });
    expect(results[0]).toEqual(results[1]);
    expect(results[0]!.map(({ remaining }) => remaining)).toEqual([
      700, 693, 700, 700, 701, 693, 702, 702, 697, 697, 698, 691, 692, 699, 692, 699, 699,
    ]);
  });
});
