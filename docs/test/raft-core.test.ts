import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";

const raft = path.resolve(import.meta.dirname, "../../packages/raft/src");
const page = fs.readFileSync(path.resolve(import.meta.dirname, "../src/content/docs/internals/raft-core.mdx"), "utf8");

/** The rows of the table of rules: section of the thesis, rule, where it is. */
const rules = [...page.matchAll(/^\| (§[\d.]+) +\| (.+?) +\| (.+?) +\|$/gm)].map(([, section, rule, where]) => ({
  section: section!,
  rule: rule!,
  files: [...where!.matchAll(/`([\w/-]+\.ts)`(?: \(`(\w+)`\))?/g)].map(([, file, name]) => ({ file: file!, name })),
}));

const titles = fs
  .readdirSync(raft, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".test.ts"))
  .flatMap((file) => fs.readFileSync(path.join(raft, file), "utf8").match(/"[^"\n]*§[^"\n]*"/g) ?? []);

describe("the table of rules", () => {
  test("is there", () => expect(rules.length).toBeGreaterThan(15));

  test.each(rules)("$section: $rule", ({ section, files }) => {
    expect(files.length).toBeGreaterThan(0);
    for (const { file, name } of files) {
      const source = fs.readFileSync(path.join(raft, file), "utf8");
      if (name !== undefined) expect(source).toMatch(new RegExp(`\\b${name}\\(`));
    }
    const cited = new RegExp(`${section.replaceAll(".", "\\.")}(?![\\d])`);
    expect(titles.filter((title) => cited.test(title))).not.toEqual([]);
  });
});

test("every other file that the page names is there", () => {
  const named = [...page.matchAll(/`((?:core|log|tracker|quorum|confchange)\/[\w-]+\.ts)`/g)].map(([, file]) => file!);
  expect(named.length).toBeGreaterThan(20);
  for (const file of named) expect(fs.existsSync(path.join(raft, file)), file).toBe(true);
});
