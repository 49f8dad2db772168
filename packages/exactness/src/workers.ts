import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { RunPlan, RunResult } from "./cell.ts";

/** How runs are shared out. */
export interface WorkOptions {
  /** Which program runs a plan of a world, and how many of it at the same time. */
  readonly programs: Readonly<Record<RunPlan["world"], { readonly path: string; readonly processes: number }>>;
  /** After so long no run is begun any more. Milliseconds; Infinity: all are run. */
  readonly budgetMs: number;
  readonly onResult: (result: RunResult) => void;
}

/** What was run, in the order of the plans, and what there was no time for. */
export interface WorkDone {
  readonly results: readonly RunResult[];
  readonly leftOut: readonly RunPlan[];
}

/**
 * Runs plans in processes of their own, each of which takes the next plan of its world when it is done with one: a line of
 * JSON on its standard input for a line on its standard output.
 *
 * @throws {Error} when a process ends in the middle of a run.
 */
export async function runPlans(plans: readonly RunPlan[], options: WorkOptions): Promise<WorkDone> {
  const endMs = performance.now() + options.budgetMs;
  const results = new Map<RunPlan, RunResult>();
  const leftOut: RunPlan[] = [];
  const children: ChildProcess[] = [];
  const work = async (queue: RunPlan[], path: string): Promise<void> => {
    const child = spawn(process.execPath, [...process.execArgv, path], { stdio: ["pipe", "pipe", "inherit"] });
    children.push(child);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    for (let plan = queue.shift(); plan !== undefined; plan = queue.shift()) {
      if (performance.now() >= endMs) {
        leftOut.push(plan);
        continue;
      }
      child.stdin.write(`${JSON.stringify(plan)}\n`);
      const line = await lines.next();
      if (line.done === true) throw new Error(`the process of ${path} ended during ${JSON.stringify(plan)}`);
      const result = JSON.parse(line.value) as RunResult;
      results.set(plan, result);
      options.onResult(result);
    }
    child.stdin.end();
  };
  const killAll = () => {
    for (const child of children) child.kill();
  };
  process.once("exit", killAll);
  try {
    const everybody = Object.entries(options.programs).flatMap(([world, { path, processes }]) => {
      const queue = plans.filter((plan) => plan.world === world);
      return Array.from({ length: Math.min(processes, queue.length) }, () => work(queue, path));
    });
    await Promise.all(everybody);
  } finally {
    process.off("exit", killAll);
    killAll();
  }
  return { results: plans.flatMap((plan) => results.get(plan) ?? []), leftOut };
}
