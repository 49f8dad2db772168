import { inlineSvg, pictureThemeCss } from "@quorumguard/pictures";
import { allOf, headingOf, type PointShares, shortUs } from "../../../../bench/src/profile/point-shares.ts";
import { sharesPlot } from "../../../../bench/src/profile/shares-plot.ts";
import { sharesTable } from "../../../../bench/src/profile/shares-table.ts";
import { type Waits, waitsNote, waitsTable } from "../../../../bench/src/profile/waits.ts";
import { type AbsentPoint, absentLines } from "../../../../bench/src/scenarios/where-time-goes.ts";
import { paragraphs } from "../markdown.ts";
import { isFacts } from "./result-file.ts";
import type { ScenarioWords } from "./scenarios.ts";

const rowsOf = <T>(value: unknown): readonly T[] => (Array.isArray(value) ? value : []);

/** Results that are older than this field do not have it. */
function waitsOf(value: unknown): readonly string[] {
  if (!isFacts(value)) return [];
  const waits = value as unknown as Waits;
  return ["## Where a lone call waits", waitsTable(waits), waitsNote(waits)];
}

/** What a decision's processor time is spent on. */
export const whereTimeGoes: ScenarioWords = {
  title: "Where time goes",
  measured: [
    "What one decision takes of each process, in microseconds of processor, and whose code that is.",
    "Three nodes and one client process with default options, all under V8's own profiler, at the load of other benchmarks; peers there with their client under the profiler, too.",
    "Of a peer's own processes, all together, the kernel tells only what their code took and what it took for them itself.",
    "The state machine alone is one process that applies entries of calls for a million random keys; there, the limiter's own parts are told apart.",
    "The shares are the profile's, of the main thread while it was not idle; the time is what the kernel counted, without the thread that takes the profile.",
    "What Node does in native code before it calls JavaScript, such as reading sockets, is idle to the profiler: so native code and the kernel have rather more than they are told to have.",
    "Where a lone call waits is measured without a profiler, by the clock.",
    "The profiler itself costs some: rates are lower here than there. [What limits speed](/internals/speed/) draws the conclusions.",
  ].join(" "),
  result(data) {
    const told = rowsOf<PointShares>(data.points).map((one) => `${headingOf(one)}: ${shortUs(allOf(one))} µs`);
    return `One decision takes of all processes together, two followers among them: ${told.join("; ")}.`;
  },
  details: (data) =>
    paragraphs(
      ...rowsOf<PointShares>(data.points).flatMap((one) => [`## ${headingOf(one)}`, sharesTable(one)]),
      ...waitsOf(data.waits),
      ...absentLines(rowsOf<AbsentPoint>(data.absent)),
    ),
  picture(data) {
    const points = rowsOf<PointShares>(data.points);
    if (points.length === 0) return null;
    return `<figure class="picture not-content">\n<style>${pictureThemeCss}</style>\n${inlineSvg(sharesPlot(points))}\n</figure>`;
  },
};
