import { expect, it } from "vitest";
import { LIMIT, mapLimiters } from "./map-limiters.ts";

const startMs = 1_763_000_000_000;
const { concurrency, ...counters } = mapLimiters;

it.each(Object.entries(counters))("%s over a map limits each key by itself, and forgets with time", (_, create) => {
  const limiter = create();
  const answers = Array.from({ length: LIMIT + 1 }, () => limiter("one", startMs));
  expect(answers.map(({ allowed }) => allowed)).toEqual([...Array.from({ length: LIMIT }, () => true), false]);
  expect(answers.slice(0, LIMIT).map(({ remaining }) => remaining)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
  expect(limiter("other", startMs).allowed).toBe(true);
  expect(limiter("one", startMs + 1_200_000).allowed).toBe(true);
});

it("concurrency over a map gives a slot back before it takes one", () => {
  const limiter = concurrency();
  const answers = Array.from({ length: LIMIT * 2 }, () => limiter("one", startMs));
  expect(answers.every(({ allowed, remaining }) => allowed && remaining === LIMIT - 1)).toBe(true);
});
