import type { Colour } from "./colours.ts";
import {
  decimal,
  line,
  lineHeight,
  type Paint,
  type Part,
  path,
  rect,
  type TextStyle,
  text,
  textLines,
  textSize,
} from "./drawing.ts";
import { textWidth } from "./text-metrics.ts";

/** What a box says and how it looks. */
export interface BoxOptions {
  readonly title: string;
  /** Below the title, one line each. */
  readonly lines?: readonly string[];
  /** Default `line`. */
  readonly stroke?: Colour;
  /** Default `surface`. */
  readonly fill?: Colour;
  readonly fillOpacity?: number;
  /** Of the title; default bold. */
  readonly titleStyle?: TextStyle;
  /** Of the lines; default muted. */
  readonly lineStyle?: TextStyle;
  readonly dash?: string;
}

/** A rounded box with centred words. @throws {Error} when the words do not fit into its width. */
export function box(x: number, y: number, width: number, height: number, options: BoxOptions): Part[] {
  const { title, lines = [], stroke = "line", fill = "surface", fillOpacity, dash } = options;
  const titleStyle: TextStyle = { face: "bold", anchor: "middle", ...options.titleStyle };
  const lineStyle: TextStyle = { colour: "muted", anchor: "middle", ...options.lineStyle };
  const titleSize = titleStyle.size ?? textSize;
  const step = lineHeight(lineStyle.size);
  const total = titleSize + lines.length * step;
  const baseline = y + (height - total) / 2 + titleSize * 0.88;
  const middle = x + width / 2;
  const widest = Math.max(
    textWidth(title, titleSize, titleStyle.face),
    ...lines.map((content) => textWidth(content, lineStyle.size ?? textSize, lineStyle.face)),
  );
  if (widest > width - 4) {
    throw new Error(`the words of box "${title}" are ${Math.ceil(widest)} wide, but must fit into ${width - 4}`);
  }
  return [
    rect(x, y, width, height, { fill, fillOpacity, stroke, dash }, 8),
    text(middle, baseline, title, titleStyle),
    ...textLines(middle, baseline + step, lines, lineStyle),
  ];
}

/** How an arrow is painted. */
export interface ArrowPaint extends Pick<Paint, "strokeWidth" | "dash"> {
  /** Default `muted`. */
  readonly colour?: Colour;
}

const headLength = 7;

/** A line along the points with a head at the last one. @throws {Error} when there are fewer than two points. */
export function arrow(points: readonly (readonly [number, number])[], style: ArrowPaint = {}): Part[] {
  const { colour = "muted", strokeWidth = 1.5, dash } = style;
  const [to, from] = [points.at(-1), points.at(-2)];
  if (to === undefined || from === undefined) throw new Error(`an arrow has ${points.length} points, but needs 2`);
  const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
  const [ux, uy] = [(to[0] - from[0]) / length, (to[1] - from[1]) / length];
  // The line ends inside the head, so that its round cap does not blunt the tip.
  const neck = [to[0] - ux * headLength * 0.7, to[1] - uy * headLength * 0.7] as const;
  const data = [...points.slice(0, -1), neck].map(([x, y], i) => `${i === 0 ? "M" : "L"}${decimal(x)} ${decimal(y)}`);
  const corner = (side: number) =>
    `${decimal(to[0] - ux * headLength - uy * side * 4)} ${decimal(to[1] - uy * headLength + ux * side * 4)}`;
  return [
    path(data.join(""), { stroke: colour, strokeWidth, dash }),
    path(`M${decimal(to[0])} ${decimal(to[1])}L${corner(1)}L${corner(-1)}Z`, { fill: colour }),
  ];
}

/** A horizontal bracket that spans from `x1` to `x2`, with ticks at both ends. */
export function span(x1: number, x2: number, y: number, colour: Colour): Part[] {
  return [
    line(x1, y, x2, y, { stroke: colour }),
    line(x1, y - 4, x1, y + 4, { stroke: colour }),
    line(x2, y - 4, x2, y + 4, { stroke: colour }),
  ];
}
