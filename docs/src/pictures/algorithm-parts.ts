/** What the pictures of the algorithms have in common, so that a reader learns it once. */
import { areaPath, legend, line, linePath, type Part, path, type scaleLinear, text } from "@quorumguard/pictures";
import type { DrawnLevel } from "./decide.ts";

type Scale = ReturnType<typeof scaleLinear<number, number>>;

/** The first line: what the marks of calls mean, and at the right edge the limit that is drawn. */
export function algorithmHeading(right: number, limit: string, size: number): Part[] {
  const meanings = [
    ["allowed", "allowed"],
    ["denied", "denied"],
  ] as const;
  return [...legend(12, 20, meanings, size), text(right, 20, limit, { size, anchor: "end", colour: "muted" })];
}

/** A level over time above a line for each whole number; `x` and `y` say where, and how far they reach. */
export function levelChart(levels: readonly DrawnLevel[], x: Scale, y: Scale, size: number): Part[] {
  const [left, right] = x.range() as [number, number];
  const [least, most] = y.domain() as [number, number];
  const points = levels.map(({ atMs, level }) => [x(atMs), y(level)] as const);
  const parts: Part[] = [];
  for (let level = least; level <= most; level += 1) {
    parts.push(line(left, y(level), right, y(level), { strokeWidth: 1 }));
    parts.push(text(left - 8, y(level) + size * 0.35, String(level), { size, colour: "muted", anchor: "end" }));
  }
  parts.push(path(areaPath(points, y(least)), { fill: "accent", fillOpacity: 0.14 }));
  parts.push(path(linePath(points), { stroke: "accent", strokeWidth: 2 }));
  return parts;
}

/** The axis of time along all of `x`, with its seconds below; words at both ends stay within the axis. */
export function timeAxis(x: Scale, axisY: number, stepMs: number, size: number): Part[] {
  const [fromMs, untilMs] = x.domain() as [number, number];
  const parts: Part[] = [line(x(fromMs), axisY, x(untilMs), axisY, { stroke: "muted" })];
  for (let tick = fromMs; tick <= untilMs; tick += stepMs) {
    const anchor = tick === fromMs ? "start" : tick === untilMs ? "end" : "middle";
    parts.push(line(x(tick), axisY, x(tick), axisY + 5, { stroke: "muted", strokeWidth: 1 }));
    parts.push(text(x(tick), axisY + 6 + size, `${tick / 1_000} s`, { size, colour: "muted", anchor }));
  }
  return parts;
}
