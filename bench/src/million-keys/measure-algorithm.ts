import { fork } from "node:child_process";
import type { Stretch } from "./delay-clock.ts";
import type { Memory, PhaseFacts, SubjectReport, Task } from "./messages.ts";
import { reportsOf, startIdleProcess } from "./processes.ts";

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

const subject = new URL("./subject.ts", import.meta.url);

/** Runs one algorithm, and an idle process beside it, each in a process of its own. */
export async function measureAlgorithm(algorithm: string, task: Task): Promise<AlgorithmResult> {
  const idle = await startIdleProcess();
  const phases: PhaseRow[] = [];
  let memory: Memory | null = null;
  try {
    const measured = fork(subject, [JSON.stringify(task)]);
    try {
      for await (const report of reportsOf<SubjectReport>(measured)) {
        if (report.kind === "begin") idle.begin();
        if (report.kind === "memory") memory = report.memory;
        if (report.kind === "end") phases.push(besideControl(algorithm, report.phase, report.facts, await idle.end()));
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

function besideControl(algorithm: string, phase: string, facts: PhaseFacts, { delay }: Stretch) {
  const addedP999Ms = Math.round((facts.delay.p999Ms - delay.p999Ms) * 100) / 100;
  return { algorithm, phase, ...facts, controlP999Ms: delay.p999Ms, controlMaxMs: delay.maxMs, addedP999Ms };
}
