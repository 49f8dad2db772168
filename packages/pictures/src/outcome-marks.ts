import { circle, decimal, type Part, path, text, textSize } from "./drawing.ts";
import { textWidth } from "./text-metrics.ts";

/** How a call came out. `degraded`: decided without the cluster's counts; `failed`: it threw. */
export type Outcome = "allowed" | "denied" | "degraded" | "failed";

/** All outcomes, in the order of a legend. */
export const outcomes: readonly Outcome[] = ["allowed", "denied", "degraded", "failed"];

/** The mark of an outcome: a shape of its own as well as a colour. Disc, ring, triangle, cross. */
export function outcomeMark(x: number, y: number, outcome: Outcome, radius = 4): Part[] {
  if (outcome === "allowed") return [circle(x, y, radius, { fill: "allowed" })];
  if (outcome === "denied") {
    return [circle(x, y, radius * 0.85, { fill: "paper", stroke: "denied", strokeWidth: radius * 0.45 })];
  }
  return outcomeMarks([[x, y]], outcome, radius);
}

/** Many marks of one outcome in one or two elements, for plots. */
export function outcomeMarks(points: readonly (readonly [number, number])[], outcome: Outcome, radius: number): Part[] {
  if (points.length === 0) return [];
  const at = ([x, y]: readonly [number, number], dx: number, dy: number) =>
    `${decimal(x + dx * radius)} ${decimal(y + dy * radius)}`;
  const each = (data: (point: readonly [number, number]) => string) => points.map(data).join("");
  // A line of no length with round ends is a disc.
  const discs = each((point) => `M${at(point, 0, 0)}h0`);
  switch (outcome) {
    case "allowed":
      return [path(discs, { stroke: "allowed", strokeWidth: radius * 2 })];
    case "denied":
      return [
        path(discs, { stroke: "denied", strokeWidth: radius * 2.2 }),
        path(discs, { stroke: "paper", strokeWidth: radius * 1.1 }),
      ];
    case "degraded":
      return [
        path(
          each((p) => `M${at(p, 0, -1.15)}L${at(p, 1.1, 0.85)}L${at(p, -1.1, 0.85)}Z`),
          { fill: "degraded" },
        ),
      ];
    case "failed":
      return [
        path(
          each((p) => `M${at(p, -1, -1)}L${at(p, 1, 1)}M${at(p, 1, -1)}L${at(p, -1, 1)}`),
          { stroke: "failed", strokeWidth: Math.max(1.5, radius * 0.5) },
        ),
      ];
  }
}

/** A row of marks with words, from `x` on; `y` is the baseline. */
export function legend(
  x: number,
  y: number,
  entries: readonly (readonly [Outcome, string])[],
  size: number = textSize,
): Part[] {
  const parts: Part[] = [];
  let at = x;
  for (const [outcome, words] of entries) {
    parts.push(...outcomeMark(at + 4, y - size * 0.34, outcome), text(at + 13, y, words, { size, colour: "muted" }));
    at += legendEntryWidth(words, size);
  }
  return parts;
}

/** What one entry of a legend takes, the space to the next one included. */
export function legendEntryWidth(words: string, size: number): number {
  return 13 + textWidth(words, size) + size;
}
