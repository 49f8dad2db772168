import type { Drawing, RectPart, TextPart } from "./drawing.ts";
import { textWidth } from "./text-metrics.ts";

/** Where a text is, at most: from its ascenders to its descenders. */
interface TextBox {
  readonly content: string;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** The smallest text that a drawing may have: drawings are shown at about the size that they are made for. */
const smallestText = 12;

/**
 * What a reader would stumble over: text that leaves the drawing or its box, lies on other text, or is too small. Empty
 * is good. A box is a rectangle that is filled with `surface`.
 * Widths are upper bounds over the fonts that readers may have.
 */
export function findLayoutProblems(drawing: Drawing): string[] {
  const problems: string[] = [];
  const boxes: TextBox[] = [];
  const panels = drawing.parts.filter((part) => part.kind === "rect" && part.fill === "surface") as RectPart[];
  for (const part of drawing.parts) {
    if (part.kind !== "text") continue;
    if (part.size < smallestText) problems.push(`"${part.content}" has size ${part.size}, below ${smallestText}`);
    const box = boxOf(part);
    const { left, right, top, bottom, content } = box;
    if (left < 0 || top < 0 || right > drawing.width || bottom > drawing.height) {
      problems.push(
        `"${content}" leaves the drawing of ${drawing.width} × ${drawing.height}: ${[left, top, right, bottom].map(Math.round).join(", ")}`,
      );
    }
    const panel = panels.find(
      ({ x, y, width, height }) => isBetween(part.x, x, x + width) && isBetween(part.y, y, y + height),
    );
    if (panel !== undefined && (left < panel.x + 2 || right > panel.x + panel.width - 2)) {
      problems.push(`"${content}" is wider than its box`);
    }
    for (const other of boxes) {
      if (left < other.right && other.left < right && top < other.bottom && other.top < bottom) {
        problems.push(`"${content}" lies on "${other.content}"`);
      }
    }
    boxes.push(box);
  }
  return problems;
}

function boxOf({ x, y, content, size, anchor, face }: TextPart): TextBox {
  const width = textWidth(content, size, face);
  const left = anchor === "start" ? x : anchor === "middle" ? x - width / 2 : x - width;
  return { content, left, right: left + width, top: y - size * 0.76, bottom: y + size * 0.22 };
}

function isBetween(value: number, from: number, to: number): boolean {
  return value > from && value < to;
}
