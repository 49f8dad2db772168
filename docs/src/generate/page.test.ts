import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hrefOf, type Page, renderPage, writePages } from "./page.ts";

const page = (path: string, body = "Text."): Page => ({
  path,
  title: 'A "title"',
  description: "What.",
  order: 1,
  body,
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "quorumguard-pages-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("the second run writes nothing, and a changed page alone is written again", async () => {
  const pages = [page("reference/one"), page("reference/two")];
  expect((await writePages(folder, pages)).changed).toEqual(["reference/one.md", "reference/two.md"]);
  const before = await stat(join(folder, "reference/one.md"));
  expect(await writePages(folder, pages)).toEqual({
    changed: [],
    unchanged: ["reference/one.md", "reference/two.md"],
    removed: [],
  });
  const third = await writePages(folder, [page("reference/one"), page("reference/two", "Other.")]);
  expect(third.changed).toEqual(["reference/two.md"]);
  expect((await stat(join(folder, "reference/one.md"))).mtimeMs).toBe(before.mtimeMs);
});

test("a generated page that is no more is removed; what somebody wrote stays", async () => {
  await writePages(folder, [page("reference/old"), page("reference/kept")]);
  await mkdir(join(folder, "start"));
  await writeFile(join(folder, "start/index.md"), "---\ntitle: Mine\n---\n");
  expect((await writePages(folder, [page("reference/kept")])).removed).toEqual(["reference/old.md"]);
  await expect(readFile(join(folder, "reference/old.md"))).rejects.toThrow("ENOENT");
  expect(await readFile(join(folder, "start/index.md"), "utf8")).toContain("Mine");
});

test("two pages of one path are a mistake", async () => {
  await expect(writePages(folder, [page("a/b"), page("a/b")])).rejects.toThrow("a/b");
});

test("quotes in a title do not break the frontmatter", () => {
  expect(renderPage(page("a"))).toContain('title: "A \\"title\\""\n');
});

test("an index page has its folder's address", () => {
  expect([hrefOf("decisions/index"), hrefOf("reference/wire")]).toEqual(["/decisions/", "/reference/wire/"]);
});
