import { expect, it } from "vitest";
import { rect, text } from "./drawing.ts";
import { findLayoutProblems } from "./find-layout-problems.ts";
import { box } from "./shapes.ts";
import { textWidth, wrapText } from "./text-metrics.ts";

const problemsOf = (...parts: ReturnType<typeof text>[]) => findLayoutProblems({ width: 200, height: 100, parts });

it("finds nothing where texts stand apart", () => {
  expect(problemsOf(text(10, 20, "one"), text(10, 40, "two"), text(190, 20, "three", { anchor: "end" }))).toEqual([]);
});

it("finds text that lies on other text", () => {
  expect(problemsOf(text(10, 20, "some words"), text(30, 24, "others"))).toEqual(['"others" lies on "some words"']);
});

for (const [side, part] of [
  ["left", text(-3, 20, "words")],
  ["right", text(180, 20, "words")],
  ["top", text(10, 5, "words")],
  ["bottom", text(10, 99, "words")],
  ["right of its middle", text(190, 50, "words", { anchor: "middle" })],
  ["left of its end", text(10, 50, "words", { anchor: "end" })],
] as const) {
  it(`finds text that leaves the drawing, ${side}`, () => {
    expect(problemsOf(part)[0]).toContain('"words" leaves the drawing of 200 × 100');
  });
}

it("finds text that is wider than its box", () => {
  const parts = [rect(10, 10, 50, 30, { fill: "surface" }), text(35, 30, "too many", { anchor: "middle" })];
  expect(findLayoutProblems({ width: 200, height: 100, parts })).toEqual(['"too many" is wider than its box']);
});

it("finds text that is too small to read", () => {
  expect(problemsOf(text(10, 20, "words", { size: 11 }))).toEqual(['"words" has size 11, below 12']);
});

it("wraps text into lines that fit, and gives a longer word a line of its own", () => {
  const lines = wrapText("a few words and incomprehensibilities of them", 12, 80);
  expect(lines.join(" ")).toBe("a few words and incomprehensibilities of them");
  expect(lines.filter((line) => textWidth(line, 12) > 80)).toEqual(["incomprehensibilities"]);
});

it("refuses a box that its words do not fit into", () => {
  expect(() => box(0, 0, 40, 40, { title: "far too many words" })).toThrow("must fit into 36");
});
