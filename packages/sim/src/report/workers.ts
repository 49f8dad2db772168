import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { SeedSummary } from "./summary.ts";

/**
 * Runs seeds in several processes, each with every n-th of them. What a worker says about a failure goes to stderr as it is.
 *
 * @param onSeed Called for each seed as it ends; false ends all workers.
 * @throws {Error} when a worker ends without having run all of its seeds.
 */
export async function runInWorkers(
  cli: string,
  range: { readonly start: number; readonly seeds: number },
  workers: number,
  flags: readonly string[],
  onSeed: (result: SeedSummary) => boolean,
): Promise<void> {
  const children = Array.from({ length: Math.min(workers, range.seeds) }, (_, at) => {
    const seeds = Math.ceil((range.seeds - at) / workers);
    const own = ["--start", `${range.start + at}`, "--seeds", `${seeds}`, "--step", `${workers}`, "--lines"];
    const args = [...process.execArgv, cli, ...own, ...flags];
    return { seeds, child: spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] }) };
  });
  let over = false;
  const ended = children.map(async ({ seeds, child }) => {
    let count = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      count++;
      if (onSeed(JSON.parse(line) as SeedSummary)) continue;
      over = true;
      for (const other of children) other.child.kill();
    }
    if (count < seeds && !over) throw new Error(`a worker ended after ${count} of ${seeds} seeds`);
  });
  await Promise.all(ended);
}
