import { readdir, readFile } from "node:fs/promises";

/** What one process has used so far. */
export interface NodeUsage {
  /** Processor time of the thread that its event loop runs on. */
  readonly threadUs: number;
  /** And of all its others. */
  readonly othersUs: number;
  /** Handed to sockets and files. */
  readonly writtenBytes: number;
}

/** Microseconds on a processor, from the text of a thread's `schedstat`: 0 of one that has just begun. */
export function parseOnProcessorUs(schedstat: string): number {
  return Number(schedstat.split(" ")[0]) / 1_000;
}

/** Bytes of all writes, from the text of a process's `io`: to sockets too, where `write_bytes` knows only of disks. */
export function parseWrittenBytes(io: string): number {
  const wchar = Number(/^wchar:\s+(\d+)/m.exec(io)?.[1]);
  if (!Number.isFinite(wchar)) throw new Error(`this kernel does not tell what processes write: io is ${io}`);
  return wchar;
}

/** Processor time of each thread of a process that runs, by the thread's number; that of its main thread is the process's own. */
export async function readThreads(pid: number): Promise<ReadonlyMap<string, number>> {
  const tasks = `/proc/${pid}/task`;
  const threads = await readdir(tasks);
  const times = await Promise.all(
    threads.map(async (thread) => parseOnProcessorUs(await readFile(`${tasks}/${thread}/schedstat`, "utf8"))),
  );
  return new Map(threads.map((thread, at) => [thread, times[at]!]));
}

/**
 * Of a process that runs, by `/proc`: to the nanosecond, where its `stat` counts in hundredths of a second.
 * @throws {Error} if this kernel does not count that.
 */
export async function readNodeUsage(pid: number): Promise<NodeUsage> {
  const times = await readThreads(pid);
  const threadUs = times.get(String(pid))!;
  if (!(threadUs > 0))
    throw new Error(`this kernel does not tell how long threads ran: of process ${pid} it says ${threadUs} µs`);
  return {
    threadUs,
    othersUs: [...times.values()].reduce((sum, one) => sum + one, -threadUs),
    writtenBytes: parseWrittenBytes(await readFile(`/proc/${pid}/io`, "utf8")),
  };
}
