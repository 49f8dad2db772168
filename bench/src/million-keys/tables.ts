import { code, markdownTable } from "../markdown-table.ts";
import type { PhaseRow } from "./measure-algorithm.ts";
import type { Memory } from "./messages.ts";

/** What one algorithm's keys take. */
export type MemoryRow = Memory & { readonly algorithm: string };

const ms = (value: number) => value.toFixed(2);
const readable = (value: number) => value.toLocaleString("en", { maximumFractionDigits: value < 100 ? 2 : 0 });

/** Memory by algorithm. */
export function memoryTable(rows: readonly MemoryRow[]): string {
  return markdownTable(
    ["Algorithm", "State, bytes per key", "the same after the steady phase", "Process, resident bytes per key"],
    rows.map(({ algorithm, bytesPerKey, bytesPerKeyLater, residentBytesPerKey }) => [
      code(algorithm),
      ...[bytesPerKey, bytesPerKeyLater, residentBytesPerKey].map(readable),
    ]),
  );
}

/** What {@link memoryTable} counts. */
export const memoryNote =
  "State: its pages, which is what a snapshot takes, ÷ keys: with one admission on each key, and after the takes of the steady phase. A client's session with what it remembers is in it, too. `concurrency` counts one open slot per key, which the others do not have. Resident is what the whole process grew by until the keys were live, code and garbage included.";

/** Delays of the event loop, by algorithm and phase. */
export function phasesTable(rows: readonly PhaseRow[]): string {
  return markdownTable(
    [
      ...["Algorithm", "Phase", "Entries", "Seconds", "Delay, ms: p50", "p99", "p99.9", "most"],
      ...["Idle process, ms: p99.9", "More than idle, ms: p99.9", "Own time, ms: p99.9"],
    ],
    rows.map(({ algorithm, phase, entries, seconds, delay, controlP999Ms, addedP999Ms, own }) => [
      ...[code(algorithm), phase, readable(entries), readable(seconds)],
      ...[delay.p50Ms, delay.p99Ms, delay.p999Ms, delay.maxMs, controlP999Ms, addedP999Ms, own.p999Ms].map(ms),
    ]),
  );
}

/** What happens in the phases of {@link phasesTable}, a line of a list each. */
export const phaseNotes: readonly string[] = [
  "**growth**: from none to all keys; the index of the keys grows with them.",
  "**steady**: takes over all keys, in an order that jumps; under `concurrency` slots are given back and taken anew.",
  "**snapshot**: an image is cut and written to a file in slices of 2 ms, as the node does, while takes go on over all keys.",
  "**full**: every call wants room for a new key in a full table, in which something has always just expired.",
  "**takeover**: a single entry, the first one of a new leader. Ends of open holds move with it, all at once; it is told here and not counted in the result.",
  "**expiry**: all keys expire at one moment; some entries want room for new ones, then the cluster is idle until all are freed.",
];

/** What {@link phasesTable} measures. */
export const delayNote =
  "Delay: milliseconds that what is due every millisecond has to wait for its turn. Due times are fixed beforehand: a stall of 900 ms delays 900 of them, where a timer that is set anew each time would count one. The idle process is measured over the same time in the same way, and the column after it is the difference of the 99.9th percentiles. The last column is the same for what is due every millisecond of the thread's own processor time, which stands still while others have the processor; the kernel tells it in steps of up to 4 ms.";
