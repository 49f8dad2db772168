import type { Capacity } from "../../../../bench/src/scaling/capacity.ts";
import type { Fit } from "../../../../bench/src/scaling/fewest-terms.ts";
import { type Comparison, judged } from "../../../../bench/src/scaling/judge.ts";
import {
  type CostRow,
  capacitiesTable,
  comparisonsTable,
  costsTable,
  fitsTable,
} from "../../../../bench/src/scaling/tables.ts";
import { paragraphs } from "../markdown.ts";
import { readable } from "./numbers.ts";
import { type Facts, isFacts } from "./result-file.ts";
import type { ScenarioWords } from "./scenarios.ts";

const rowsOf = <T>(value: unknown): readonly T[] => (Array.isArray(value) ? value : []);
const inside = (facts: Facts, field: string): Facts => (isFacts(facts[field]) ? facts[field] : {});
const or = (text: string, isThere: boolean) => (isThere ? text : "The result has none.");

function paceWords(pace: readonly number[]): string {
  const [least, most] = [Math.min(...pace), Math.max(...pace)].map(readable);
  return [
    `The reference was measured ${readable(pace.length)} times, and came to ${least} to ${most} decisions per second: the machine is shared.`,
    "So every sample is told by those of the reference before and after it, as if the machine had always been as fast as at their median.",
  ].join(" ");
}

/** What a decision costs whom, and whether that predicts what it was not fitted to. */
export const scaling: ScenarioWords = {
  title: "Scaling",
  measured: [
    "What a decision takes of the leader, of a follower and of clients, in microseconds of processor time.",
    "Costs are fitted to configurations that differ from one of them in one thing each, and then predict others that the fit knows nothing of.",
    "Each configuration has real nodes that flush every entry on a majority, and SDK clients in processes of their own; all share the machine and take turns.",
    "[How scaling works](/internals/scaling/) explains the model.",
  ].join(" "),
  result(data) {
    const comparisons = rowsOf<Comparison>(data.comparisons);
    const off = comparisons.filter(({ within }) => !within).length;
    const most = readable(Number(data.mostErrorPercent));
    const { configuration, what, errorPercent } = inside(data, "worst") as Partial<Comparison>;
    const ends = inside(data, "endsAt");
    const verdict = off === 0 ? `all within ${most} %` : `${readable(off)} of them more than ${most} % off`;
    const absent = rowsOf<string>(data.absent).map((name) => ` Absent: ${name}.`);
    return [
      `${readable(comparisons.length)} predictions, ${verdict}; the worst is ${readable(Number(errorPercent))} % off (${configuration}: ${judged[what!]}).`,
      ` Three nodes on machines of their own end at ${readable(Number(ends.decisionsPerSecond))} decisions per second, by ${ends.what}.`,
      ...absent,
    ].join("");
  },
  details(data) {
    const model = inside(data, "model");
    const capacity = inside(data, "capacity");
    const apart = rowsOf<Capacity>(capacity.onMachinesOfTheirOwn);
    const together = rowsOf<Capacity>(capacity.onOneMachine);
    const comparisons = rowsOf<Comparison>(data.comparisons);
    const pace = rowsOf<number>(data.pace);
    const other =
      typeof data.otherNode === "string"
        ? ` The other Node.js is ${data.otherNode}: its nodes are measured at the reference, and by how much they differ there the others are predicted.`
        : "";
    return paragraphs(
      "## What a decision takes",
      "The cost of a decision is the sum of these. What is not listed explained nothing.",
      or(fitsTable(inside(model, "costs") as Readonly<Record<string, Fit>>), isFacts(model.costs)),
      "## Predicted, and measured",
      `Predicted for measured: error. What is too far off is in bold.${other}`,
      or(comparisonsTable(comparisons), comparisons.length > 0),
      or(paceWords(pace), pace.length > 0),
      "## Where one leader ends",
      "Every node and every client process on a machine of its own:",
      or(capacitiesTable(apart), apart.length > 0),
      "All of them on the machine that this was measured on:",
      or(capacitiesTable(together), together.length > 0),
      "## Everything that was measured",
      "Medians, of one decision. Of followers the mean.",
      costsTable(rowsOf<CostRow>(data.configurations)),
    );
  },
  picture: () => null,
};
