import {
  type Drawing,
  line,
  outcomeMark,
  type Part,
  type Picture,
  scaleLinear,
  span,
  text,
  textWidth,
} from "@quorumguard/pictures";
import { algorithmHeading, levelChart, timeAxis } from "./algorithm-parts.ts";
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
  const parts: Part[] = [...algorithmHeading(right, "limit 4 per 10 s", size), ...levelChart(levels, x, y, size)];
  for (let atMs = windowMs; atMs < untilMs; atMs += windowMs) {
    parts.push(line(x(atMs), top, x(atMs), axisY, { stroke: "muted", strokeWidth: 1, dash: "2 4" }));
  }
  parts.push(text(left, top - 8, counted, { size, colour: "muted" }));
  for (const { atMs, allowed } of decisions) {
    parts.push(...outcomeMark(x(atMs), callsY, allowed ? "allowed" : "denied", size * 0.3));
  }
  parts.push(...timeAxis(x, axisY, windowMs / 2, size));
  const { fromMs, admissions } = busiestWindow(decisions);
  const spanY = axisY + size * 2.6;
  parts.push(...span(x(fromMs), x(fromMs + windowMs), spanY, "accent"));
  const words = `${admissions} admitted in these 10 s`;
  parts.push(text(x(fromMs + windowMs / 2), spanY + size * 1.3, words, { size, anchor: "middle" }));
  return { width, height: spanY + size * 1.8, parts };
}
