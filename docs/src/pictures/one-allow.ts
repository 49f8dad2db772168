import { arrow, box, type Drawing, type Part, type Picture, rect, text, textLines } from "@quorumguard/pictures";

/** How one `allow` travels from the caller to its answer. */
export function oneAllow(): Picture {
  return {
    name: "one-allow",
    title: "How one allow travels",
    description:
      "The SDK numbers the call and puts the calls of one event-loop turn into one frame on the Session stream to the leader. " +
      "The leader makes all calls of a turn, from all connections, one log entry, replicates it to the followers while it " +
      "flushes it itself, commits when a majority has flushed, applies the entry, which decides, and answers each stream with one reply frame. " +
      "A sure denial of a first attempt may be answered from the applied state without the log.",
    wide: wide(),
    narrow: narrow(),
  };
}

function wide(): Drawing {
  const leader = { stroke: "leader" } as const;
  const parts: Part[] = [
    rect(206, 30, 506, 416, { stroke: "leader", dash: "6 5" }, 12),
    text(220, 20, "the leader", { colour: "leader", face: "bold" }),
    text(8, 20, "your process", { colour: "muted", face: "bold" }),
    ...box(8, 46, 160, 58, { title: "guard.allow(…)", titleStyle: { face: "mono" }, lines: ["gets a number"] }),
    ...arrow([88, 104, 88, 144]),
    ...box(8, 144, 160, 76, { title: "frame", lines: ["all calls of one", "event-loop turn"] }),
    ...arrow([168, 182, 226, 182], { colour: "accent" }),
    ...textLines(8, 246, ["Session stream:", "one per node, the", "leader's is used"], { colour: "muted" }),
    ...box(226, 153, 212, 58, { title: "sure to be denied?", lines: ["asked of applied state"], dash: "5 4" }),
    ...arrow([332, 153, 332, 75, 168, 75], { colour: "denied", dash: "4 3" }),
    ...textLines(342, 96, ["denied at once,", "without the log"], { colour: "denied" }),
    ...arrow([332, 211, 332, 250]),
    ...box(226, 250, 212, 76, {
      title: "one log entry",
      lines: ["all calls of the turn,", "from all connections"],
      ...leader,
    }),
    ...arrow([438, 276, 492, 222]),
    ...arrow([438, 296, 492, 296]),
    ...box(492, 193, 196, 58, { title: "replicate", lines: ["followers flush it"], stroke: "follower" }),
    ...box(492, 267, 196, 58, { title: "append and flush", lines: ["one flush in flight"], ...leader }),
    text(590, 182, "at the same time", { anchor: "middle", colour: "muted" }),
    ...arrow([590, 325, 590, 368]),
    ...arrow([688, 222, 700, 222, 700, 397, 688, 397]),
    ...box(492, 368, 196, 58, { title: "commit", lines: ["a majority has flushed"], ...leader }),
    ...arrow([492, 397, 438, 397]),
    ...box(226, 368, 212, 58, { title: "apply: the decision", lines: ["on every node alike"], ...leader }),
    ...arrow([226, 397, 168, 397], { colour: "accent" }),
    ...box(8, 368, 160, 58, { title: "one reply frame", lines: ["log index, stamp"] }),
  ];
  return { width: 720, height: 454, parts };
}

/** Top to bottom; the two things that happen at the same time stand side by side. */
function narrow(): Drawing {
  const size = 12;
  const style = { titleStyle: { size }, lineStyle: { size } } as const;
  const down = (x: number, y: number): Part[] => arrow([x, y, x, y + 20]);
  const parts: Part[] = [
    text(12, 16, "your process", { size, colour: "muted", face: "bold" }),
    ...box(12, 24, 304, 44, {
      ...style,
      title: "guard.allow(…)",
      titleStyle: { size, face: "mono" },
      lines: ["gets a number"],
    }),
    ...down(164, 68),
    ...box(12, 88, 304, 44, { ...style, title: "frame", lines: ["all calls of one event-loop turn"] }),
    ...arrow([164, 132, 164, 184], { colour: "accent" }),
    text(174, 148, "Session stream", { size, colour: "muted" }),
    rect(4, 160, 320, 334, { stroke: "leader", dash: "6 5" }, 10),
    text(12, 176, "the leader", { size, colour: "leader", face: "bold" }),
    ...box(40, 184, 248, 48, {
      ...style,
      title: "sure to be denied? then answer",
      lines: ["from applied state, without the log"],
      dash: "5 4",
    }),
    ...down(164, 232),
    ...box(40, 252, 248, 60, {
      ...style,
      title: "one log entry",
      lines: ["all calls of the turn,", "from all connections"],
      stroke: "leader",
    }),
    ...down(90, 312),
    ...down(238, 312),
    ...box(16, 332, 142, 44, { ...style, title: "replicate", lines: ["followers flush"], stroke: "follower" }),
    ...box(170, 332, 142, 44, { ...style, title: "append", lines: ["and flush"], stroke: "leader" }),
    ...down(90, 376),
    ...down(238, 376),
    ...box(16, 396, 296, 36, { ...style, title: "commit: a majority has flushed", stroke: "leader" }),
    ...down(164, 432),
    ...box(16, 452, 296, 36, {
      ...style,
      title: "apply: the decision, on every node alike",
      titleStyle: { size, face: "regular" },
      stroke: "leader",
    }),
    ...arrow([164, 488, 164, 516], { colour: "accent" }),
    ...box(12, 516, 304, 44, { ...style, title: "one reply frame", lines: ["decisions, log index, stamp"] }),
  ];
  return { width: 328, height: 566, parts };
}
