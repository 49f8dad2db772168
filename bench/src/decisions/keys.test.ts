import { expect, test } from "vitest";
import { type KeySource, keySequence, repeatsKeys } from "./keys.ts";

const calls = 20_000;
const keysOf = (source: KeySource, sample = "s", own = "s/0", seed = 1) => {
  const sequence = keySequence(source, sample, own, seed);
  return Array.from({ length: calls }, (_, n) => sequence.keyOf(n));
};

test("unique keys are unique, over processes too; the one key is the same in all processes and new in each sample", () => {
  const unique = [...keysOf({ kind: "unique" }), ...keysOf({ kind: "unique" }, "s", "s/1")];
  expect(new Set(unique).size).toBe(2 * calls);
  expect(new Set([...keysOf({ kind: "one" }), ...keysOf({ kind: "one" }, "s", "s/1")]).size).toBe(1);
  expect(keysOf({ kind: "one" }, "t")[0]).not.toBe(keysOf({ kind: "one" })[0]);
});

test("an attack has its share of the calls, spread over all attackers, and the others' keys are their own", () => {
  const source = { kind: "attack", attackers: 8, share: 0.9 } as const;
  const sequence = keySequence(source, "s", "s/0", 1);
  const shared = keysOf(source).filter((_, n) => sequence.isShared(n));
  expect(shared.length / calls).toBeCloseTo(0.9, 2);
  expect(new Set(shared).size).toBe(8);
  expect(new Set(keysOf(source)).size).toBe(8 + calls - shared.length);
});

test("a population is the same in every sample; which of it are asked for is the seed's", () => {
  for (const source of [
    { kind: "uniform", count: 100 },
    { kind: "zipf", count: 100, exponent: 1.1 },
  ] as const) {
    expect(new Set(keysOf(source))).toEqual(new Set(keysOf(source, "t", "t/1", 2)));
    expect(keysOf(source)).toEqual(keysOf(source, "t"));
    expect(keysOf(source)).not.toEqual(keysOf(source, "s", "s/0", 2));
  }
});

test("whose keys reach a limit, of them admissions are added up; nobody's else", () => {
  const sources: readonly (readonly [KeySource, boolean])[] = [
    [{ kind: "unique" }, false],
    [{ kind: "uniform", count: 100 }, false],
    [{ kind: "one" }, true],
    [{ kind: "zipf", count: 100, exponent: 1.1 }, true],
  ];
  for (const [source, reaches] of sources) {
    const sequence = keySequence(source, "s", "s/0", 1);
    expect([repeatsKeys(source), sequence.isShared(0), sequence.isShared(calls)]).toEqual([reaches, reaches, reaches]);
  }
});

test("each member of a population comes once, from where the last one stopped", () => {
  const sequence = (from: number) => keySequence({ kind: "each", count: 100, from }, "s", "s/0", 1);
  const all = [...Array(60).keys()].map((n) => sequence(0).keyOf(n));
  const rest = [...Array(40).keys()].map((n) => sequence(60).keyOf(n));
  expect(new Set([...all, ...rest])).toEqual(new Set(keysOf({ kind: "uniform", count: 100 })));
  expect(sequence(60).keyOf(40)).toBe(all[0]);
});

test("keys are filled up to a length, and stay as different as they were", () => {
  const long = keysOf({ kind: "unique", bytes: 40 });
  expect(new Set(long.map((key) => key.length))).toEqual(new Set([40]));
  expect(new Set(long).size).toBe(calls);
  expect(keysOf({ kind: "one", bytes: 2 }, "sample")[0]).toBe("sample");
});
