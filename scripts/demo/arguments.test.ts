import { expect, test } from "vitest";
import { readArguments, usage } from "./arguments.ts";

test("without flags: three nodes, until Ctrl-C", () => {
  expect(readArguments([])).toEqual({ once: false, json: false, nodes: 3, help: false });
  expect(readArguments(["--once", "--json", "--nodes", "5"])).toEqual({
    once: true,
    json: true,
    nodes: 5,
    help: false,
  });
});

test.each([
  [["--onec"], "--onec is not a flag of the demo; did you mean --once? (see npm start -- --help)"],
  [["--jsno"], "--jsno is not a flag of the demo; did you mean --json? (see npm start -- --help)"],
  [["--node", "5"], "--node is not a flag of the demo; did you mean --nodes? (see npm start -- --help)"],
  [["--quiet"], "--quiet is not a flag of the demo; see npm start -- --help"],
  [["-x"], "-x is not a flag of the demo; see npm start -- --help"],
  [["once"], '"once" is no flag; did you mean --once? (see npm start -- --help)'],
  [["--nodes", "4"], '--nodes is "4": it must be 3 or 5; see npm start -- --help'],
])("%j is refused with what to write", (args, message) => {
  expect(() => readArguments(args)).toThrow(new Error(message));
});

test.each([
  [["--nodes"], /--nodes/],
  [["--once=yes"], /--once/],
])("%j is refused in one line", (args, message) => {
  expect(() => readArguments(args)).toThrow(message);
  expect(() => readArguments(args)).toThrow(/^[^\n]*see npm start -- --help$/);
});

test("--help says where the account goes", () => {
  expect(readArguments(["-h"]).help).toBe(true);
  expect(usage).toContain("account of the run go to standard error");
});
