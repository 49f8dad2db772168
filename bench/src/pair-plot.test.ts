import { elementsOf, findLayoutProblems, parseSvg, standaloneSvg, textOf } from "@quorumguard/pictures";
import { expect, test } from "vitest";
import { pairPlot } from "./pair-plot.ts";

const rows = [
  { label: "sliding-window-counter", ours: 817_214, other: 1_768_977 },
  { label: "fixed-window", ours: 12.34, other: null },
];

test("each row has both numbers, a bound is in sight even above all of them, and nothing overlaps", () => {
  const picture = pairPlot({
    name: "pairs",
    title: "Much of one thing beside as much of another, in more words than one line has room for, by algorithm",
    sections: [
      {
        ...{
          title: "Decisions per second",
          oursName: "the limiter",
          otherName: "a map",
          groups: [{ heading: "", rows }],
        },
        bound: { value: 3_000_000, words: "dashed: the goal, 3,000,000" },
      },
      {
        title: "ms",
        oursName: "busy",
        otherName: "idle",
        groups: [
          { heading: "one", rows },
          { heading: "two", rows },
        ],
      },
    ],
  });
  expect(findLayoutProblems(picture.wide)).toEqual([]);
  const words = elementsOf(parseSvg(standaloneSvg(picture)), "text").map(textOf);
  for (const word of ["817,214 | 1,768,977", "12.3", "fixed-window", "two", "dashed: the goal, 3,000,000"]) {
    expect(words).toContain(word);
  }
  expect(picture.description).toContain("ms, busy beside idle: one, sliding-window-counter 817,214 | 1,768,977;");
});

test("an empty section and zeros can be drawn", () => {
  const nothing = { title: "ms", oursName: "busy", otherName: "idle" };
  const zeros = [{ heading: "", rows: [{ label: "zero", ours: 0, other: 0 }] }];
  const sections = [
    { ...nothing, groups: [] },
    { ...nothing, groups: zeros },
  ];
  expect(findLayoutProblems(pairPlot({ name: "pairs", title: "Nothing", sections }).wide)).toEqual([]);
});
