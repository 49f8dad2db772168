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

/**
 * A line through the points, given as x, y, x, y …, with a head at the last one.
 * @throws {Error} when there are fewer than two points, or half a point.
 */
export function arrow(points: readonly number[], style: ArrowPaint = {}): Part[] {
  if (points.length < 4 || points.length % 2 !== 0) {
    throw new Error(`an arrow has ${points.length} coordinates, but needs 4, 6, 8 …`);
  }
  const { colour = "muted", strokeWidth = 1.5, dash } = style;
  const [fromX, fromY, toX, toY] = points.slice(-4) as [number, number, number, number];
  const length = Math.hypot(toX - fromX, toY - fromY);
  const [ux, uy] = [(toX - fromX) / length, (toY - fromY) / length];
  // The line ends inside the head, so that its round cap does not blunt the tip.
  const neck = [toX - ux * headLength * 0.7, toY - uy * headLength * 0.7];
  const coordinates = [...points.slice(0, -2), ...neck].map(decimal);
  const corner = (side: number) =>
    `${decimal(toX - ux * headLength - uy * side * 4)} ${decimal(toY - uy * headLength + ux * side * 4)}`;
  return [
    path(`M${coordinates.join(" ")}`, { stroke: colour, strokeWidth, dash }),
    path(`M${decimal(toX)} ${decimal(toY)}L${corner(1)}L${corner(-1)}Z`, { fill: colour }),
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
