import { circle, decimal, type Part, path, text, textSize } from "./drawing.ts";
import { textWidth } from "./text-metrics.ts";

/** How a call came out. `failed`: it threw, `degraded`: it was decided without the cluster's counts. */
export type Outcome = "allowed" | "denied" | "degraded" | "failed";

/** All outcomes, in the order of a legend. */
export const outcomes: readonly Outcome[] = ["allowed", "denied", "degraded", "failed"];

/** The mark of an outcome: a shape of its own as well as a colour. Disc, open ring, triangle, cross. */
export function outcomeMark(x: number, y: number, outcome: Outcome, radius = 4): Part[] {
  const at = (dx: number, dy: number) => `${decimal(x + dx * radius)} ${decimal(y + dy * radius)}`;
  switch (outcome) {
    case "allowed":
      return [circle(x, y, radius, { fill: "allowed" })];
    case "denied":
      return [
        circle(x, y, radius * 0.95, { fill: "paper", stroke: "denied", strokeWidth: Math.max(1, radius * 0.45) }),
      ];
    case "degraded":
      return [path(`M${at(0, -1.15)}L${at(1.1, 0.85)}L${at(-1.1, 0.85)}Z`, { fill: "degraded" })];
    case "failed":
      return [path(`M${at(-1, -1)}L${at(1, 1)}M${at(1, -1)}L${at(-1, 1)}`, { stroke: "failed", strokeWidth: 2 })];
  }
}

/** A row of marks with words, from `x` on; `y` is the baseline. */
export function legend(
  x: number,
  y: number,
  entries: readonly (readonly [Outcome, string])[],
  size = textSize,
): Part[] {
  const parts: Part[] = [];
  let at = x;
  for (const [outcome, words] of entries) {
    parts.push(...outcomeMark(at + 5, y - size * 0.34, outcome), text(at + 15, y, words, { size, colour: "muted" }));
    at += 15 + textWidth(words, size) + 16;
  }
  return parts;
}
