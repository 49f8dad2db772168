import { allOf, headingOf, type PointShares, sharesTable } from "../../../../bench/src/scenarios/where-time-goes.ts";
import { paragraphs } from "../markdown.ts";
import { readable } from "./numbers.ts";
import type { ScenarioWords } from "./scenarios.ts";

const pointsOf = (value: unknown): readonly PointShares[] => (Array.isArray(value) ? value : []);

/** What a decision's processor time is spent on. */
export const whereTimeGoes: ScenarioWords = {
  title: "Where time goes",
  measured: [
    "What one decision takes of each of our processes, in microseconds of processor, and whose code that is.",
    "Three nodes and one client process with default options, all under V8's own profiler, at the load of other benchmarks.",
    "The shares are the profile's, of the main thread while it was not idle; the time is what the kernel counted, without the thread that takes the profile.",
    "What Node does in native code before it calls JavaScript, such as reading sockets, is idle to the profiler: so native code and the kernel have rather more than they are told to have.",
    "The profiler itself costs some: rates are lower here than there. [What limits speed](/internals/speed/) draws the conclusions.",
  ].join(" "),
  result(data) {
    const told = pointsOf(data.points).map((one) => `${one.scenario}, ${one.point}: ${readable(allOf(one))} µs in all`);
    return `One decision takes of all four processes together: ${told.join("; ")}.`;
  },
  details: (data) => paragraphs(...pointsOf(data.points).flatMap((one) => [`## ${headingOf(one)}`, sharesTable(one)])),
  picture: () => null,
};
