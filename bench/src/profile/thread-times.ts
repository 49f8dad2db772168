import { readFile } from "node:fs/promises";
import { readThreads } from "../scaling/node-usage.ts";

/** Processor time of a process so far, in microseconds. */
export interface ThreadTimes {
  /** Of the thread that its event loop runs on, which a profile tells apart; 0 of who has none. */
  readonly mainUs: number;
  /** Of all else, by what it is for. */
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

/** Linux tells processor time in hundredths of a second on every machine that Node.js runs on. */
const usPerTick = 10_000;

/** Of a peer's processes together, which no profiler of ours sees: their own code, and the kernel's for them. */
export async function readPeerTimes(pids: readonly number[]): Promise<ThreadTimes> {
  const sums = { own: 0, kernel: 0 };
  for (const pid of pids) {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // The name, in parentheses, may hold spaces; utime and stime are the 12th and 13th fields after it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    sums.own += Number(fields[11]) * usPerTick;
    sums.kernel += Number(fields[12]) * usPerTick;
  }
  return { mainUs: 0, otherUs: { "the peer's own code": sums.own, "the kernel, for the peer": sums.kernel } };
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
