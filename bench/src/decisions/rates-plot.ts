import {
  circle,
  type Drawing,
  line,
  type Part,
  type Picture,
  scaleLinear,
  text,
  textWidth,
} from "@quorumguard/pictures";
import { median } from "../median.ts";
import { plotHeading, size, width } from "../plot-heading.ts";
import type { Cell } from "./points.ts";

/** What the plot is called, and where it stands in a page. */
export interface RatesPlotOptions {
  /** Kebab-case. */
  readonly name: string;
  readonly title: string;
  readonly cells: readonly Cell[];
}

interface Row {
  readonly label: string;
  readonly isOurs: boolean;
  readonly middle: number;
  readonly least: number;
  readonly most: number;
}

/** Decisions per second of each contender at each point, on a scale of powers of ten: the median, and a line from least to most. */
export function ratesPlot({ name, title, cells }: RatesPlotOptions): Picture {
  const points = [...new Set(cells.map((cell) => cell.point))].map((point) => ({
    point,
    rows: cells.filter((cell) => cell.point === point).map(rowOf),
  }));
  const told = points.map(
    ({ point, rows }) => `${point}: ${rows.map((row) => `${row.label} ${readable(row.middle)}`).join(", ")}`,
  );
  return {
    name,
    title,
    description: `Decisions per second, medians. ${told.join(". ")}.`,
    wide: drawRates(title, points),
  };
}

function rowOf({ contender, samples }: Cell): Row {
  // At least 1, since nothing has no place on such a scale.
  const rates = samples.map((sample) => Math.max(1, sample.decisionsPerSecond));
  const [least, most] = [Math.min(...rates), Math.max(...rates)];
  return { label: contender, isOurs: contender.startsWith("quorumguard"), middle: median(rates), least, most };
}

function drawRates(
  title: string,
  points: readonly { readonly point: string; readonly rows: readonly Row[] }[],
): Drawing {
  const all = points.flatMap(({ rows }) => rows);
  const labels = Math.max(0, ...all.map((row) => textWidth(row.label, size)));
  const values = Math.max(0, ...all.map((row) => textWidth(readable(row.middle), size, "bold")));
  const left = size * 2 + labels;
  const decades = [
    Math.floor(Math.log10(Math.min(...all.map((row) => row.least)))),
    Math.ceil(Math.log10(Math.max(...all.map((row) => row.most)) + 1)),
  ] as const;
  const x = scaleLinear(decades, [left, width - size * 2 - values]);
  const { parts, bottom } = plotHeading(title);
  let y = bottom + size * 1.4;
  for (const { point, rows } of points) {
    parts.push(text(size, y + size, point, { size, face: "bold", colour: "muted" }));
    y += size * 1.6;
    const top = y;
    for (const row of rows) {
      y += size * 1.7;
      const middle = y - size * 0.6;
      const colour = row.isOurs ? "accent" : "muted";
      const label = { size, colour: row.isOurs ? "accent" : "ink" } as const;
      parts.push(
        text(size, middle + size * 0.35, row.label, label),
        line(x(Math.log10(row.least)), middle, x(Math.log10(row.most)), middle, { stroke: colour, strokeWidth: 3 }),
        circle(x(Math.log10(row.middle)), middle, size * 0.34, { fill: colour }),
        text(width - size, middle + size * 0.35, readable(row.middle), { size, face: "bold", anchor: "end" }),
      );
    }
    parts.unshift(...grid(x, decades, top, y));
    y += size * 0.6;
  }
  for (let decade = decades[0]; decade <= decades[1]; decade++) {
    const half = textWidth(shortened(10 ** decade), size) / 2;
    const at = Math.max(x(decade), size + half);
    parts.push(text(at, y + size, shortened(10 ** decade), { size, colour: "muted", anchor: "middle" }));
  }
  const unit = "decisions per second";
  parts.push(text(width - size, y + size * 2.6, unit, { size, colour: "muted", anchor: "end" }));
  return { width, height: Math.ceil(y + size * 3.6), parts };
}

function grid(x: (decade: number) => number, decades: readonly [number, number], top: number, bottom: number): Part[] {
  return Array.from({ length: decades[1] - decades[0] + 1 }, (_, at) =>
    line(x(decades[0] + at), top, x(decades[0] + at), bottom, { strokeWidth: 1 }),
  );
}

function readable(rate: number): string {
  return Math.round(rate).toLocaleString("en");
}

function shortened(rate: number): string {
  if (rate >= 1_000_000) return `${rate / 1_000_000}M`;
  return rate >= 1_000 ? `${rate / 1_000}k` : String(rate);
}
