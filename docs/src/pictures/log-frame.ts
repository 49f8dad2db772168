import {
  type Colour,
  type Drawing,
  type Part,
  type Picture,
  rect,
  scaleLinear,
  text,
  textLines,
  textWidth,
  wrapText,
} from "@quorumguard/pictures";
import { entryHeader, frameHeader, type LogField, sectorBytes, segmentHeader } from "./log-layout.ts";

const rowHeight = 30;

/** The bytes of the log: a segment, the header of a frame, and its body. */
export function logFrame(): Picture {
  return {
    name: "log-frame",
    title: "The log on disk",
    description:
      `A segment is one header sector of ${sectorBytes} bytes, then frames, then zeros that were written before the segment came into use. ` +
      `A frame starts on a sector and is padded with zeros to whole sectors; one flush writes one frame. Its header has ${bytesOf(frameHeader)} bytes: ` +
      `${frameHeader.map((field) => `${field.name} ${field.bytes}`).join(", ")}. The body has a header of ${bytesOf(entryHeader)} bytes per entry, then the data of every entry.`,
    wide: draw(720, 16),
    narrow: draw(328, 8),
  };
}

function bytesOf(fields: readonly LogField[]): number {
  return fields.reduce((sum, { bytes }) => sum + bytes, 0);
}

function draw(width: number, bytesPerRow: number): Drawing {
  const size = bytesPerRow === 16 ? 14 : 12;
  const parts: Part[] = [];
  let y = heading(parts, size, 18, "a segment", width);
  y = segmentStrip(parts, y, width, size) + 26;
  y = heading(parts, size, y, `frame header, ${bytesOf(frameHeader)} bytes, ${bytesPerRow} per row`, width);
  y = byteRows(parts, frameHeader, y, width, bytesPerRow, size, "accent") + 26;
  y = heading(parts, size, y, `per entry, ${bytesOf(entryHeader)} bytes; then the data of every entry`, width);
  y = byteRows(parts, entryHeader, y, width, bytesPerRow, size, "allowed") + 26;
  y = heading(parts, size, y, `segment header, ${bytesOf(segmentHeader)} bytes in a sector of ${sectorBytes}`, width);
  y = byteRows(parts, segmentHeader, y, width, bytesPerRow, size, "muted");
  return { width, height: y + 8, parts };
}

/** Returns the y below it. */
function heading(parts: Part[], size: number, y: number, words: string, width: number): number {
  const lines = wrapText(words, size, width - 8, "bold");
  parts.push(...textLines(4, y, lines, { size, face: "bold" }));
  return y + (lines.length - 1) * size * 1.35 + 10;
}

function segmentStrip(parts: Part[], y: number, width: number, size: number): number {
  const blocks = [
    { words: "header", share: 1, colour: "muted" },
    { words: "frame 1", share: 1.2, colour: "accent" },
    { words: "frame 2", share: 1.7, colour: "accent" },
    { words: "…", share: 0.5, colour: "accent" },
    { words: "zeros", share: 1.4, colour: "line" },
  ] as const satisfies readonly { words: string; share: number; colour: Colour }[];
  const x = scaleLinear([0, blocks.reduce((sum, { share }) => sum + share, 0)], [4, width - 4]);
  let at = 0;
  for (const { words, share, colour } of blocks) {
    parts.push(...cell(x(at), y, x(at + share) - x(at), words, size, colour, colour === "line" ? "4 3" : undefined));
    at += share;
  }
  parts.push(
    ...textLines(
      4,
      y + rowHeight + 18,
      wrapText("one flush writes one frame, padded to whole sectors", size, width - 8),
      { size, colour: "muted" },
    ),
  );
  return (
    y +
    rowHeight +
    18 +
    (textWidth("one flush writes one frame, padded to whole sectors", size) > width - 8 ? size * 1.35 : 0)
  );
}

/** Fields in rows of so many bytes; a field never spans more rows than it fills. */
function byteRows(
  parts: Part[],
  fields: readonly LogField[],
  y: number,
  width: number,
  bytesPerRow: number,
  size: number,
  colour: Colour,
): number {
  const x = scaleLinear([0, bytesPerRow], [4, width - 4]);
  let offset = 0;
  for (const { name, short = name, bytes } of fields) {
    let rest = bytes;
    while (rest > 0) {
      const column = offset % bytesPerRow;
      const piece = Math.min(rest, bytesPerRow - column);
      const cellWidth = x(column + piece) - x(column);
      const words = rest < bytes ? `… ${name}` : textWidth(name, size) < cellWidth - 6 ? name : short;
      parts.push(...cell(x(column), y + Math.floor(offset / bytesPerRow) * rowHeight, cellWidth, words, size, colour));
      offset += piece;
      rest -= piece;
    }
  }
  return y + Math.ceil(offset / bytesPerRow) * rowHeight;
}

function cell(x: number, y: number, width: number, words: string, size: number, colour: Colour, dash?: string): Part[] {
  return [
    rect(x, y, width, rowHeight, { fill: colour, fillOpacity: 0.1, stroke: colour, strokeWidth: 1, dash }),
    text(x + width / 2, y + rowHeight / 2 + size * 0.35, words, { size, anchor: "middle" }),
  ];
}
