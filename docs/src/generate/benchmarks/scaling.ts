import type { Capacity } from "../../../../bench/src/scaling/capacity.ts";
import type { Resource } from "../../../../bench/src/scaling/cost-model.ts";
import { type Fit, notToldApart } from "../../../../bench/src/scaling/fewest-terms.ts";
import { type Comparison, type Verdict, verdictOf, verdictWords } from "../../../../bench/src/scaling/judge.ts";
import {
  type CostRow,
  capacitiesTable,
  comparisonsTable,
  costsTable,
  extrapolationWords,
  fitsTable,
  measuredRateWords,
  type SteadyingSamples,
  steadyingTable,
  steadyingWords,
} from "../../../../bench/src/scaling/tables.ts";
import { paragraphs } from "../markdown.ts";
import { readable } from "./numbers.ts";
import { type Facts, isFacts } from "./result-file.ts";
import { busiestOf } from "./scaling-costs.ts";
import type { ScenarioWords } from "./scenarios.ts";

const rowsOf = <T>(value: unknown): readonly T[] => (Array.isArray(value) ? value : []);
const inside = (facts: Facts, field: string): Facts => (isFacts(facts[field]) ? facts[field] : {});
const or = (text: string, isThere: boolean) => (isThere ? text : "The result has none.");

function paceWords(pace: readonly number[]): string {
  const [least, most] = [Math.min(...pace), Math.max(...pace)].map(readable);
  return `The reference was measured ${readable(pace.length)} times, and came to ${least} to ${most} decisions per second: the machine is shared.`;
}

/** What became of configurations that were added when the model was final; null: the result has none. */
function addedLastWords(data: Facts): string | null {
  if (!isFacts(data.addedLast)) return null;
  const names = rowsOf<string>(data.addedLast.configurations);
  return `${names.join("; ")}: ${verdictWords(data.addedLast as unknown as Verdict)}.`;
}

/** What steadying did to samples, and what would be predicted without it. */
function steadyingParts(data: Facts): readonly string[] {
  const samples = inside(data, "samples");
  if (!isFacts(samples.asMeasured) || !isFacts(data.withoutSteadying)) return ["The result has only steadied samples."];
  return [
    steadyingWords,
    steadyingTable(samples as unknown as SteadyingSamples),
    `With samples as they were measured, for the fit as well as for what it is held against: ${verdictWords(data.withoutSteadying as unknown as Verdict)}.`,
    comparisonsTable(rowsOf<Comparison>(data.comparisonsWithoutSteadying)),
  ];
}

/** What a decision costs whom, and whether that predicts what it was not fitted to. */
export const scaling: ScenarioWords = {
  title: "Scaling",
  measured: [
    "What a decision takes of the leader, of a follower and of clients, in microseconds of processor time, and what it adds to the network and to the logs, in bytes.",
    "Costs are fitted to configurations that differ from one of them in one thing each, and then predict others that the fit knows nothing of.",
    "Each configuration has real nodes that flush every entry on a majority, and SDK clients in processes of their own; all share the machine and take turns.",
    "[How scaling works](/internals/scaling/) explains the model.",
  ].join(" "),
  result(data) {
    const ends = inside(data, "endsAt");
    const comparisons = rowsOf<Comparison>(data.comparisons);
    const verdict = comparisons.length === 0 ? "Nothing was predicted" : verdictWords(verdictOf(comparisons));
    const busiest = busiestOf(data);
    const absent = rowsOf<string>(data.absent).map((name) => ` Absent: ${name}.`);
    return [
      `${verdict}.`,
      ` Three nodes on machines of their own end at ${readable(Number(ends.decisionsPerSecond))} decisions per second, by ${ends.what}.`,
      busiest === undefined ? "" : ` With 1,024 in flight and all on one machine it was ${measuredRateWords(busiest)}.`,
      ...absent,
    ].join("");
  },
  details(data) {
    const model = inside(data, "model");
    const capacity = inside(data, "capacity");
    const apart = rowsOf<Capacity>(capacity.onMachinesOfTheirOwn);
    const together = rowsOf<Capacity>(capacity.onOneMachine);
    const comparisons = rowsOf<Comparison>(data.comparisons);
    const rows = rowsOf<CostRow>(data.configurations);
    const pace = rowsOf<number>(data.pace);
    const addedLast = addedLastWords(data);
    const other =
      typeof data.otherNode === "string"
        ? ` The other Node.js is ${data.otherNode}: its nodes are measured at the reference, and by how much they differ there the others are predicted.`
        : "";
    return paragraphs(
      "## What a decision takes",
      `The cost of a decision is the sum of these. What is ${notToldApart} is left out of it: it may cost less than samples differ by, on the leader as on a follower. A node's processor time is that of its main thread and of its other threads, which are fitted apart.`,
      or(fitsTable(inside(model, "costs") as Readonly<Partial<Record<Resource, Fit>>>), isFacts(model.costs)),
      "## Predicted, and measured",
      `Predicted for measured: error. What is too far off is in bold.${other}`,
      or(comparisonsTable(comparisons), comparisons.length > 0),
      addedLast === null
        ? ""
        : `Some of these were added after the model was final. It was made while the others came out, and never fitted or tuned to these. ${addedLast}`,
      "## What steadying did",
      or(paceWords(pace), pace.length > 0),
      ...steadyingParts(data),
      "## Where one leader ends",
      rows.length === 0 ? "" : extrapolationWords(rows),
      "Every node and every client process on a machine of its own:",
      or(capacitiesTable(apart), apart.length > 0),
      "All of them on the machine that this was measured on, beside what was measured there, where it was, with as many calls in flight as are reckoned to be in an entry:",
      or(capacitiesTable(together), together.length > 0),
      "## Everything that was measured",
      "Medians of steadied samples, of one decision. Of followers the mean. The log is what its frames take on disk; beside them a node writes snapshots, and zeros of segments before it uses them, which are not counted here.",
      costsTable(rows),
    );
  },
  picture: () => null,
};
