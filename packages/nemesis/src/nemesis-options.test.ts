import { expect, test } from "vitest";
import { parseNemesisOptions } from "./nemesis-options.ts";
import { UsageError } from "./usage-error.ts";

const parse = (...args: string[]) => parseNemesisOptions(args, () => 77);

test("defaults: a minute of everything, under any seed", () => {
  expect(parse()).toEqual({
    seconds: 60,
    seed: 77,
    nodes: null,
    json: false,
    keep: false,
    only: null,
    judge: null,
    help: false,
  });
});

test("flags are read", () => {
  const options = parse("--seconds", "8", "--seed", "5", "--nodes", "5", "--json", "--keep", "--only", "kill, pause");
  expect(options).toMatchObject({ seconds: 8, seed: 5, nodes: 5, json: true, keep: true, only: ["kill", "pause"] });
});

test.each([
  [["--seconds", "0"], '--seconds is "0": it must be a whole number from 1 to 86400'],
  [["--seed", "x"], '--seed is "x": it must be a whole number from 0 to 4294967295'],
  [["--nodes", "4"], '--nodes is "4": it must be 3 or 5'],
  [["--fast"], "--fast"],
])("%j is refused with what to write", (args, message) => {
  expect(() => parse(...args)).toThrow(UsageError);
  expect(() => parse(...args)).toThrow(message);
});
