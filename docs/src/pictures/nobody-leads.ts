import { arrow, box, type Drawing, type Part, type Picture, text, textLines } from "@quorumguard/pictures";

const causes = "no leader, deadline passed, overloaded, keys full";

/** What each value of `onUnavailable` gives, in the words of the decision's own fields. */
const answers = [
  {
    option: '"local"',
    note: "the default",
    lines: ["this client's share", "of the limit,", "kept in process"],
    facts: ['source "local"', "degraded true"],
  },
  { option: '"allow"', note: "fail open", lines: ["allowed"], facts: ['source "fail-open"', "degraded true"] },
  {
    option: '"deny"',
    note: "fail closed",
    lines: ["denied, with reason", '"unavailable"'],
    facts: ['source "fail-closed"', "degraded true"],
  },
  {
    option: '"throw"',
    note: "no decision",
    lines: ["a GuardError"],
    facts: ["says whether the call", "may have been applied"],
  },
] as const;

function wide(): Drawing {
  const parts: Part[] = [
    ...box(240, 8, 240, 40, { title: "guard.allow(key, …)", titleStyle: { face: "mono" } }),
    ...arrow([
      [360, 48],
      [360, 82],
    ]),
    ...box(190, 82, 340, 48, { title: "Does the cluster answer in time?", stroke: "accent" }),
    ...arrow(
      [
        [530, 106],
        [572, 106],
      ],
      { colour: "allowed" },
    ),
    text(551, 98, "yes", { anchor: "middle", colour: "allowed" }),
    ...box(572, 74, 140, 64, { title: "exact", lines: ['source "quorum"', 'or "leader"'], stroke: "allowed" }),
    ...arrow(
      [
        [360, 130],
        [360, 182],
      ],
      { colour: "degraded" },
    ),
    text(370, 152, `no: ${causes}`, { colour: "degraded" }),
    text(350, 152, "onUnavailable", { face: "mono", anchor: "end" }),
  ];
  answers.forEach((answer, i) => {
    const x = 8 + i * 178;
    const colour = i === 3 ? "failed" : "degraded";
    parts.push(
      ...arrow(
        [
          [360, 182],
          [x + 85, 182],
          [x + 85, 206],
        ],
        { colour: "degraded" },
      ),
    );
    parts.push(
      ...box(x, 206, 170, 132, { title: "", stroke: colour }),
      text(x + 85, 230, answer.option, { face: "mono", anchor: "middle", size: 14 }),
      text(x + 85, 248, answer.note, { anchor: "middle", colour: "muted" }),
      ...textLines(x + 85, 270, answer.lines, { anchor: "middle" }),
    );
  });
  return { width: 720, height: 360, parts };
}

/** What a caller gets when the cluster cannot answer, by `onUnavailable`. */
export function nobodyLeads(): Picture {
  return {
    name: "nobody-leads",
    title: "What a caller gets when the cluster cannot answer",
    description: "",
    wide: wide(),
  };
}
