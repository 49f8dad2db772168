import type { PhaseRow } from "../../../../bench/src/million-keys/measure-algorithm.ts";
import {
  delayNote,
  type MemoryRow,
  memoryNote,
  memoryTable,
  phaseNotes,
  phasesTable,
} from "../../../../bench/src/million-keys/tables.ts";
import { paragraphs } from "../markdown.ts";
import { readable } from "./numbers.ts";
import { type Facts, isFacts } from "./result-file.ts";
import type { ScenarioWords } from "./scenarios.ts";

const rowsOf = <T>(value: unknown): readonly T[] => (Array.isArray(value) ? value : []);
const inside = (facts: Facts, field: string): Facts => (isFacts(facts[field]) ? facts[field] : {});
const ms = (value: unknown) => (typeof value === "number" ? value.toFixed(2) : "");
const whole = (value: unknown) => (typeof value === "number" ? readable(value) : "");

/** What a million live keys take, and whether so many of them ever keep the event loop from other work. */
export const millionKeys: ScenarioWords = {
  title: "A million live keys",
  measured: [
    "The limiter of one node with a million live keys of one algorithm, in a process of its own, and an idle process beside it.",
    "Entries of 256 calls of four clients, with sessions and keys of 20 bytes, are applied one after the other, each in an event-loop turn of its own, as fast as the processor can.",
  ].join(" "),
  result(data) {
    const worst = inside(data, "worstAddedP999Ms");
    const bytes = Object.values(inside(data, "bytesPerKey")).map(Number);
    const within = data.within === true ? "" : ", which is too much";
    return `${whole(data.keys)} live keys take ${readable(Math.min(...bytes))} to ${readable(Math.max(...bytes))} bytes each. What is due waits at most ${ms(worst.addedMs)} ms longer than in the idle process in the 99.9th percentile (${worst.algorithm}, ${worst.phase})${within}.`;
  },
  details(data) {
    const phases = rowsOf<PhaseRow>(data.phases);
    return paragraphs(
      "## Memory",
      memoryNote,
      memoryTable(rowsOf<MemoryRow>(data.memory)),
      "## Delay of the event loop",
      phaseNotes.map((line) => `- ${line}`).join("\n"),
      delayNote,
      phases.length === 0 ? "The result has none." : phasesTable(phases),
    );
  },
  picture: () => null,
};
