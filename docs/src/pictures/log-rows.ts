import {
  type Colour,
  type Drawing,
  lineHeight,
  type Part,
  rect,
  text,
  textLines,
  textWidth,
  wrapText,
} from "@quorumguard/pictures";

/** One node's log: the terms of its entries from index 1 on. */
export interface LogRow {
  readonly name: string;
  readonly terms: readonly number[];
  /** Indexes of entries that are about to be talked of, or are settled. */
  readonly marked?: readonly number[];
  /** Of the marked entries; default `accent`. */
  readonly colour?: Colour;
  /** Entries from this index on are gone: crossed out. */
  readonly goneFrom?: number;
}

/** Logs at one moment, and what happens then. */
export interface LogStage {
  readonly says: string;
  readonly logs: readonly LogRow[];
}

/** Logs one above the other, entry under entry: an entry is a box with its term in it, below the number of its index. */
export function drawLogs(stages: readonly LogStage[], width: number): Drawing {
  const isWide = width > 600;
  const size = isWide ? 14 : 12;
  const rows = stages.flatMap(({ logs }) => logs);
  const names = Math.max(...rows.map(({ name }) => textWidth(name, size, "bold")), textWidth("index", size)) + 12;
  const longest = Math.max(...rows.map(({ terms }) => terms.length));
  const cell = Math.min(isWide ? 44 : 36, Math.floor((width - names - 8) / longest));
  const height = isWide ? 26 : 22;
  const parts: Part[] = [];
  let y = 0;
  for (const { says, logs } of stages) {
    const words = wrapText(says, size, width - 8);
    parts.push(...textLines(4, y + size + 2, words, { size }));
    y += words.length * lineHeight(size) + size + 4;
    const middleOf = (index: number) => names + (index - 0.5) * cell;
    parts.push(text(4, y, "index", { size: 12, colour: "muted" }));
    for (let index = 1; index <= Math.max(...logs.map(({ terms }) => terms.length)); index++) {
      parts.push(text(middleOf(index), y, String(index), { size: 12, colour: "muted", anchor: "middle" }));
    }
    y += 8;
    for (const log of logs) {
      parts.push(text(4, y + height / 2 + size * 0.35, log.name, { size, face: "bold" }));
      log.terms.forEach((term, i) => {
        parts.push(...entry(log, i + 1, term, { x: names + i * cell, y, cell, height, size }));
      });
      y += height + 6;
    }
    y += isWide ? 18 : 14;
  }
  return { width, height: y, parts };
}

interface Place {
  readonly x: number;
  readonly y: number;
  readonly cell: number;
  readonly height: number;
  readonly size: number;
}

function entry({ marked = [], colour = "accent", goneFrom }: LogRow, index: number, term: number, at: Place): Part[] {
  const { x, y, cell, height, size } = at;
  const isGone = goneFrom !== undefined && index >= goneFrom;
  const isMarked = marked.includes(index);
  const paint = isMarked
    ? { fill: colour, fillOpacity: 0.22, stroke: colour, strokeWidth: 2 }
    : { fill: "surface" as const, stroke: isGone ? ("denied" as const) : ("line" as const) };
  return [
    rect(x + 1, y, cell - 2, height, isGone ? { ...paint, dash: "3 3" } : paint, 3),
    text(x + cell / 2, y + height / 2 + size * 0.35, String(term), {
      size,
      anchor: "middle",
      face: isMarked ? "bold" : "regular",
      colour: isGone ? "denied" : "ink",
    }),
  ];
}
