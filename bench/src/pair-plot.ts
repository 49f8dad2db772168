import {
  circle,
  type Drawing,
  line,
  lineHeight,
  type Part,
  type Picture,
  scaleLinear,
  text,
  textLines,
  textWidth,
  wrapText,
} from "@quorumguard/pictures";
import { plotHeading, size, width } from "./plot-heading.ts";

/** Two numbers beside each other, on one line of the plot. */
export interface PairRow {
  readonly label: string;
  readonly ours: number;
  /** Null: there is none. */
  readonly other: number | null;
}

/** Rows with a scale of their own, which begins at 0. */
export interface PairSection {
  /** What its numbers are, with their unit. */
  readonly title: string;
  readonly oursName: string;
  readonly otherName: string;
  readonly groups: readonly { readonly heading: string; readonly rows: readonly PairRow[] }[];
  /** A bound, drawn as a line across all rows. */
  readonly bound?: { readonly value: number; readonly words: string };
}

/** What the plot is called, and what it shows. */
export interface PairPlotOptions {
  /** Kebab-case. */
  readonly name: string;
  readonly title: string;
  readonly sections: readonly PairSection[];
}

const radius = size * 0.36;
const rowHeight = size * 1.6;

/** Pairs of numbers, ours as a disc and what it is compared with as a ring. */
export function pairPlot({ name, title, sections }: PairPlotOptions): Picture {
  const told = sections.map(({ title, oursName, otherName, groups }) => {
    const rows = groups.flatMap(({ heading, rows }) =>
      rows.map((row) => `${[heading, row.label].filter(Boolean).join(", ")} ${numbersOf(row)}`),
    );
    return `${title}, ${oursName} beside ${otherName}: ${rows.join("; ")}.`;
  });
  return { name, title, description: told.join(" "), wide: draw(title, sections) };
}

function draw(title: string, sections: readonly PairSection[]): Drawing {
  const rows = sections.flatMap(({ groups }) => groups.flatMap((group) => group.rows));
  const left = size * 2 + Math.max(0, ...rows.map(({ label }) => textWidth(label, size)));
  const right = width - size * 2 - Math.max(0, ...rows.map((row) => textWidth(numbersOf(row), size, "bold")));
  const { parts, bottom } = plotHeading(title);
  let y = bottom + size;
  for (const section of sections) {
    const drawn = drawSection(section, y, left, right);
    parts.push(...drawn.parts);
    y = drawn.bottom;
  }
  return { width, height: Math.ceil(y), parts };
}

function drawSection(
  { title, oursName, otherName, groups, bound }: PairSection,
  from: number,
  left: number,
  right: number,
): { readonly parts: readonly Part[]; readonly bottom: number } {
  const all = groups.flatMap(({ rows }) => rows.flatMap(({ ours, other }) => [ours, other ?? 0]));
  const most = Math.max(1, bound?.value ?? 0, ...all);
  const x = scaleLinear([0, most * 1.04], [left, right]);
  const words = wrapText(title, size, width - size * 2, "bold");
  const parts: Part[] = textLines(size, from + size, words, { size, face: "bold", colour: "muted" });
  let y = from + size * 1.8 + (words.length - 1) * lineHeight(size);
  parts.push(...legend(y + size * 0.6, oursName, otherName));
  y += size * 1.4;
  const top = y;
  for (const { heading, rows } of groups) {
    if (heading !== "") {
      y += size * 0.4;
      parts.push(text(size, y + size * 1.1, heading, { size, colour: "muted", halo: true }));
      y += rowHeight;
    }
    for (const row of rows) {
      parts.push(...drawRow(row, x, y + rowHeight / 2));
      y += rowHeight;
    }
  }
  const ticks = x.ticks(4);
  parts.unshift(...ticks.map((tick) => line(x(tick), top, x(tick), y, { strokeWidth: 1 })));
  for (const tick of ticks) {
    parts.push(text(x(tick), y + size * 1.2, readable(tick), { size, colour: "muted", anchor: "middle" }));
  }
  y += size * 1.8;
  if (bound !== undefined) {
    const { value, words } = bound;
    parts.push(
      line(x(value), top, x(value), y - size * 1.8, { stroke: "accent", strokeWidth: 1, dash: "4 3" }),
      text(right, y + size * 0.7, words, { size, colour: "muted", anchor: "end" }),
    );
    y += size * 1.2;
  }
  return { parts, bottom: y + size };
}

function legend(y: number, oursName: string, otherName: string): Part[] {
  const otherAt = size * 4 + textWidth(oursName, size);
  return [
    ...[disc(size + radius, y - radius), text(size * 2, y, oursName, { size })],
    ...[ring(otherAt + radius, y - radius), text(otherAt + size, y, otherName, { size })],
  ];
}

function drawRow(row: PairRow, x: (value: number) => number, y: number): Part[] {
  const { label, ours, other } = row;
  return [
    text(size, y + size * 0.35, label, { size }),
    ...(other === null ? [] : [line(x(ours), y, x(other), y, { stroke: "muted" }), ring(x(other), y)]),
    disc(x(ours), y),
    text(width - size, y + size * 0.35, numbersOf(row), { size, face: "bold", anchor: "end" }),
  ];
}

const disc = (x: number, y: number) => circle(x, y, radius, { fill: "accent" });
const ring = (x: number, y: number) => circle(x, y, radius * 0.9, { fill: "paper", stroke: "muted", strokeWidth: 2 });

function numbersOf({ ours, other }: PairRow): string {
  return other === null ? readable(ours) : `${readable(ours)} | ${readable(other)}`;
}

function readable(value: number): string {
  return value.toLocaleString("en", { maximumFractionDigits: value < 100 ? 1 : 0 });
}
