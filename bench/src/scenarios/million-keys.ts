import { standaloneSvg } from "@quorumguard/pictures";
import { delaysPlot } from "../million-keys/delays-plot.ts";
import { type AlgorithmResult, measureAlgorithm } from "../million-keys/measure-algorithm.ts";
import { delayNote, memoryNote, memoryTable, phaseNotes, phasesTable } from "../million-keys/tables.ts";
import type { ScenarioOptions, ScenarioResult } from "../scenario.ts";

const algorithms = [
  ["sliding-window-log", "slidingWindowLog"],
  ["sliding-window-counter", "slidingWindowCounter"],
  ["fixed-window", "fixedWindow"],
  ["token-bucket", "tokenBucket"],
  ["concurrency", "concurrency"],
] as const;

/** A single entry, which moves the ends of all open slots: told beside the phases that must not hold up the loop. */
const TAKEOVER = "takeover";

/** The most that the limiter may add to what an idle process waits, in the 99.9th percentile. */
const MOST_ADDED_MS = 20;

/** A million live keys for each algorithm, in a process of its own: what they take, and how long they keep the event loop. */
export async function millionKeys({ quick, say }: ScenarioOptions): Promise<ScenarioResult> {
  const keys = quick ? 100_000 : 1_000_000;
  const measured: AlgorithmResult[] = [];
  for (const [name, algorithm] of algorithms) {
    const result = await measureAlgorithm(name, { algorithm, keys });
    measured.push(result);
    say(`  ${name}: ${result.memory.bytesPerKey} bytes per key`);
    for (const row of result.phases) {
      say(
        `    ${row.phase.padEnd(9)} p50 ${row.delay.p50Ms}   p99 ${row.delay.p99Ms}   p99.9 ${row.delay.p999Ms}   max ${row.delay.maxMs} ms` +
          `   idle p99.9 ${row.controlP999Ms} ms   own p99.9 ${row.own.p999Ms}   max ${row.own.maxMs} ms   ${row.seconds} s`,
      );
    }
  }
  return summarize(keys, measured);
}

/** @throws {Error} when nothing was measured. */
export function summarize(keys: number, measured: readonly AlgorithmResult[]): ScenarioResult {
  const rows = measured.flatMap(({ phases }) => phases);
  const [first, ...others] = rows.filter(({ phase }) => phase !== TAKEOVER);
  if (first === undefined) throw new Error("there are no phases to summarize");
  const worst = others.reduce((most, row) => (row.addedP999Ms > most.addedP999Ms ? row : most), first);
  const bytes = measured.map(({ memory }) => memory.bytesPerKey);
  const worstAddedP999Ms = { algorithm: worst.algorithm, phase: worst.phase, addedMs: worst.addedP999Ms };
  const takeoverMs = Math.max(...rows.filter(({ phase }) => phase === TAKEOVER).map(({ delay }) => delay.maxMs), 0);
  const isWithin = worst.addedP999Ms < MOST_ADDED_MS;
  const memory = measured.map((one) => ({ algorithm: one.algorithm, ...one.memory }));
  const notes = [...phaseNotes, memoryNote, delayNote].map((line) => `- ${line}`).join("\n");
  return {
    line:
      `${keys.toLocaleString("en")} live keys: ${Math.min(...bytes)} to ${Math.max(...bytes)} bytes per key; p99.9 of the event loop's delay ` +
      `at most ${worst.addedP999Ms} ms above an idle process (${worst.algorithm}, ${worst.phase}), ${isWithin ? "within" : "NOT within"} ${MOST_ADDED_MS} ms; a takeover: ${takeoverMs} ms`,
    summary: {
      keys,
      worstAddedP999Ms,
      mostAddedMs: MOST_ADDED_MS,
      within: isWithin,
      takeoverMs,
      bytesPerKey: Object.fromEntries(measured.map(({ algorithm, memory }) => [algorithm, memory.bytesPerKey])),
    },
    details: { memory, phases: rows },
    table: [memoryTable(memory), phasesTable(rows), notes].join("\n\n"),
    // A takeover may take hundreds of times as long as any other phase, beside which nothing of them would be seen.
    picture: standaloneSvg(
      delaysPlot(
        keys,
        memory,
        rows.filter(({ phase }) => phase !== TAKEOVER),
      ),
    ),
  };
}
