import { expect, it } from "vitest";
import { markWideColumns } from "../src/site/mark-wide-columns.ts";

const sentence = "a sentence of more than thirty characters";

it("marks the columns that hold a sentence, the heading included, and no others", () => {
  const table = `<table><thead><tr><th>at</th><th align="left">what</th></tr></thead>
<tbody><tr><td>0</td><td>short</td></tr><tr><td>4</td><td>${sentence}</td></tr></tbody></table>`;
  expect(markWideColumns(`<p>before</p>${table}<p>after</p>`)).toBe(
    `<p>before</p><table><thead><tr><th>at</th><th class="wide" align="left">what</th></tr></thead>
<tbody><tr><td>0</td><td class="wide">short</td></tr><tr><td>4</td><td class="wide">${sentence}</td></tr></tbody></table><p>after</p>`,
  );
});

it("counts what is seen of the longest line: no tags, no lines together, an entity once", () => {
  const link = `<a href="/${"far".repeat(20)}/">near</a>`;
  const lines = "fifteen letters<br>fifteen letters<br/>fifteen letters";
  const entities = "&lt;".repeat(30);
  const table = `<table><tr><td>${link}</td><td>${lines}</td><td>${entities}</td></tr></table>`;
  expect(markWideColumns(table)).toBe(table);
});

it("takes each table by itself, and leaves text outside tables alone", () => {
  const narrow = "<table><tr><td>1</td></tr></table>";
  const wide = `<table><tr><td>${sentence}</td></tr></table>`;
  const marked = `<table><tr><td class="wide">${sentence}</td></tr></table>`;
  expect(markWideColumns(`${narrow}<p>${sentence}</p>${wide}`)).toBe(`${narrow}<p>${sentence}</p>${marked}`);
});
