import { expect, test } from "vitest";
import { decisionPages, siteLinks } from "./decisions.ts";

const known = new Set(["README.md", "own-log.md"]);

test("links to decisions lead to their pages, with their anchors", () => {
  expect(siteLinks("[a](own-log.md#costs), [b](README.md), [c](./own-log.md)", known)).toBe(
    "[a](/decisions/own-log/#costs), [b](/decisions/), [c](/decisions/own-log/)",
  );
});

test("a link to a file of the repository becomes its path", () => {
  expect(siteLinks("See [the limiter](../../packages/limiter/src/limiter.ts).", known)).toBe(
    "See `packages/limiter/src/limiter.ts`.",
  );
});

test("links to the web, anchors and code stay as they are", () => {
  const text = "[a](https://example.org/x.md), [b](#here), `[c](gone.md)`";
  expect(siteLinks(text, known)).toBe(text);
});

test("a link to a decision that does not exist is a mistake", () => {
  expect(() => siteLinks("[a](gone.md)", known)).toThrow("gone.md");
});

test("titles come from headings, the order from the list, the description from the first sentence", () => {
  const pages = decisionPages([
    { name: "README.md", text: "# Decisions\n\nOne page each.\n\n[Second](b.md) [First](a.md)\n" },
    { name: "a.md", text: "# First `a`\n\n**Decided.** Published packages run on Node ≥ 20.19. More.\n" },
    { name: "b.md", text: "# Second\n\nText.\n" },
  ]);
  expect(pages.map(({ path, title, order }) => [path, title, order])).toEqual([
    ["decisions/index", "Decisions", 0],
    ["decisions/a", "First a", 2],
    ["decisions/b", "Second", 1],
  ]);
  expect(pages[1]?.description).toBe("Published packages run on Node ≥ 20.19.");
});

test("a file without a heading is a mistake that names it", () => {
  expect(() => decisionPages([{ name: "x.md", text: "Text." }])).toThrow("docs/decisions/x.md");
});
