import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { readTestFiles } from "./generate-pages.ts";
import { bugGroups, knownBugsPage, readBugTests } from "./known-bugs.ts";
import { repositoryRoot } from "./repository.ts";

const text = `
test("B2: on its own", () => {
});
test("E1, E3: of two at once", () => {});
describe("a snapshot", () => {
  test("D1 is a rule, not a bug", () => {});
  test("F1: never lowers the term", () => {});
  test.each([1])("G2: with %s in it, is refused", () => {});
});
describe("D4: a change in two steps", () => {
  test("goes on", () => {});
});
`;

test("titles that begin with an id and a colon, with what the describe around them says", () => {
  expect(readBugTests([{ path: "packages/x/src/a.test.ts", text }])).toEqual([
    { id: "B2", promise: "on its own", path: "packages/x/src/a.test.ts" },
    { id: "E1", promise: "of two at once", path: "packages/x/src/a.test.ts" },
    { id: "E3", promise: "of two at once", path: "packages/x/src/a.test.ts" },
    { id: "F1", promise: "a snapshot never lowers the term", path: "packages/x/src/a.test.ts" },
    { id: "G2", promise: "a snapshot with … in it, is refused", path: "packages/x/src/a.test.ts" },
    { id: "D4", promise: "a change in two steps", path: "packages/x/src/a.test.ts" },
  ]);
});

test("every bug of the list is a test, or is said to be impossible, with the reason", async () => {
  const elsewhere = await readFile(`${repositoryRoot}/packages/raft/src/checklist/not-here.md`, "utf8");
  const tests = readBugTests(await readTestFiles());
  const answered = new Set([
    ...tests.map(({ id }) => id),
    ...(elsewhere.match(/^\| [A-G]\d+(?= )/gm) ?? []).map((row) => row.slice(2)),
  ]);
  const all = bugGroups.flatMap(({ letter, count }) => Array.from({ length: count }, (_, i) => `${letter}${i + 1}`));
  expect(all.filter((id) => !answered.has(id))).toEqual([]);
  expect(knownBugsPage(tests, elsewhere).body).toContain("a leader does not count its own unflushed entry");
});

test("what cannot occur in the core names where it is tested: a test of the list, or a file of tests that is there", async () => {
  const elsewhere = await readFile(`${repositoryRoot}/packages/raft/src/checklist/not-here.md`, "utf8");
  const ids = new Set(readBugTests(await readTestFiles()).map(({ id }) => id));
  const rows = elsewhere.split("\n").filter((line) => /^\| [A-G]\d/.test(line));
  expect(rows.length).toBeGreaterThan(8);
  for (const row of rows) {
    const tested = row.split("|").at(-2)!;
    const files = [...tested.matchAll(/`([^`]+)`/g)].map(([, file]) => file!);
    expect(files.filter((file) => !file.endsWith(".test.ts") || !existsSync(`${repositoryRoot}/${file}`))).toEqual([]);
    const named = tested.match(/\b[A-G]\d{1,2}\b/g) ?? [];
    expect(named.filter((id) => !ids.has(id))).toEqual([]);
    expect(files.length + named.length, row).toBeGreaterThan(0);
  }
});
