import type { Absence } from "../../../../bench/src/decisions/points.ts";
import {
  type InsertionRow,
  insertedWords,
  insertionsByAlgorithm,
} from "../../../../bench/src/machine-alone/insertions.ts";
import {
  insertionsTable,
  type MachineRow,
  machineNotes,
  machinesTable,
} from "../../../../bench/src/machine-alone/tables.ts";
import { paragraphs } from "../markdown.ts";
import { readable } from "./numbers.ts";
import { type Facts, isFacts } from "./result-file.ts";
import type { ScenarioWords } from "./scenarios.ts";

const rowsOf = <T>(value: unknown): readonly T[] => (Array.isArray(value) ? value : []);
const numbersIn = (value: unknown) =>
  Object.values(isFacts(value) ? value : {}).filter((one): one is number => typeof one === "number");
const verdict = (isWithin: unknown) => (isWithin === true ? "within" : "NOT within");

function memoryWords({ memoryRatio, within }: Facts): string {
  const ratios = numbersIn(memoryRatio);
  if (ratios.length === 0) return "there was no Redis to compare memory with";
  const isWithin = isFacts(within) && within.memory;
  return `memory is at most ${readable(Math.max(...ratios))} of Redis's, ${verdict(isWithin)} the goal of 1`;
}

/** What the state machine of one node does a second, and takes per key, without network, log and other threads. */
export const machineAlone: ScenarioWords = {
  title: "The state machine alone",
  measured: [
    "The limiter of one node without network, log or other threads: entries of 256 calls of four clients, with keys of 20 bytes, are applied to live keys drawn at random, for each algorithm.",
    "Entries are written beforehand and not counted.",
  ].join(" "),
  result(data) {
    const within = isFacts(data.within) ? data.within : {};
    const inserted = insertedWords(insertionsByAlgorithm(rowsOf<InsertionRow>(data.insertions)));
    const slowest = readable(Math.min(...numbersIn(data.decisionsPerSecond)));
    return [
      `${readable(Number(data.keys))} live keys: at least ${slowest} decisions per second on one thread, ${verdict(within.rate)} the goal of ${readable(Number(data.leastPerSecond))}`,
      `while ${readable(Number(data.insertedKeys))} keys are inserted (${inserted}), what is due waits in the worse median ${readable(Number(data.addedP999Ms))} ms longer than in an idle process (p99.9), ${verdict(within.delay)} the goal of ${readable(Number(data.mostAddedMs))} ms`,
      `${memoryWords(data)}.`,
    ].join("; ");
  },
  details: (data) =>
    paragraphs(
      "## By algorithm",
      machinesTable(rowsOf<MachineRow>(data.machines)),
      "## Inserting keys",
      insertionsTable(rowsOf<InsertionRow>(data.insertions)),
      "## What is counted",
      machineNotes(rowsOf<MachineRow>(data.machines), rowsOf<Absence>(data.absent)),
    ),
  picture: () => null,
};
