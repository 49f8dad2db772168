import {
  arrow,
  type Drawing,
  line,
  type Part,
  type Picture,
  rect,
  text,
  textLines,
  wrapText,
} from "@quorumguard/pictures";

const phases = [
  { name: "old", says: "a majority of 1 2 3", voters: "1 2 3" },
  {
    name: "joint",
    says: "a majority of 1 2 3 and a majority of 1 2 4, for elections and for commits",
    voters: "1 2 3 + 1 2 4",
  },
  { name: "new", says: "a majority of 1 2 4", voters: "1 2 4" },
] as const;

/** How several members change at once without two majorities that do not meet. */
export function raftJoint(): Picture {
  return {
    name: "raft-joint",
    title: "Joint consensus: node 4 replaces node 3",
    description:
      "While the old membership rules, a majority of nodes 1, 2 and 3 decides. When the change is applied, decisions need a majority of 1, 2 and 3 as well as one of 1, 2 and 4. " +
      "When the entry that leaves the joint membership is applied, a majority of 1, 2 and 4 decides. At no time could two majorities decide without a node in common.",
    wide: draw(720, 14),
    narrow: draw(328, 12),
  };
}

function draw(width: number, size: number): Drawing {
  const step = Math.round(size * 1.35);
  const parts: Part[] = [];
  let y = 8;
  const left = width > 600 ? 170 : 92;
  phases.forEach(({ name, says, voters }, i) => {
    const lines = wrapText(says, size, width - left - 16);
    const height = (lines.length + 1) * step + 18;
    parts.push(
      rect(left, y, width - left - 4, height, { fill: "surface", stroke: i === 1 ? "accent" : "line" }, 8),
      text(left + 10, y + step + 2, voters, { size, face: "bold" }),
      ...textLines(left + 10, y + 2 * step + 2, lines, { size, colour: "muted" }),
      text(4, y + height / 2 + size * 0.35, name, { size, face: "bold", colour: i === 1 ? "accent" : "ink" }),
    );
    y += height;
    const entry = ["the change is applied", "leaving is applied"][i];
    if (entry === undefined) return;
    const gap = step + 22;
    parts.push(
      line(4, y + gap / 2, left - 12, y + gap / 2, { stroke: "line", dash: "3 3" }),
      ...arrow([left + 24, y, left + 24, y + gap], { colour: "accent" }),
      text(left + 36, y + gap / 2 + size * 0.35, entry, { size }),
    );
    y += gap;
  });
  return { width, height: y + 6, parts };
}
