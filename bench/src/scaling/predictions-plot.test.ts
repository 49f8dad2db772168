import { elementsOf, findLayoutProblems, parseSvg, standaloneSvg, textOf } from "@quorumguard/pictures";
import { expect, it } from "vitest";
import { type Comparison, type Judged, judged } from "./judge.ts";
import { predictionsPlot } from "./predictions-plot.ts";

const quantities = Object.keys(judged) as Judged[];

/** What was predicted to be so many per cent more than it came to, of every quantity. */
const off = (configuration: string, errorPercent: number, measured: number): readonly Comparison[] =>
  quantities.map((what) => ({
    ...{ configuration, what, measured, predicted: measured * (1 + errorPercent / 100), errorPercent },
    within: Math.abs(errorPercent) <= 25,
  }));

const circlesOf = (comparisons: readonly Comparison[], last: readonly string[] = []) =>
  predictionsPlot(comparisons, last).wide.parts.filter((part) => part.kind === "circle");
const legend = circlesOf([]).length;

it("has a plot for each quantity with a point for each configuration, and nothing overlaps", () => {
  const comparisons = [...off("5 nodes", 3, 12), ...off("512 in flight", -40, 98_000), ...off("a", 0, 0.0123)];
  const picture = predictionsPlot(comparisons, ["512 in flight"]);
  expect(findLayoutProblems(picture.wide)).toEqual([]);
  const words = elementsOf(parseSvg(standaloneSvg(picture)), "text").map(textOf);
  for (const what of quantities) expect(words).toContain(judged[what]);
  expect(circlesOf(comparisons)).toHaveLength(3 * quantities.length + legend);
  expect(picture.description).toContain("leader, µs: 5 nodes 12.4 for 12, 3 %; 512 in flight 58,800 for 98,000, -40 %");
});

it("tells what is too far off by its colour, what was added last by a hollow point, and where a point lies by both numbers", () => {
  const points = circlesOf([...off("near", 10, 10), ...off("far", 30, 10), ...off("last", -30, 10)], ["last"]);
  const [near, far, last] = points;
  expect([near, far, last].map((point) => point?.fill)).toEqual(["accent", "failed", "paper"]);
  expect(last?.stroke).toBe("failed");
  expect(near!.x).toBe(far!.x);
  // More is further up.
  expect(far!.y).toBeLessThan(near!.y);
  expect(near!.y).toBeLessThan(last!.y);
});

it("of a quantity that was not measured there is no plot", () => {
  const comparisons = off("5 nodes", 3, 12).filter(({ what }) => what !== "leaderLogBytes");
  const words = elementsOf(parseSvg(standaloneSvg(predictionsPlot(comparisons, []))), "text").map(textOf);
  expect(words).not.toContain(judged.leaderLogBytes);
});
