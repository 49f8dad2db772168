import {
  type Drawing,
  line,
  outcomeMark,
  type Part,
  type Picture,
  rect,
  scaleLinear,
  text,
  textWidth,
} from "@quorumguard/pictures";
import { algorithmHeading, timeAxis } from "./algorithm-parts.ts";
import { type DrawnDecision, decide, slidingWindowLog } from "./decide.ts";

const limit = 3;
const windowMs = 10_000;
const callsAtMs = [1_000, 3_000, 5_000, 7_000, 9_500, 11_500, 12_500, 14_000, 15_500, 18_000];
/** The calls whose windows are drawn. */
const explainedAtMs = [7_000, 11_500, 12_500, 14_000];
const untilMs = 20_000;

/** Every decision of the picture, by the real limiter. */
export function slidingWindowDecisions(): readonly DrawnDecision[] {
  return decide(
    slidingWindowLog(limit, windowMs),
    callsAtMs.map((atMs) => ({ atMs })),
  ).decisions;
}

/** A limit of three in any ten seconds: which calls are admitted, and the windows that decide it. */
export function slidingWindowLogPicture(): Picture {
  const decisions = slidingWindowDecisions();
  const told = decisions.map(({ atMs, allowed }) => `${atMs / 1_000} s ${allowed ? "allowed" : "denied"}`);
  return {
    name: "sliding-window-log",
    title: "Sliding window log: at most 3 admissions in any 10 seconds",
    description: `Calls of one key, with a limit of 3 per 10 s: ${told.join(", ")}. A call is allowed when the 10 s before it hold fewer than 3 admissions; denied calls do not count.`,
    wide: draw(decisions, 720, 14),
    narrow: draw(decisions, 328, 12),
  };
}

function draw(decisions: readonly DrawnDecision[], width: number, size: number): Drawing {
  const x = scaleLinear([0, untilMs], [12, width - 12]);
  const axisY = 64;
  const rowHeight = size * 3.6;
  const parts: Part[] = [...algorithmHeading(width - 12, "limit 3 per 10 s", size), ...timeAxis(x, axisY, 5_000, size)];
  const lastRowY = axisY + 30 + explainedAtMs.length * rowHeight;
  // All lines before all words, so that no line crosses a word.
  const rows = explainedAtMs.map((atMs, row) => {
    const decision = decisions.find((one) => one.atMs === atMs)!;
    return { decision, y: axisY + 30 + row * rowHeight };
  });
  for (const { decision, y } of rows) {
    const stroke = decision.allowed ? "allowed" : "denied";
    parts.push(
      line(x(decision.atMs), axisY, x(decision.atMs), y + size * 2.7, { stroke, strokeWidth: 1, dash: "2 4" }),
    );
  }
  for (const { decision, y } of rows) parts.push(...windowRow(decisions, decision, x, y, width, size));
  for (const { atMs, allowed } of decisions) {
    parts.push(...outcomeMark(x(atMs), axisY - 12, allowed ? "allowed" : "denied", size * 0.42));
  }
  return { width, height: lastRowY + 6, parts };
}

/** The window that ends with a call: a bar as long as the window, what it holds, and what follows. */
function windowRow(
  decisions: readonly DrawnDecision[],
  { atMs, allowed }: DrawnDecision,
  x: (atMs: number) => number,
  y: number,
  width: number,
  size: number,
): Part[] {
  const held = decisions.filter((one) => one.allowed && one.atMs > atMs - windowMs && one.atMs < atMs);
  const colour = allowed ? "allowed" : "denied";
  const from = Math.max(x(0), x(atMs - windowMs));
  const barY = y + size * 1.55;
  const words = `at ${atMs / 1_000} s: ${held.length} in the 10 s before, ${allowed ? "allowed" : "denied"}`;
  const textX = Math.min(from, width - 12 - textWidth(words, size));
  return [
    text(textX, y + size * 1.1, words, { size, halo: true }),
    rect(
      from,
      barY,
      x(atMs) - from,
      size * 1.2,
      { fill: colour, fillOpacity: 0.14, stroke: colour, strokeWidth: 1 },
      4,
    ),
    ...held.flatMap((one) => outcomeMark(x(one.atMs), barY + size * 0.6, "allowed", size * 0.34)),
  ];
}
