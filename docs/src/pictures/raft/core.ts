import {
  arrow,
  box,
  type Drawing,
  lineHeight,
  type Part,
  type Picture,
  text,
  textLines,
  wrapText,
} from "@quorumguard/pictures";

/** What goes into the core and what comes out. */
export function raftCore(): Picture {
  return {
    name: "raft-core",
    title: "The core: what goes in, what comes out",
    description:
      "Ticks, messages and proposals go in. After each turn the owner takes what is ready: messages to send at once, a write for the log, " +
      "and committed entries to apply. The write and the apply carry answers: the owner hands them to the network, or back to the core, only when the write is flushed or the entries are applied.",
    wide: draw(720, 14),
    narrow: draw(328, 12),
  };
}

function draw(width: number, size: number): Drawing {
  const isWide = width > 600;
  const full = width - 8;
  const style = { titleStyle: { size }, lineStyle: { size } } as const;
  const row = (
    top: number,
    height: number,
    cells: readonly (readonly [string, string])[],
    stroke?: "leader",
  ): Part[] => {
    const gap = isWide ? 16 : 8;
    const cellWidth = (full - gap * (cells.length - 1)) / cells.length;
    return cells.flatMap(([title, says], i) =>
      box(4 + i * (cellWidth + gap), top, cellWidth, height, {
        ...style,
        title,
        lines: wrapText(says, size, cellWidth - 8),
        ...(stroke === undefined ? {} : { stroke }),
      }),
    );
  };
  const third = (i: number) => 4 + (full * (2 * i + 1)) / 6;
  const boxHeight = isWide ? 66 : 84;
  const outHeight = isWide ? 84 : 132;
  const parts: Part[] = [
    ...row(4, boxHeight, [
      ["tick", "one unit of time"],
      ["step", "a message, or an answer of disk or state machine"],
      ["propose", "entries of the leader's node"],
    ]),
  ];
  let y = 4 + boxHeight;
  for (const i of [0, 1, 2]) parts.push(...arrow([third(i), y, third(i), y + 24]));
  y += 24;
  parts.push(...row(y, isWide ? 58 : 60, [["core", "compares terms, then acts by role: pure, synchronous"]], "leader"));
  y += isWide ? 58 : 60;
  parts.push(...arrow([width / 2, y, width / 2, y + 30], { colour: "accent" }));
  parts.push(text(width / 2 + 12, y + 20, "hasReady, ready", { size, face: "mono" }));
  y += 30;
  parts.push(
    ...row(y, outHeight, [
      ["messages", "appends, heartbeats, vote requests: sent at once"],
      ["to the disk", "term, vote, entries; carries what may be said after the flush"],
      ["to apply", "committed entries; carries the report that they are applied"],
    ]),
  );
  y += outHeight;
  const back = y + 22;
  parts.push(...arrow([third(1), y, third(1), back], { colour: "allowed" }));
  parts.push(...arrow([third(2), y, third(2), back], { colour: "allowed" }));
  const words = wrapText("afterwards: answers go out, and reports come back in by step", size, full - 8);
  parts.push(...textLines(full, back + size + 4, words, { size, anchor: "end", colour: "allowed" }));
  return { width, height: back + words.length * lineHeight(size) + 14, parts };
}
