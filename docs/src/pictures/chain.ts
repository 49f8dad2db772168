import {
  arrow,
  type Colour,
  type Drawing,
  lineHeight,
  type Part,
  rect,
  text,
  textLines,
  wrapText,
} from "@quorumguard/pictures";

/** A box of a chain and what leads on to the next. */
export interface Link {
  readonly title: string;
  readonly says: string;
  /** Beside the arrow to the next box. */
  readonly next?: string;
  /** Beside an arrow that leaves to the right: where this ends otherwise. */
  readonly otherwise?: string;
  /** Default `line`. */
  readonly stroke?: Colour;
}

/** Boxes below each other, from the first to the last, each with the reason to go on and the reason not to. */
export function drawChain(links: readonly Link[], width: number): Drawing {
  const isWide = width > 600;
  const size = isWide ? 14 : 12;
  const hasExits = links.some((one) => one.otherwise !== undefined);
  const boxWidth = hasExits ? Math.round(width * (isWide ? 0.56 : 0.62)) : width - 8;
  const exitX = boxWidth + 4 + (isWide ? 44 : 18);
  const step = lineHeight(size);
  const parts: Part[] = [];
  let y = 4;
  for (const { title, says, next, otherwise, stroke = "line" } of links) {
    const lines = wrapText(says, size, boxWidth - 20);
    const exit = otherwise === undefined ? [] : wrapText(otherwise, size, width - exitX - 4);
    const height = Math.max((lines.length + 1) * step + 18, exit.length * step + 8);
    parts.push(
      rect(4, y, boxWidth, height, { fill: "surface", stroke }, 8),
      text(14, y + step + 2, title, { size, face: "bold" }),
      ...textLines(14, y + 2 * step + 2, lines, { size, colour: "muted" }),
    );
    if (otherwise !== undefined) {
      const middle = y + height / 2;
      parts.push(
        ...arrow([boxWidth + 4, middle, exitX - 4, middle], { colour: "denied" }),
        ...textLines(exitX, middle - ((exit.length - 1) * step) / 2 + size * 0.35, exit, { size, colour: "denied" }),
      );
    }
    y += height;
    if (next === undefined) continue;
    const words = wrapText(next, size, boxWidth - 50);
    const gap = Math.max(30, words.length * step + 14);
    parts.push(
      ...arrow([28, y, 28, y + gap], { colour: "accent" }),
      ...textLines(40, y + (gap - words.length * step) / 2 + size, words, { size }),
    );
    y += gap;
  }
  return { width, height: y + 6, parts };
}
