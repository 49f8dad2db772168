import {
  circle,
  type Drawing,
  line,
  type Paint,
  type Part,
  type Picture,
  rect,
  scaleLinear,
  text,
  textWidth,
} from "@quorumguard/pictures";
import { plotHeading, size, width } from "../plot-heading.ts";
import { type Comparison, type Judged, judged, mostErrorPercent } from "./judge.ts";

const perRow = 3;
const gap = size * 2;
const side = (width - size * 2 - gap * (perRow - 1)) / perRow;
const radius = 4;

const title = "A decision's cost: predicted against measured";

/** A small plot for each quantity that is judged, both axes alike and by powers of ten. `last`: configurations added after the model was final. */
export function predictionsPlot(comparisons: readonly Comparison[], last: readonly string[]): Picture {
  const panels = (Object.keys(judged) as Judged[])
    .map((what) => ({ what, points: comparisons.filter((one) => one.what === what) }))
    .filter(({ points }) => points.length > 0);
  const told = panels.map(({ what, points }) => `${judged[what]}: ${points.map(pointWords).join("; ")}`);
  return {
    name: "scaling-predictions",
    title,
    description: `Each prediction beside what was measured. ${told.join(". ")}.`,
    wide: drawPanels(panels, last),
  };
}

interface Panel {
  readonly what: Judged;
  readonly points: readonly Comparison[];
}

function pointWords({ configuration, predicted, measured, errorPercent }: Comparison): string {
  return `${configuration} ${readable(predicted)} for ${readable(measured)}, ${errorPercent} %`;
}

function drawPanels(panels: readonly Panel[], last: readonly string[]): Drawing {
  const { parts, bottom } = plotHeading(title);
  const top = bottom + size * 2.2;
  const step = side + size * 4.2;
  for (const [at, panel] of panels.entries()) {
    const x = size + (at % perRow) * (side + gap);
    parts.push(...drawPanel(panel, x, top + Math.floor(at / perRow) * step, last));
  }
  const end = top + Math.ceil(panels.length / perRow) * step;
  const legend: readonly (readonly [string, Paint])[] = [
    [`at most ${mostErrorPercent} % off, between the dashed lines`, { fill: "accent" }],
    ["further off", { fill: "failed" }],
    ["hollow: added when the model was final", { stroke: "accent", fill: "paper" }],
  ];
  let left = size;
  for (const [words, paint] of legend) {
    parts.push(circle(left + radius, end + size * 0.65, radius, paint));
    parts.push(text(left + radius * 2 + 5, end + size, words, { size: 12, colour: "muted" }));
    left += radius * 2 + 5 + textWidth(words, 12) + size;
  }
  const axes = "to the right: measured; upwards: predicted; on the line: as predicted";
  parts.push(text(size, end + size * 2.6, axes, { size: 12, colour: "muted" }));
  return { width, height: Math.ceil(end + size * 3.6), parts };
}

function drawPanel({ what, points }: Panel, left: number, top: number, last: readonly string[]): Part[] {
  const values = points.flatMap(({ predicted, measured }) => [predicted, measured]);
  // With a margin, so that no point lies on an edge, and equal values have a range.
  const [least, most] = [Math.min(...values) / 1.4, Math.max(...values) * 1.4];
  const domain = [Math.log10(least), Math.log10(most)];
  const y0 = top + size * 0.8;
  const scaleX = scaleLinear(domain, [left, left + side]);
  const scaleY = scaleLinear(domain, [y0 + side, y0]);
  const x = (value: number) => scaleX(Math.log10(value));
  const y = (value: number) => scaleY(Math.log10(value));
  /** Where so many times what was measured is predicted, within the plot. */
  const times = (factor: number, paint: Paint) => {
    const [from, to] = [Math.max(least, least / factor), Math.min(most, most / factor)];
    return line(x(from), y(from * factor), x(to), y(to * factor), paint);
  };
  const dashed: Paint = { stroke: "muted", strokeWidth: 1, dash: "4 4" };
  return [
    text(left, top, judged[what], { size, face: "bold" }),
    rect(left, y0, side, side, { stroke: "line" }),
    times(1, { stroke: "muted", strokeWidth: 1 }),
    times(1 + mostErrorPercent / 100, dashed),
    times(1 - mostErrorPercent / 100, dashed),
    ...points.map(({ configuration, predicted, measured, within }) => {
      const colour = within ? "accent" : "failed";
      const isLast = last.includes(configuration);
      return circle(x(measured), y(predicted), radius, isLast ? { stroke: colour, fill: "paper" } : { fill: colour });
    }),
    text(left, y0 + side + size * 1.2, readable(least), { size: 12, colour: "muted" }),
    text(left + side, y0 + side + size * 1.2, readable(most), { size: 12, colour: "muted", anchor: "end" }),
  ];
}

function readable(value: number): string {
  return value.toLocaleString("en", { maximumSignificantDigits: 3 });
}
