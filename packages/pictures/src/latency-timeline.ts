import { type ScaleContinuousNumeric, scaleLinear } from "d3-scale";
import { type AnswerGap, longestGap, type TimelineCall } from "./call-timeline.ts";
import { type Drawing, line, lineHeight, type Part, type Picture, rect, text, textLines } from "./drawing.ts";
import { legend, legendEntryWidth, type Outcome, outcomeMarks, outcomes } from "./outcome-marks.ts";
import { span } from "./shapes.ts";
import { textWidth, wrapText } from "./text-metrics.ts";

/** A timeline of calls around the moment in which a leader was killed. */
export interface LatencyTimelineOptions {
  /** Kebab-case; default `failover`. */
  readonly name?: string;
  /** Above the plot, and the picture's title. */
  readonly title: string;
  /** In the corner, where there is room. */
  readonly note?: string;
  readonly calls: readonly TimelineCall[];
}

interface Layout {
  readonly width: number;
  readonly height: number;
  readonly size: number;
  readonly radius: number;
}

/** Both have the proportions 36 : 23, so that a file can hold them. */
const wideLayout: Layout = { width: 720, height: 460, size: 14, radius: 2.6 };
const narrowLayout: Layout = { width: 328, height: 210, size: 12, radius: 1.6 };

/** The outcomes that a promise is about: they are counted in the legend even if there are none. */
const alwaysTold: readonly Outcome[] = ["allowed", "degraded", "failed"];

/**
 * Latency per call over the time at which the call was due, around a kill. The gap is computed from the very calls that
 * are drawn. @throws {Error} as `longestGap`.
 */
export function latencyTimeline(options: LatencyTimelineOptions): Picture {
  const gap = longestGap(options.calls);
  const count = (outcome: Outcome) => options.calls.filter((call) => call.outcome === outcome).length;
  const told = outcomes.filter((outcome) => alwaysTold.includes(outcome) || count(outcome) > 0);
  const entries = told.map((outcome) => [outcome, `${count(outcome)} ${outcome}`] as const);
  const draw = (layout: Layout) => drawTimeline(options, gap, entries, layout);
  return {
    name: options.name ?? "failover",
    title: options.title,
    description:
      `Latency of ${options.calls.length} calls around the kill of the leader. For ${gap.gapMs} ms no call was answered; ` +
      `${entries.map(([, words]) => words).join(", ")}.`,
    wide: draw(wideLayout),
    narrow: draw(narrowLayout),
  };
}

function drawTimeline(
  { title, calls, note = "" }: LatencyTimelineOptions,
  gap: AnswerGap,
  entries: readonly LegendEntry[],
  { width, height, size, radius }: Layout,
): Drawing {
  const heading = wrapText(title, size + 1, width - size * 2, "bold");
  const rows = legendRows(entries, size, width - size);
  const slowest = Math.max(10, ...calls.map((call) => call.latencyMs)) * 1.1;
  const frame = {
    left: textWidth(`${Math.ceil(slowest)} ms`, size) + size,
    right: width - size,
    top: heading.length * lineHeight(size + 1) + size * 2.8,
    bottom: height - size * (2.2 + 1.35 * rows.length),
  };
  const starts = calls.map((call) => call.startedAtMs);
  const x = scaleLinear([Math.min(...starts), Math.max(...starts)], [frame.left, frame.right]);
  // Linear: calls that wait for the same moment lie on a straight line, and the usual latency is as small as it is.
  const y = scaleLinear([0, slowest], [frame.bottom, frame.top]);

  const band = rect(x(gap.fromMs), frame.top, x(gap.toMs) - x(gap.fromMs), frame.bottom - frame.top, {
    fill: "accent",
    fillOpacity: 0.12,
  });
  const footLine = height - size * 0.7;
  const noteFits = rows.length === 1 && size + rowWidth(entries, size) + textWidth(note, size) < frame.right;
  return {
    width,
    height,
    parts: [
      ...textLines(size, size * 1.7, heading, { size: size + 1, face: "bold" }),
      band,
      ...axes(x, y, frame, size),
      line(x(0), frame.top - 4, x(0), frame.bottom, { stroke: "failed", dash: "4 3" }),
      ...marks(calls, x, y, radius),
      ...annotations(gap, x, frame, size),
      ...rows.flatMap((row, i) => legend(size, footLine - (rows.length - 1 - i) * size * 1.35, row, size)),
      ...(note !== "" && noteFits ? [text(frame.right, footLine, note, { size, colour: "muted", anchor: "end" })] : []),
    ],
  };
}

type LegendEntry = readonly [Outcome, string];

/** One row, or two where one has no room. */
function legendRows(entries: readonly LegendEntry[], size: number, width: number): readonly (readonly LegendEntry[])[] {
  if (rowWidth(entries, size) <= width - size) return [entries];
  const half = Math.ceil(entries.length / 2);
  return [entries.slice(0, half), entries.slice(half)];
}

function rowWidth(entries: readonly LegendEntry[], size: number): number {
  return entries.reduce((sum, [, words]) => sum + legendEntryWidth(words, size), 0);
}

interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

type TimeScale = ScaleContinuousNumeric<number, number>;

/** Every tick has its unit, so that no axis needs a title. */
function axes(x: TimeScale, y: TimeScale, { left, right, bottom }: Frame, size: number): Part[] {
  const parts: Part[] = [];
  const muted = { size, colour: "muted" } as const;
  for (const tick of y.ticks(Math.round((y(0) - y.range()[1]!) / 70) + 1)) {
    if (tick === 0) continue;
    parts.push(line(left, y(tick), right, y(tick), { strokeWidth: 1 }));
    parts.push(text(left - 6, y(tick) + size * 0.35, `${tick} ms`, { ...muted, anchor: "end" }));
  }
  for (const tick of timeTicks(x, size)) {
    const label = timeLabel(tick);
    const half = textWidth(label, size) / 2;
    if (x(tick) + half > right + size || x(tick) - half < 0) continue;
    parts.push(line(x(tick), bottom, x(tick), bottom + 4, { stroke: "muted", strokeWidth: 1 }));
    parts.push(text(x(tick), bottom + size * 1.4, label, { ...muted, anchor: "middle" }));
  }
  parts.push(line(left, bottom, right, bottom, { stroke: "muted", strokeWidth: 1 }));
  return parts;
}

function timeLabel(tick: number): string {
  return tick === 0 ? "0" : `${tick > 0 ? "+" : "−"}${Math.abs(tick)} ms`;
}

/** As many ticks as their labels leave room for. */
function timeTicks(x: TimeScale, size: number): readonly number[] {
  for (let count = 8; count > 1; count -= 1) {
    const ticks = x.ticks(count);
    const widest = Math.max(...ticks.map((tick) => textWidth(timeLabel(tick), size)));
    if (ticks.length < 2 || x(ticks[1]!) - x(ticks[0]!) > widest + size * 2) return ticks;
  }
  return [0];
}

function marks(calls: readonly TimelineCall[], x: TimeScale, y: TimeScale, radius: number): Part[] {
  return outcomes.flatMap((outcome) => {
    const points = calls
      .filter((call) => call.outcome === outcome)
      .map((call) => [x(call.startedAtMs), y(call.latencyMs)] as const);
    return outcomeMarks(points, outcome, outcome === "allowed" ? radius : radius * 1.3);
  });
}

/** The words above the plot: the kill on the left of its line, the gap on the right of its band, or as far right as it fits. */
function annotations(gap: AnswerGap, x: TimeScale, { right, top }: Frame, size: number): Part[] {
  const label = `${gap.gapMs} ms without an answer`;
  const y = top - size * 0.7;
  const at = Math.min(Math.max(x(gap.toMs), x(0) + 6), right - textWidth(label, size, "bold"));
  const kill = Math.min(x(0), at) - 6;
  // The axis' name is left out where a long gap moves the kill towards it.
  const axisFits = size + textWidth("latency", size) + 6 < kill - textWidth("kill -9", size, "mono");
  return [
    ...(axisFits ? [text(size, y, "latency", { size, colour: "muted" })] : []),
    text(kill, y, "kill -9", { size, anchor: "end", face: "mono", colour: "failed" }),
    text(at, y, label, { size, face: "bold", colour: "accent" }),
    ...span(x(gap.fromMs), x(gap.toMs), top, "accent"),
  ];
}
