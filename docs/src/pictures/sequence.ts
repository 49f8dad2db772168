import {
  arrow,
  type Colour,
  type Drawing,
  line,
  lineHeight,
  type Part,
  path,
  rect,
  text,
  textLines,
  textWidth,
  wrapText,
} from "@quorumguard/pictures";

/** Somebody who takes part, with a line of life from the top down. */
export interface Lane {
  readonly name: string;
  /** Default `muted`. */
  readonly colour?: Colour;
  /** The step at which it dies: its line ends there. */
  readonly endsAt?: number;
  /** The step from which it leads; its line is dotted before. */
  readonly leadsFrom?: number;
}

/** One step of a story, from top to bottom: a message, or something that happens at one place. */
export type SequenceStep =
  | {
      readonly from: number;
      readonly to: number;
      readonly says: string;
      readonly lost?: true;
      /** Default `accent`. */
      readonly colour?: Colour;
    }
  | { readonly at: number; readonly says: string; readonly dies?: true };

/** How wide, how large the words, and where the lanes are. */
export interface SequenceLayout {
  readonly width: number;
  readonly size: number;
  readonly laneX: readonly number[];
}

const top = 40;

/**
 * Draws who says what to whom, in order.
 * @throws {Error} when a step names a lane that the layout has no place for.
 */
export function drawSequence(lanes: readonly Lane[], story: readonly SequenceStep[], layout: SequenceLayout): Drawing {
  const { width, size } = layout;
  const heights = story.map((one) => stepHeight(one, layout));
  const ends = heights.map((_, row) => heights.slice(0, row + 1).reduce((sum, height) => sum + height, top));
  const y = (row: number) => ends[row]! - size * 0.9;
  const height = (ends.at(-1) ?? top) + size * 1.2;
  const parts: Part[] = lanes.flatMap((lane, position) => lifeLine(lane, laneAt(layout, position), y, height, layout));
  story.forEach((one, row) => {
    parts.push(...("at" in one ? event(one, y(row), layout) : message(one, y(row), layout)));
  });
  return { width, height, parts };
}

function laneAt({ laneX }: SequenceLayout, position: number): number {
  const x = laneX[position];
  if (x === undefined) throw new Error(`lane ${position} has no place among ${laneX.length}`);
  return x;
}

function lifeLine(lane: Lane, x: number, y: (row: number) => number, height: number, layout: SequenceLayout): Part[] {
  const { colour = "muted", endsAt, leadsFrom } = lane;
  const strokeWidth = colour === "leader" ? 2 : 1.5;
  const end = endsAt === undefined ? height - 6 : y(endsAt);
  const begin = leadsFrom === undefined ? 30 : y(leadsFrom) + 8;
  const parts: Part[] = [line(x, begin, x, end, { stroke: colour, strokeWidth })];
  if (leadsFrom !== undefined) parts.push(line(x, 30, x, begin, { stroke: "follower", dash: "2 5" }));
  const style = { size: layout.size, anchor: "middle", face: "bold", colour } as const;
  return [...parts, text(inside(x, lane.name, layout), 20, lane.name, style)];
}

/** The middle of words, moved so far that they stay inside, with room for a box around them. */
function inside(middle: number, words: string, { width, size }: SequenceLayout): number {
  const half = textWidth(words, size, "bold") / 2 + 10;
  return Math.min(Math.max(middle, Math.min(half, width / 2)), Math.max(width - half, width / 2));
}

/** What a step says, as it is set: its lines, the widest of them, and how much higher than a single line they are. */
interface Words {
  readonly lines: readonly string[];
  readonly widest: string;
  readonly extraHeight: number;
}

/** Words at one place may take several lines, when the picture is narrow. */
function setWords(says: string, { width, size }: SequenceLayout): Words {
  const lines = wrapText(says, size, Math.min(width - 24, 330));
  const widest = lines.reduce((one, other) => (textWidth(other, size) > textWidth(one, size) ? other : one));
  return { lines, widest, extraHeight: (lines.length - 1) * lineHeight(size) };
}

function stepHeight(one: SequenceStep, layout: SequenceLayout): number {
  const extraHeight = "dies" in one ? 0 : setWords(one.says, layout).extraHeight;
  return layout.size * 3 + extraHeight;
}

function event(one: Extract<SequenceStep, { at: number }>, y: number, layout: SequenceLayout): Part[] {
  const { size } = layout;
  const x = laneAt(layout, one.at);
  if (one.dies === true) {
    return [...cross(x, y, 7), text(x + 14, y + size * 0.35, one.says, { size, face: "mono", colour: "failed" })];
  }
  const { lines, widest, extraHeight } = setWords(one.says, layout);
  const half = textWidth(widest, size) / 2 + 8;
  const middle = inside(x, widest, layout);
  return [
    rect(
      middle - half,
      y - extraHeight - size * 1.05,
      half * 2,
      size * 2.1 + extraHeight,
      { fill: "surface", stroke: "line" },
      6,
    ),
    ...textLines(middle, y - extraHeight + size * 0.35, lines, { size, anchor: "middle" }),
  ];
}

function message(one: Extract<SequenceStep, { from: number }>, y: number, layout: SequenceLayout): Part[] {
  const { size } = layout;
  const [from, to] = [laneAt(layout, one.from), laneAt(layout, one.to)];
  const { lines, widest, extraHeight } = setWords(one.says, layout);
  const middle = inside((from + to) / 2, widest, layout);
  const style = { size, anchor: "middle", halo: true } as const;
  if (one.lost === true) {
    const end = from + (to - from) * 0.6;
    return [
      line(from, y, end, y, { stroke: "failed", dash: "4 3" }),
      ...cross(end, y, 5),
      ...textLines(middle, y - 10 - extraHeight, lines, { ...style, colour: "failed" }),
    ];
  }
  const { colour = "accent" } = one;
  return [...arrow([from, y, to, y], { colour }), ...textLines(middle, y - 7 - extraHeight, lines, style)];
}

function cross(x: number, y: number, arm: number): Part[] {
  const data = `M${x - arm} ${y - arm}L${x + arm} ${y + arm}M${x + arm} ${y - arm}L${x - arm} ${y + arm}`;
  return [path(data, { stroke: "failed", strokeWidth: 2.5 })];
}
