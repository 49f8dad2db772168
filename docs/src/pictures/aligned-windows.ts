import {
  areaPath,
  type Drawing,
  legend,
  line,
  linePath,
  outcomeMark,
  type Part,
  type Picture,
  path,
  scaleLinear,
  span,
  text,
  textWidth,
} from "@quorumguard/pictures";
import { type DrawnDecision, type DrawnLevel, decide, fixedWindow, slidingWindowCounter } from "./decide.ts";

const limit = 4;
const windowMs = 10_000;
const untilMs = 30_000;
/** The same for both algorithms, so that their pictures can be compared. */
const callsAtMs = [
  7_000, 7_500, 8_000, 8_500, 9_000, 10_500, 11_000, 11_500, 12_000, 13_000, 15_500, 17_000, 18_500, 21_000, 23_000,
  26_000,
];

/** Decisions and counts of both pictures, by the real limiter. */
export function alignedWindowsStory(algorithm: "fixed-window" | "sliding-window-counter") {
  const rule = (algorithm === "fixed-window" ? fixedWindow : slidingWindowCounter)(limit, windowMs);
  const samples = Array.from({ length: untilMs / 100 + 1 }, (_, i) => i * 100);
  return decide(
    rule,
    callsAtMs.map((atMs) => ({ atMs })),
    samples,
  );
}

/** The window of that length with the most admissions: where it begins, and how many. */
export function busiestWindow(decisions: readonly DrawnDecision[]) {
  const admitted = decisions.filter((one) => one.allowed).map((one) => one.atMs);
  const windows = admitted.map((fromMs) => ({
    fromMs,
    admissions: admitted.filter((atMs) => atMs >= fromMs && atMs < fromMs + windowMs).length,
  }));
  return windows.reduce((most, one) => (one.admissions > most.admissions ? one : most));
}

/** Four in each window of ten seconds: eight around a boundary. */
export function fixedWindowPicture(): Picture {
  return picture("fixed-window", "Fixed windows: 4 in each 10 seconds", "what counts in the window");
}

/** The same calls, held to an estimate of what the last ten seconds held. */
export function slidingWindowCounterPicture(): Picture {
  return picture("sliding-window-counter", "Sliding window counter: an estimate of 4 in 10 seconds", "the estimate");
}

function picture(name: "fixed-window" | "sliding-window-counter", title: string, counted: string): Picture {
  const { decisions, levels } = alignedWindowsStory(name);
  const told = decisions.map(({ atMs, allowed }) => `${atMs / 1_000} s ${allowed ? "allowed" : "denied"}`);
  const { fromMs, admissions } = busiestWindow(decisions);
  return {
    name,
    title,
    description: `Windows begin at 0, 10 and 20 s. Calls of one key: ${told.join(", ")}. In the 10 s from ${fromMs / 1_000} s on, ${admissions} are admitted.`,
    wide: draw(decisions, levels, counted, 720, 14),
    narrow: draw(decisions, levels, counted, 328, 12),
  };
}

function draw(
  decisions: readonly DrawnDecision[],
  levels: readonly DrawnLevel[],
  counted: string,
  width: number,
  size: number,
): Drawing {
  const left = 12 + textWidth("4", size) + 8;
  const right = width - 14;
  const top = 20 + size * 2.4;
  const bottom = top + 96;
  const callsY = bottom + size * 1.3;
  const axisY = callsY + size * 1.1;
  const x = scaleLinear([0, untilMs], [left, right]);
  const y = scaleLinear([0, limit], [bottom, top]);
  const points = levels.map(({ atMs, level }) => [x(atMs), y(level)] as const);
  const muted = { size, colour: "muted" } as const;
  const parts: Part[] = [
    ...legend(
      12,
      20,
      [
        ["allowed", "allowed"],
        ["denied", "denied"],
      ],
      size,
    ),
    text(right, 20, "limit 4 per 10 s", { ...muted, anchor: "end" }),
  ];
  for (let count = 0; count <= limit; count += 1) {
    parts.push(line(left, y(count), right, y(count), { strokeWidth: 1 }));
    parts.push(text(left - 8, y(count) + size * 0.35, String(count), { ...muted, anchor: "end" }));
  }
  parts.push(path(areaPath(points, bottom), { fill: "accent", fillOpacity: 0.14 }));
  parts.push(path(linePath(points), { stroke: "accent", strokeWidth: 2 }));
  for (let atMs = windowMs; atMs < untilMs; atMs += windowMs) {
    parts.push(line(x(atMs), top, x(atMs), axisY, { stroke: "muted", strokeWidth: 1, dash: "2 4" }));
  }
  parts.push(text(left, top - 8, counted, muted));
  for (const { atMs, allowed } of decisions) {
    parts.push(...outcomeMark(x(atMs), callsY, allowed ? "allowed" : "denied", size * 0.3));
  }
  parts.push(line(left, axisY, right, axisY, { stroke: "muted" }));
  for (let tick = 0; tick <= untilMs; tick += windowMs / 2) {
    const anchor = tick === untilMs ? "end" : tick === 0 ? "start" : "middle";
    parts.push(line(x(tick), axisY, x(tick), axisY + 5, { stroke: "muted", strokeWidth: 1 }));
    parts.push(text(x(tick), axisY + 6 + size, `${tick / 1_000} s`, { ...muted, anchor }));
  }
  const { fromMs, admissions } = busiestWindow(decisions);
  const spanY = axisY + size * 2.6;
  parts.push(...span(x(fromMs), x(fromMs + windowMs), spanY, "accent"));
  const words = `${admissions} admitted in these 10 s`;
  parts.push(text(x(fromMs + windowMs / 2), spanY + size * 1.3, words, { size, anchor: "middle" }));
  return { width, height: spanY + size * 1.8, parts };
}
