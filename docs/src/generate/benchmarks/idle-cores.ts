import { type IdleCores, tableOf } from "../../../../bench/src/scenarios/idle-cores.ts";
import { paragraphs } from "../markdown.ts";
import { readable } from "./numbers.ts";
import type { ScenarioWords } from "./scenarios.ts";

const rowsOf = (value: unknown): readonly IdleCores[] => (Array.isArray(value) ? value : []);

/** Cores that run nobody under a load of which more would be done. */
export const idleCores: ScenarioWords = {
  title: "Idle cores",
  measured: [
    "The kernel's record of which thread each core runs (`perf record` of its switches), while a system and its client are under a load of the benchmark of unique keys.",
    "All shares are of all cores' time. A thread is ready from when it is woken or displaced until it runs. Where it runs next is where it waited: for a core that ran somebody else, or on its way onto an idle one.",
    "Of the threads of servers and clients all are looked at but those in which V8 compiles and collects garbage.",
    "Recording makes all of them slower.",
  ].join(" "),
  result(data) {
    const [first] = rowsOf(data.rows);
    if (first === undefined) return "See the table.";
    return `${first.load}, ${first.contender}: cores are idle for ${readable(first.idlePercent)} % of their time, for ${readable(first.thoughWaitingPercent)} % though somebody is ready and waits for another core.`;
  },
  details: (data) => paragraphs("## By load", tableOf(rowsOf(data.rows))),
  picture: () => null,
};
