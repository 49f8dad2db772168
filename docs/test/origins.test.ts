import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";

const root = path.resolve(import.meta.dirname, "../..");
const page = fs.readFileSync(path.join(root, "docs/src/content/docs/internals/origins.md"), "utf8");

/** The rows below a heading of level two, as cells. */
function rowsBelow(heading: string): readonly (readonly string[])[] {
  const part = page.split(/^## /m).find((one) => one.startsWith(heading)) ?? "";
  const lines = part.split("\n").filter((line) => /^\| \d/.test(line));
  return lines.map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** Tests that a cell names: files, and behind each the titles in it. */
function testsOf(cell: string) {
  return cell.split("; `").map((part) => ({
    file: /^`?([^`]+)`/.exec(part)?.[1] ?? part,
    titles: [...part.matchAll(/"([^"]+)"/g)].map(([, title]) => title!),
  }));
}

/** The titles of a file of tests, as they stand in it: `it("…", …)`, `test.each(…)("…", …)`, also with the title on a line of its own. */
function titlesOf(file: string): readonly string[] {
  const text = fs.readFileSync(path.join(root, file), "utf8");
  return [...text.matchAll(/(?:\b(?:it|test)|\)|\])\(\s*(["`])((?:(?!\1).)+)\1,/g)].map(([, , title]) => title!);
}

describe.each([
  ["What they do", ["1", "2", "3", "4", "5", "6", ...Array.from({ length: 11 }, (_, i) => String(10 + i)), "22"]],
  ["Where they break", ["1", "2", "3", "5", "6", "9"]],
])("%s", (heading, numbers) => {
  const rows = rowsBelow(heading);

  test("has every row", () => expect(rows.map(([number]) => number)).toEqual(numbers));

  test.each(rows.map((cells) => ({ number: cells[0]!, cells })))(
    "row $number names tests that are there",
    ({ cells }) => {
      for (const cell of cells) expect(cell.length).toBeGreaterThan(0);
      for (const { file, titles } of testsOf(cells.at(-1)!)) {
        expect(file).toMatch(/\.(test|contract)\.ts$/);
        expect(titles.length, file).toBeGreaterThan(0);
        const found = titlesOf(file);
        expect(
          titles.filter((title) => !found.includes(title)),
          file,
        ).toEqual([]);
      }
    },
  );
});
