import fs from "node:fs";
import path from "node:path";
import { standaloneSvg } from "@quorumguard/pictures";
import { expect, test } from "vitest";
import { drawings } from "../src/pictures/index.ts";

const docs = path.resolve(import.meta.dirname, "..");
const read = (file: string): string => fs.readFileSync(path.join(docs, file), "utf8");
const readme = read("internals/README.md");
const page = read("src/content/docs/internals/raft-core.mdx");

/** The page's pictures with the headings that they stand below, in its order. */
const ideas = page.split(/^## /m).flatMap((part) => {
  const heading = part.slice(0, part.indexOf("\n"));
  return [...part.matchAll(/<Picture name="(raft-[\w-]+)"/g)].map(([, name]) => ({ heading, name: name! }));
});

test("docs/internals has a row for each picture of the page about the core, in its order", () => {
  const rows = [...readme.matchAll(/^\| \[(.+?)\]\(\S+?#\S+\) +\| \[`(raft-[\w-]+)`\]\(\S+\) /gm)];
  expect(rows.map(([, heading, name]) => ({ heading, name }))).toEqual(ideas);
});

test("each row leads to the file that draws the picture", () => {
  const rows = [...readme.matchAll(/\[`(raft-[\w-]+)`\]\(\1\.svg\) +\| \[[^\]]+\]\(\.\.\/(\S+)\)/g)];
  expect(rows).toHaveLength(ideas.length);
  for (const [, name = "", file = ""] of rows) expect(read(file)).toContain(`function ${drawings[name]!.name}(`);
});

test.each(ideas)(
  "docs/internals/$name.svg is as it is drawn today; vitest run --project docs --update draws it anew",
  async ({ name }) => {
    const { narrow: _, ...picture } = drawings[name]!();
    await expect(standaloneSvg(picture)).toMatchFileSnapshot(path.join(docs, "internals", `${name}.svg`));
  },
);

test("there are no other pictures in docs/internals", () => {
  const files = fs.readdirSync(path.join(docs, "internals")).filter((file) => file.endsWith(".svg"));
  expect(files.sort()).toEqual(ideas.map(({ name }) => `${name}.svg`).sort());
});
