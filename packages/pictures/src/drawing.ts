import type { Colour } from "./colours.ts";
import type { TextFace } from "./text-metrics.ts";

/** One text on one line. `x` is its start, middle or end as `anchor` says; `y` its baseline. */
export interface TextPart {
  readonly kind: "text";
  readonly x: number;
  readonly y: number;
  readonly content: string;
  /** Font size, in the units of the drawing. */
  readonly size: number;
  readonly anchor: "start" | "middle" | "end";
  readonly face: TextFace;
  readonly colour: Colour;
  /** Paints the page's colour around the letters, for text that crosses lines. */
  readonly halo: boolean;
}

/** How a shape is painted. What is not given is not painted. */
export interface Paint {
  readonly fill?: Colour | undefined;
  /** 0 to 1; default 1. */
  readonly fillOpacity?: number | undefined;
  readonly stroke?: Colour | undefined;
  /** Default 1.5. */
  readonly strokeWidth?: number | undefined;
  /** Dashes and gaps in units of the drawing, such as `"4 3"`. */
  readonly dash?: string | undefined;
}

/** A rectangle with rounded corners. */
export interface RectPart extends Paint {
  readonly kind: "rect";
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly radius: number;
}

/** Any line or area, by the path data that d3-shape writes. */
export interface PathPart extends Paint {
  readonly kind: "path";
  readonly data: string;
}

/** A filled or open circle. */
export interface CirclePart extends Paint {
  readonly kind: "circle";
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}

/** What a drawing is made of, painted in order. */
export type Part = TextPart | RectPart | PathPart | CirclePart;

/** One layout of a picture, in a coordinate system of its own. */
export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly parts: readonly Part[];
}

/** A picture for a page: what it shows, in words, and one or two layouts of it. */
export interface Picture {
  /** Kebab-case; makes the ids in a page unique. */
  readonly name: string;
  readonly title: string;
  /** What somebody who cannot see the picture should know. */
  readonly description: string;
  /** For 600 pixels and more. */
  readonly wide: Drawing;
  /** For less; default: the wide one, scaled. */
  readonly narrow?: Drawing | undefined;
}

/** The size of text that nothing asks to be otherwise; readable at the width that a drawing is made for. */
export const textSize = 14;

/** Everything but place and content of a text may be left out. */
export type TextStyle = Partial<Pick<TextPart, "size" | "anchor" | "face" | "colour" | "halo">>;

/** A text on one line. */
export function text(x: number, y: number, content: string, style: TextStyle = {}): TextPart {
  const { size = textSize, anchor = "start", face = "regular", colour = "ink", halo = false } = style;
  return { kind: "text", x, y, content, size, anchor, face, colour, halo };
}

/** Several lines of text below each other, the first at `y`. */
export function textLines(x: number, y: number, lines: readonly string[], style: TextStyle = {}): TextPart[] {
  const step = lineHeight(style.size);
  return lines.map((content, i) => text(x, y + i * step, content, style));
}

/** From baseline to baseline. */
export function lineHeight(size = textSize): number {
  return Math.round(size * 1.35);
}

/** A rectangle. */
export function rect(x: number, y: number, width: number, height: number, paint: Paint, radius = 0): RectPart {
  return { kind: "rect", x, y, width, height, radius, ...paint };
}

/** A circle. */
export function circle(x: number, y: number, radius: number, paint: Paint): CirclePart {
  return { kind: "circle", x, y, radius, ...paint };
}

/** A line or an area from path data. */
export function path(data: string, paint: Paint): PathPart {
  return { kind: "path", data, ...paint };
}

/** A straight line. */
export function line(x1: number, y1: number, x2: number, y2: number, paint: Paint = {}): PathPart {
  return path(`M${decimal(x1)} ${decimal(y1)}L${decimal(x2)} ${decimal(y2)}`, { stroke: "line", ...paint });
}

/** A number in an attribute: at most two decimals, so that every engine writes the same. */
export function decimal(value: number): string {
  if (!Number.isFinite(value)) throw new Error(`a coordinate is ${value}, but must be a finite number`);
  const rounded = Math.round(value * 100) / 100;
  return String(Object.is(rounded, -0) ? 0 : rounded);
}
