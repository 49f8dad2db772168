import { readFile } from "node:fs/promises";
import { readThreads } from "../scaling/node-usage.ts";

/** Processor time of a process so far, in microseconds. */
export interface ThreadTimes {
  /** Of the thread that its event loop runs on. */
  readonly mainUs: number;
  /** Of the others, by what they are for. */
  readonly otherUs: Readonly<Record<string, number>>;
}

/** By what a thread's name begins with. */
const purposes: readonly (readonly [string, string | null])[] = [
  ["libuv", "threads that write to disk"],
  ["V8Worker", "threads of V8: garbage collection, compiler"],
  // What takes the profile is not there without it.
  ["v8:Prof", null],
];

/** Reads it from `/proc`; without the thread that takes V8's profile. */
export async function readThreadTimes(pid: number): Promise<ThreadTimes> {
  const otherUs: Record<string, number> = {};
  const threads = await readThreads(pid);
  const main = String(pid);
  for (const [thread, us] of threads) {
    if (thread !== main) add(otherUs, await readFile(`/proc/${pid}/task/${thread}/comm`, "utf8"), us);
  }
  return { mainUs: threads.get(main)!, otherUs };
}

function add(sums: Record<string, number>, name: string, us: number): void {
  const [, purpose] = purposes.find(([start]) => name.startsWith(start)) ?? ["", "other threads"];
  if (purpose !== null) sums[purpose] = (sums[purpose] ?? 0) + us;
}

/** What was used between two readings. */
export function between(before: ThreadTimes, after: ThreadTimes): ThreadTimes {
  const names = Object.keys(after.otherUs);
  return {
    mainUs: after.mainUs - before.mainUs,
    otherUs: Object.fromEntries(names.map((name) => [name, after.otherUs[name]! - (before.otherUs[name] ?? 0)])),
  };
}
