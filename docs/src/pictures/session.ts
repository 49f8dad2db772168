import { arrow, type Drawing, line, type Part, type Picture, path, rect, text, textWidth } from "@quorumguard/pictures";

type Lane = 0 | 1 | 2;

/** One step of the story, from top to bottom: a message, or something that happens at one place. */
type Step =
  | { readonly from: Lane; readonly to: Lane; readonly says: string; readonly lost?: true }
  | { readonly at: Lane; readonly says: string; readonly dies?: true };

const lanes = ["SDK", "leader", "new leader"] as const;

const story: readonly Step[] = [
  { from: 0, to: 1, says: "calls 7 and 8" },
  { at: 1, says: "7 and 8 are charged, in the log" },
  { from: 1, to: 0, says: "answer to 7" },
  { from: 1, to: 0, says: "answer to 8, lost", lost: true },
  { at: 1, says: "kill -9", dies: true },
  { from: 0, to: 2, says: "call 8 again; 7 is acknowledged" },
  { at: 2, says: "8 has a result: no second charge" },
  { from: 2, to: 0, says: "the first answer to 8" },
  { from: 0, to: 2, says: "call 9; 8 is acknowledged" },
  { at: 2, says: "forgets the result of 8" },
];

/** How call numbers make a retry harmless: a lost reply, a new leader, the remembered answer. */
export function session(): Picture {
  return {
    name: "session",
    title: "A retry is never charged twice",
    description:
      "The SDK sends calls 7 and 8 to the leader, which charges both in the log. The answer to 7 arrives, the answer to 8 is lost, " +
      "and the leader dies. The SDK sends call 8 again, to the new leader, and acknowledges 7. The new leader finds a result for number 8 in its " +
      "state, charges nothing and gives the first answer. The next frame acknowledges 8, and the cluster forgets its result.",
    wide: draw({ width: 720, size: 14, laneX: [90, 330, 590] }),
    narrow: draw({ width: 328, size: 12, laneX: [20, 140, 270] }),
  };
}

interface Layout {
  readonly width: number;
  readonly size: number;
  readonly laneX: readonly [number, number, number];
}

const top = 40;

function draw(layout: Layout): Drawing {
  const { width, size, laneX } = layout;
  const step = size * 3;
  const y = (row: number) => top + (row + 1) * step - 6;
  const height = y(story.length - 1) + size * 2.2;
  const crashY = y(story.findIndex((one) => "at" in one && one.dies === true));

  const parts: Part[] = [
    line(laneX[0], 30, laneX[0], height - 6, { stroke: "muted" }),
    line(laneX[1], 30, laneX[1], crashY, { stroke: "leader", strokeWidth: 2 }),
    line(laneX[2], 30, laneX[2], crashY + 8, { stroke: "follower", dash: "2 5" }),
    line(laneX[2], crashY + 8, laneX[2], height - 6, { stroke: "leader", strokeWidth: 2 }),
    ...lanes.map((name, lane) =>
      text(inside(laneX[lane]!, name, layout), 20, name, {
        size,
        anchor: "middle",
        face: "bold",
        colour: lane === 0 ? "muted" : "leader",
      }),
    ),
  ];
  story.forEach((one, row) => {
    parts.push(...("at" in one ? event(one, y(row), layout) : message(one, y(row), layout)));
  });
  return { width, height, parts };
}

/** The middle of words, moved so far that they stay inside, with room for a box around them. */
function inside(middle: number, words: string, { width, size }: Layout): number {
  const half = textWidth(words, size, "bold") / 2 + 10;
  return Math.min(Math.max(middle, Math.min(half, width / 2)), Math.max(width - half, width / 2));
}

function event(one: Extract<Step, { at: Lane }>, y: number, layout: Layout): Part[] {
  const { size, laneX } = layout;
  const x = laneX[one.at];
  if (one.dies === true) {
    return [...cross(x, y, 7), text(x + 14, y + size * 0.35, one.says, { size, face: "mono", colour: "failed" })];
  }
  const half = textWidth(one.says, size) / 2 + 8;
  const middle = inside(x, one.says, layout);
  return [
    rect(middle - half, y - size * 1.05, half * 2, size * 2.1, { fill: "surface", stroke: "line" }, 6),
    text(middle, y + size * 0.35, one.says, { size, anchor: "middle" }),
  ];
}

function message(one: Extract<Step, { from: Lane }>, y: number, layout: Layout): Part[] {
  const { size, laneX } = layout;
  const [from, to] = [laneX[one.from], laneX[one.to]];
  const middle = inside((from + to) / 2, one.says, layout);
  if (one.lost === true) {
    const end = from + (to - from) * 0.6;
    return [
      line(from, y, end, y, { stroke: "failed", dash: "4 3" }),
      ...cross(end, y, 5),
      text(middle, y - 10, one.says, { size, anchor: "middle", colour: "failed", halo: true }),
    ];
  }
  const label = text(middle, y - 7, one.says, { size, anchor: "middle", halo: true });
  return [...arrow([from, y, to, y], { colour: "accent" }), label];
}

function cross(x: number, y: number, arm: number): Part[] {
  const data = `M${x - arm} ${y - arm}L${x + arm} ${y + arm}M${x + arm} ${y - arm}L${x - arm} ${y + arm}`;
  return [path(data, { stroke: "failed", strokeWidth: 2.5 })];
}
