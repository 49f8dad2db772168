import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { ControlReport, Memory, PhaseFacts, SubjectReport, Task } from "../million-keys/messages.ts";
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

/** One phase of one algorithm, beside the idle process. */
export interface PhaseRow extends PhaseFacts {
  readonly algorithm: string;
  readonly phase: string;
  /** The 99.9th percentile of the idle process, over the same time. */
  readonly controlP999Ms: number;
  readonly controlMaxMs: number;
  /** How much longer than in the idle process. */
  readonly addedP999Ms: number;
}

/** What one algorithm came to. */
export interface AlgorithmResult {
  readonly algorithm: string;
  readonly memory: Memory;
  readonly phases: readonly PhaseRow[];
}

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
    details: { memory: measured.map(({ algorithm, memory }) => ({ algorithm, ...memory })), phases: rows },
  };
}

const control = new URL("../million-keys/control.ts", import.meta.url);
const subject = new URL("../million-keys/subject.ts", import.meta.url);

/** Runs one algorithm, and an idle process beside it, each in a process of its own. */
async function measureAlgorithm(algorithm: string, task: Task): Promise<AlgorithmResult> {
  const idle = fork(control);
  const phases: PhaseRow[] = [];
  let memory: Memory | null = null;
  try {
    await once(idle, "message");
    const measured = fork(subject, [JSON.stringify(task)]);
    try {
      for await (const report of reportsOf(measured)) {
        if (report.kind === "begin") idle.send("begin");
        if (report.kind === "memory") memory = report.memory;
        if (report.kind === "end") {
          idle.send("end");
          const [{ stretch }] = (await once(idle, "message")) as [ControlReport];
          phases.push(besideControl(algorithm, report.phase, report.facts, stretch));
        }
      }
    } finally {
      measured.kill();
    }
  } finally {
    idle.kill();
  }
  if (memory === null) throw new Error(`the process that measures ${algorithm} ended before its memory was known`);
  return { algorithm, memory, phases };
}

function besideControl(algorithm: string, phase: string, facts: PhaseFacts, { delay }: ControlReport["stretch"]) {
  const addedP999Ms = Math.round((facts.delay.p999Ms - delay.p999Ms) * 100) / 100;
  return { algorithm, phase, ...facts, controlP999Ms: delay.p999Ms, controlMaxMs: delay.maxMs, addedP999Ms };
}

/** What the process tells, until it ends. @throws {Error} when it does not end by itself and well. */
async function* reportsOf(child: ChildProcess): AsyncGenerator<SubjectReport> {
  const reports: SubjectReport[] = [];
  let wake = () => {};
  let status: number | null | undefined;
  child.on("message", (report) => {
    reports.push(report as SubjectReport);
    wake();
  });
  child.on("close", (code) => {
    status = code;
    wake();
  });
  for (;;) {
    for (let report = reports.shift(); report !== undefined; report = reports.shift()) yield report;
    if (status === 0) return;
    if (status !== undefined) throw new Error(`the process under measurement ended with status ${status}`);
    await new Promise<void>((resolve) => {
      wake = resolve;
      if (reports.length > 0 || status !== undefined) resolve();
    });
  }
}
