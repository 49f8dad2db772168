import {
  type Colour,
  type Drawing,
  line,
  type Part,
  type Picture,
  rect,
  text,
  textLines,
  wrapText,
} from "@quorumguard/pictures";

/** From the oldest entry to the newest: what has become of each stretch of the log. */
const stretches: readonly {
  readonly name: string;
  readonly says: string;
  readonly colour: Colour;
  readonly entries: number;
}[] = [
  { name: "compacted", says: "only in the snapshot", colour: "muted", entries: 3 },
  { name: "applied", says: "the state machine reported it done", colour: "allowed", entries: 4 },
  { name: "applying", says: "handed to the state machine", colour: "allowed", entries: 2 },
  { name: "committed", says: "a majority has flushed it", colour: "accent", entries: 2 },
  { name: "stable", says: "flushed here", colour: "follower", entries: 3 },
  { name: "in progress", says: "handed to the disk", colour: "degraded", entries: 2 },
  { name: "unstable", says: "in memory only", colour: "denied", entries: 2 },
];

/** The indexes that divide a log. */
export function raftCursors(): Picture {
  return {
    name: "raft-cursors",
    title: "The indexes that divide a log",
    description:
      "From the oldest entry on: compacted into the snapshot; applied; handed to the state machine; committed; flushed here; handed to the disk; in memory only. " +
      "Applied is at most applying, applying at most committed, committed at most the last index.",
    wide: draw(720, 14),
    narrow: draw(328, 12),
  };
}

function draw(width: number, size: number): Drawing {
  const total = stretches.reduce((sum, one) => sum + one.entries, 0);
  const cell = (width - 8) / total;
  const [top, cellHeight, step] = [6, 26, Math.round(size * 1.9)];
  const parts: Part[] = [];
  let x = 4;
  let y = top + cellHeight + step + 4;
  const nameX = Math.round(width * 0.06) + 8;
  const saysX = nameX + size * 7;
  for (const { name, says, colour, entries } of stretches) {
    for (let i = 0; i < entries; i++) {
      parts.push(
        rect(
          x + i * cell + 1,
          top,
          cell - 2,
          cellHeight,
          { fill: colour, fillOpacity: name === "compacted" ? 0.15 : 0.45, stroke: colour },
          3,
        ),
      );
    }
    const words = wrapText(says, size, width - saysX - 4);
    parts.push(rect(nameX - 16, y - size * 0.8, 10, 10, { fill: colour, fillOpacity: 0.45, stroke: colour }, 2));
    parts.push(text(nameX, y, name, { size, face: "bold" }), ...textLines(saysX, y, words, { size, colour: "muted" }));
    y += step + (words.length - 1) * Math.round(size * 1.35);
    x += entries * cell;
  }
  parts.push(line(4, top + cellHeight + 6, width - 4, top + cellHeight + 6, { stroke: "line" }));
  return { width, height: y, parts };
}
