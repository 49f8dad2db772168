import type { Absence } from "../../../../bench/src/decisions/points.ts";
import { type IdleCores, lineOf, tableOf } from "../../../../bench/src/scenarios/idle-cores.ts";
import { paragraphs } from "../markdown.ts";
import type { ScenarioWords } from "./scenarios.ts";

const rowsOf = <T>(value: unknown): readonly T[] => (Array.isArray(value) ? value : []);

/** Cores that run nobody under a load of which more would be done. */
export const idleCores: ScenarioWords = {
  title: "Idle cores",
  measured: [
    "The kernel's record of which thread each core runs (`perf record` of its switches), while a system and its client are under a load of another benchmark, where we fall short of a goal.",
    "A thread is ready from when it is woken or displaced until it runs. Where it runs next is where it waited: for a core that ran somebody else, or on its way onto an idle one.",
    "Five records of 3 seconds each, each in the middle of a load of its own: medians, with the least and the most.",
  ].join(" "),
  result: (data) => `${rowsOf<IdleCores>(data.rows).map(lineOf).join("; ")}.`,
  details: (data) => paragraphs("## By load", tableOf(rowsOf(data.rows), rowsOf<Absence>(data.absent))),
  picture: () => null,
};
