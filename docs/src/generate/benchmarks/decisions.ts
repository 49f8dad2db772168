import type { Contender } from "../../../../bench/src/decisions/contenders.ts";
import type { DecisionsPlan } from "../../../../bench/src/decisions/decisions-scenario.ts";
import type { Absence, Cell } from "../../../../bench/src/decisions/points.ts";
import { type Ratio, ratioWords } from "../../../../bench/src/decisions/ratios.ts";
import { cellsTable } from "../../../../bench/src/decisions/table.ts";
import { paragraphs } from "../markdown.ts";
import { factsMarkdown } from "./generic.ts";
import { isFacts } from "./result-file.ts";
import type { ScenarioWords } from "./scenarios.ts";

const rowsOf = <T>(value: unknown): readonly T[] => (Array.isArray(value) ? value : []);

const namesOf = (contenders: readonly Contender[]) => contenders.map(({ name }) => name).join(" and ");

/** A scenario of decisions against peers: its ratios, and all of its cells. */
export function decisions({ title, note, points }: Pick<DecisionsPlan, "title" | "note" | "points">): ScenarioWords {
  const running = [...new Set(points.flatMap(({ contenders }) => contenders))].filter(({ runsOn }) => runsOn);
  const stood =
    running.length === 0 ? "the others stood still" : `the others stood still, but ${namesOf(running)}, which run on`;
  return {
    title,
    measured: [
      `QuorumGuard is three nodes that flush every entry on a majority. All systems ran in the same run on the same machine, each with processes and data of its own, and took turns; while one was measured ${stood}.`,
      "Clients are processes apart from the servers; each of their callers asks again as soon as it has its answer.",
      "Processor time is of all processes, clients included.",
      ...(note === undefined ? [] : [note]),
    ].join(" "),
    result(data) {
      const ratios = rowsOf<Ratio>(data.ratios).map(ratioWords);
      return ratios.length === 0 ? "See the table." : `${ratios.join("; ")}.`;
    },
    details: (data) =>
      paragraphs(
        "## Cells",
        cellsTable(rowsOf<Cell>(data.cells), rowsOf<Absence>(data.absent)),
        "## How each was set up",
        isFacts(data.configurations) ? factsMarkdown(data.configurations) : "The result does not say.",
      ),
    picture: () => null,
  };
}
