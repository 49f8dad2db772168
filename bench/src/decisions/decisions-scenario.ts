import { standaloneSvg } from "@quorumguard/pictures";
import type { Scenario, ScenarioResult } from "../scenario.ts";
import { measurePoints, type Thoroughness } from "./measure-points.ts";
import type { Measurement, Point } from "./points.ts";
import { ratesPlot } from "./rates-plot.ts";
import { type Ratio, type RatioGoal, ratioOf, ratioWords } from "./ratios.ts";
import { cellsTable } from "./table.ts";

/** A scenario of decisions: what is measured, and what is compared. */
export interface DecisionsPlan {
  /** Kebab-case, as `--only` has it. */
  readonly name: string;
  /** Above the picture. */
  readonly title: string;
  readonly points: readonly Point[];
  readonly ratios: readonly RatioGoal[];
  /** What a reader of the ratios must know of the points. */
  readonly note?: string;
  /** Of a sample of a thorough run; a quick one's are a third. Default 3,000. */
  readonly sampleMs?: number;
}

/** How thoroughly a plan is measured. */
export function thoroughnessOf({ sampleMs = 3_000 }: Pick<DecisionsPlan, "sampleMs">, quick: boolean): Thoroughness {
  return quick
    ? { repeats: 3, sampleMs: sampleMs / 3, warmUpMs: 1_000, mostWarmUps: 1, settleMs: 1_000 }
    : { repeats: 5, sampleMs, warmUpMs: 1_000, mostWarmUps: 12, settleMs: 1_000 };
}

/** Measures a plan and sums it up. */
export function decisionsScenario(plan: DecisionsPlan): Scenario {
  return async ({ quick, say }) => summarize(plan, await measurePoints(plan.points, thoroughnessOf(plan, quick), say));
}

/** What is published of a measurement: ratios first, then all cells. */
export function summarize(plan: DecisionsPlan, { cells, absent, configurations }: Measurement): ScenarioResult {
  const ratios = plan.ratios.map((goal) => ratioOf(cells, goal));
  const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);
  const summary = {
    ratios,
    overAdmitted: Object.fromEntries(
      cells
        .filter((cell) => (cell.overAdmitted ?? 0) > 0)
        .map((cell) => [`${cell.contender}, ${cell.point}`, cell.overAdmitted]),
    ),
    degraded: sum(cells.flatMap((cell) => cell.samples.map((sample) => sample.degraded))),
    failed: sum(cells.flatMap((cell) => cell.samples.map((sample) => sample.failed))),
    absent,
  };
  return {
    line: ratios.length === 0 ? "see the table" : ratios.map(ratioWords).join("\n  "),
    summary,
    details: { configurations, cells },
    table: [verdicts(ratios, plan.note), cellsTable(cells, absent)].filter((part) => part !== "").join("\n\n"),
    picture: standaloneSvg(ratesPlot({ name: plan.name, title: plan.title, cells })),
  };
}

/** What came of each ratio, as a list in Markdown, and what must be known of them. */
function verdicts(ratios: readonly Ratio[], note: string | undefined): string {
  return [...ratios.map(ratioWords), ...(note === undefined ? [] : [note])].map((words) => `- ${words}`).join("\n");
}
