import fs from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { collectPages } from "./generate-pages.ts";
import { anchorOf, outsideCode } from "./markdown.ts";
import { hrefOf, type Page } from "./page.ts";
import { repositoryRoot } from "./repository.ts";

let pages: readonly Page[];
beforeAll(async () => {
  pages = await collectPages();
}, 120_000);

test("every page of the reference is there, with decisions and benchmarks", () => {
  const paths = pages.map(({ path }) => path);
  const reference = [
    "sdk-node",
    "sdk-web",
    "sdk-web-edge",
    "middleware",
    "cluster",
    "command-line",
    "options",
    "errors",
    "wire",
    "metrics",
  ];
  expect(paths).toEqual(expect.arrayContaining(reference.map((name) => `reference/${name}`)));
  expect(paths).toEqual(expect.arrayContaining(["decisions/index", "decisions/own-log", "benchmarks/index"]));
});

/** True for `/start/middleware/` and the like: pages of people's, whose headings the site's own check of links knows. */
function isWritten(href: string): boolean {
  const path = href.replace(/^\/|\/$/g, "");
  const content = `${repositoryRoot}/docs/src/content/docs`;
  return [`${path}.mdx`, `${path}/index.mdx`].some((name) => fs.existsSync(`${content}/${name}`));
}

test("every link leads to a generated page and a heading of it, or to a page that somebody wrote", () => {
  const anchors = new Map(
    pages.map(({ path, body }) => [
      hrefOf(path),
      new Set([...body.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => anchorOf(heading.replaceAll("`", "")))),
    ]),
  );
  const broken = pages.flatMap(({ path, body }) =>
    linksOf(body)
      .filter((link) => !link.startsWith("https://"))
      .filter((link) => {
        const [href = "", anchor] = link.split("#");
        const found = anchors.get(href === "" ? hrefOf(path) : href);
        return found === undefined ? !isWritten(href) : anchor !== undefined && !found.has(anchor);
      })
      .map((link) => `${path}: ${link}`),
  );
  expect(broken).toEqual([]);
});

function linksOf(body: string): string[] {
  const links: string[] = [];
  // Code blocks hold brackets of their own. A link's text may be a code span, so that only blocks are left out.
  for (const part of body.replace(/^```[\s\S]*?^```$/gm, "").split("\n")) {
    for (const [, link = ""] of part.matchAll(/\]\(([^)\s]+)\)/g)) links.push(link);
  }
  return links;
}

test("no page holds a path of this machine, and none a tag that the site would swallow", () => {
  for (const { path, title, description, body } of pages) {
    expect(body.includes(repositoryRoot), path).toBe(false);
    const prose = body.replace(/^```[\s\S]*?^```$/gm, "").replace(/<figure[\s\S]*?<\/figure>/g, "");
    outsideCode(prose, (plain) => {
      expect(plain.replaceAll("<br>", ""), path).not.toMatch(/<[a-z/]/i);
      return plain;
    });
    expect(title, path).not.toBe("");
    expect(description, path).toMatch(/\.$/);
  }
});

test("a second run gives the same pages, character by character", async () => {
  expect(await collectPages()).toEqual(pages);
}, 120_000);
