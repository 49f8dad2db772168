import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { applyEdit } from "./apply-edit.ts";
import { isCrash } from "./crash.ts";
import { mutants } from "./registry.ts";

describe("the registry of planted bugs", () => {
  for (const mutant of mutants) {
    test(`${mutant.name} still fits the sources`, () => {
      const sources = new Map<string, string>();
      for (const edit of mutant.edits) {
        const path = new URL(`../../../${edit.file}`, import.meta.url);
        const before = sources.get(edit.file) ?? readFileSync(path, "utf8");
        const after = applyEdit(before, edit);
        expect(after).not.toBe(before);
        sources.set(edit.file, after);
      }
    });
  }

  test("says so when a text is gone or no longer unique", () => {
    const edit = { file: "a.ts", search: "x", replacement: "y" };
    expect(() => applyEdit("a b", edit)).toThrow("a.ts: the text that the mutant replaces occurs 0 times");
    expect(() => applyEdit("x x", edit)).toThrow("occurs 2 times");
    expect(applyEdit("a x b", edit)).toBe("a y b");
  });

  test("names are unique", () => {
    expect(new Set(mutants.map((mutant) => mutant.name)).size).toBe(mutants.length);
  });

  test("every bug says how it is found, and its tests are there", () => {
    for (const { name, foundBy } of mutants) {
      const { tests = [], scripts = false, seeds = 0 } = foundBy;
      expect(tests.length > 0 || scripts || seeds > 0, name).toBe(true);
      for (const file of tests) expect(existsSync(new URL(`../../../${file}`, import.meta.url)), file).toBe(true);
    }
  });

  test("what is wrong with code itself is told from a broken promise", () => {
    expect(isCrash("fatal: node-1 stopped: TypeError: x is not a function")).toBe(true);
    expect(isCrash("ReferenceError: vote is not defined")).toBe(true);
    expect(isCrash("AssertionError: expected 2 to be 1")).toBe(false);
    expect(isCrash("Error: raft invariant violated: commit index 3 is beyond the last index 2")).toBe(false);
  });
});
