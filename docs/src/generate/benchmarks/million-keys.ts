import { code, paragraphs, table } from "../markdown.ts";
import { readable } from "./numbers.ts";
import { type Facts, isFacts } from "./result-file.ts";
import type { ScenarioWords } from "./scenarios.ts";

const factsOf = (value: unknown): readonly Facts[] => (Array.isArray(value) ? value.filter(isFacts) : []);
const inside = (facts: Facts, field: string): Facts => (isFacts(facts[field]) ? facts[field] : {});
const ms = (value: unknown) => (typeof value === "number" ? value.toFixed(2) : "");
const whole = (value: unknown) => (typeof value === "number" ? readable(value) : "");

function memoryTable(memory: readonly Facts[]): string {
  const titles = ["Algorithm", "Bytes per key", "After the takes", "Resident, bytes per key"];
  return table(
    titles,
    memory.map((row) => [
      code(String(row.algorithm)),
      ...[row.bytesPerKey, row.bytesPerKeyLater, row.residentBytesPerKey].map(whole),
    ]),
  );
}

function phasesTable(phases: readonly Facts[]): string {
  const titles = [
    "Algorithm",
    "Phase",
    "Entries",
    "Seconds",
    "p50",
    "p99",
    "p99.9",
    "Most",
    "Idle p99.9",
    "More, p99.9",
  ];
  const lines = phases.map((row) => {
    const delay = inside(row, "delay");
    const delays = [delay.p50Ms, delay.p99Ms, delay.p999Ms, delay.maxMs, row.controlP999Ms, row.addedP999Ms];
    const facts = [code(String(row.algorithm)), String(row.phase), whole(row.entries), whole(row.seconds)];
    return [...facts, ...delays.map(ms), ms(inside(row, "own").p999Ms)];
  });
  return table([...titles, "Own p99.9"], lines);
}

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
    const phases = factsOf(data.phases);
    return paragraphs(
      "## Memory",
      "Pages of the state, which is what a snapshot takes, ÷ keys: with one admission on each key, and after the takes of the steady phase. A client's session with what it remembers is in it, too. `concurrency` counts one open slot per key, which the others do not have. Resident is what the whole process grew by until the keys were live, code and garbage included.",
      memoryTable(factsOf(data.memory)),
      "## Delay of the event loop",
      [
        "- **growth**: from none to all keys; the index of the keys grows with them.",
        "- **steady**: takes over all keys, in an order that jumps; under `concurrency` slots are given back and taken anew.",
        "- **snapshot**: an image is cut and written to a file in slices of 2 ms, as the node does, while takes go on over all keys.",
        "- **full**: every call wants room for a new key in a full table, in which something has always just expired.",
        "- **takeover**: a single entry, the first one of a new leader. Ends of open holds move with it, all at once; it is told here and not counted in the result.",
        "- **expiry**: all keys expire at one moment; some entries want room for new ones, then the cluster is idle until all are freed.",
      ].join("\n"),
      "Milliseconds that what is due every millisecond has to wait for its turn. Due times are fixed beforehand: a stall of 900 ms delays 900 of them, where a timer that is set anew each time would count one. The idle process is measured over the same time in the same way; the last but one column is the difference of the 99.9th percentiles. The last column is the same for what is due every millisecond of the thread's own processor time, which stands still while others have the processor; the kernel tells it in steps of up to 4 ms.",
      phases.length === 0 ? "The result has none." : phasesTable(phases),
    );
  },
  picture: () => null,
};
