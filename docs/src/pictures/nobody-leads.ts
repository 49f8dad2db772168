import {
  arrow,
  box,
  type Drawing,
  lineHeight,
  type Part,
  type Picture,
  path,
  rect,
  text,
  textLines,
  wrapText,
} from "@quorumguard/pictures";

/** What each value of `onUnavailable` gives, in the words of the decision's own fields. */
const answers = [
  {
    option: '"local" (default)',
    gives: "decided in this process, by a count of its own",
    wide: ["decided in this", "process, by a", "count of its own"],
    fact: 'source "local"',
  },
  {
    option: '"allow"',
    gives: "allowed",
    wide: ["allowed"],
    fact: 'source "fail-open"',
  },
  {
    option: '"deny"',
    gives: 'denied, reason "unavailable"',
    wide: ["denied, with reason", '"unavailable"'],
    fact: 'source "fail-closed"',
  },
  {
    option: '"throw"',
    gives: "a GuardError that says whether the call may have been applied",
    wide: ["a GuardError that", "says whether the", "call may have", "been applied"],
    fact: "",
  },
] as const;

/** What a caller gets when the cluster cannot answer, by `onUnavailable`. */
export function nobodyLeads(): Picture {
  const told = answers.map(
    ({ option, gives, fact }) => `${option}: ${gives}${fact === "" ? "" : `, ${fact}, degraded`}`,
  );
  return {
    name: "nobody-leads",
    title: "What a caller gets when the cluster cannot answer",
    description: `If the cluster answers in time, the decision is exact, with source "quorum" or "leader". If it has no leader, the deadline passes, the node is overloaded or its key table is full, onUnavailable decides. ${told.join(". ")}.`,
    wide: wide(),
    narrow: narrow(),
  };
}

function wide(): Drawing {
  const parts: Part[] = [
    ...box(8, 36, 168, 44, { title: "guard.allow(…)", titleStyle: { face: "mono" } }),
    ...arrow([176, 58, 212, 58]),
    ...box(212, 30, 292, 56, { title: "Does the cluster answer in time?", stroke: "accent" }),
    ...arrow([504, 58, 564, 58], { colour: "allowed" }),
    text(532, 50, "yes", { anchor: "middle", colour: "allowed", face: "bold" }),
    ...box(564, 22, 148, 72, { title: "exact", lines: ['source "quorum"', 'or "leader"'], stroke: "allowed" }),
    text(370, 110, "no", { colour: "degraded", face: "bold" }),
    text(370, 130, "no leader, deadline passed, overloaded, keys full", { colour: "muted" }),
    text(350, 130, "onUnavailable", { face: "mono", anchor: "end" }),
  ];
  answers.forEach(({ option, wide: gives, fact }, i) => {
    const x = 8 + i * 179;
    const colour = fact === "" ? "failed" : "degraded";
    const to = [360, 86, 360, 148, x + 84, 148, x + 84, 172] as const;
    parts.push(
      ...arrow(to, { colour: "degraded" }),
      rect(x, 172, 167, 136, { fill: "surface", stroke: colour }, 8),
      text(x + 84, 196, option, { face: "mono", anchor: "middle" }),
      ...textLines(x + 84, 220, gives, { anchor: "middle" }),
    );
    if (fact !== "")
      parts.push(...textLines(x + 84, 280, [fact, "degraded true"], { anchor: "middle", colour: "muted" }));
  });
  return { width: 720, height: 316, parts };
}

function narrow(): Drawing {
  const size = 12;
  const parts: Part[] = [
    ...box(84, 6, 160, 36, { title: "guard.allow(…)", titleStyle: { face: "mono", size } }),
    ...arrow([164, 42, 164, 64]),
    ...box(34, 64, 260, 36, { title: "Does the cluster answer in time?", stroke: "accent", titleStyle: { size } }),
    ...arrow([110, 100, 110, 134], { colour: "allowed" }),
    text(102, 120, "yes", { anchor: "end", size, colour: "allowed", face: "bold" }),
    ...box(12, 134, 148, 58, {
      title: "exact",
      lines: ['source "quorum"', 'or "leader"'],
      stroke: "allowed",
      titleStyle: { size },
      lineStyle: { size },
    }),
    text(248, 120, "no", { size, colour: "degraded", face: "bold" }),
    ...textLines(176, 150, ["no leader, deadline", "passed, overloaded,", "keys full"], { size, colour: "muted" }),
    text(20, 216, "onUnavailable", { size, face: "mono" }),
  ];
  const trunk = 318;
  let y = 226;
  let lastY = y;
  for (const { option, gives, fact } of answers) {
    const gained = wrapText(gives, size, 268);
    const lines = [
      ...gained.map((words) => ({ words, colour: "ink" as const })),
      ...(fact === "" ? [] : [{ words: `${fact}, degraded true`, colour: "muted" as const }]),
    ];
    const height = 30 + lines.length * lineHeight(size);
    lastY = y + height / 2;
    parts.push(
      ...arrow([trunk, lastY, 296, lastY], { colour: "degraded" }),
      rect(8, y, 288, height, { fill: "surface", stroke: fact === "" ? "failed" : "degraded" }, 8),
      text(20, y + 20, option, { size, face: "mono" }),
      ...lines.map(({ words, colour }, i) => text(20, y + 37 + i * lineHeight(size), words, { size, colour })),
    );
    y += height + 10;
  }
  parts.push(path(`M240 100V110H${trunk}V${lastY}`, { stroke: "degraded" }));
  return { width: 328, height: y, parts };
}
