import { readFile } from "node:fs/promises";

/** What processes have used so far, as Linux counts it. */
export interface ProcessUsage {
  readonly cpuUs: number;
  /** Resident now. */
  readonly memoryBytes: number;
  /** Sent to disks, in whole pages. */
  readonly writtenBytes: number;
}

/** Linux tells processor time in hundredths of a second on every machine that Node.js runs on. */
const usPerTick = 10_000;

/** What one process has used, from the texts of its `stat`, `status` and `io` below `/proc`. */
export function parseUsage(stat: string, status: string, io: string): ProcessUsage {
  // The name, in parentheses, may hold spaces and parentheses itself; utime and stime are the 12th and 13th fields after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const field = (text: string, name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1]);
  return {
    cpuUs: (Number(fields[11]) + Number(fields[12])) * usPerTick,
    memoryBytes: field(status, "VmRSS") * 1_024,
    writtenBytes: field(io, "write_bytes"),
  };
}

/** The sum over processes that run. */
export async function readUsage(pids: readonly number[]): Promise<ProcessUsage> {
  const all = await Promise.all(
    pids.map(async (pid) => {
      const read = (name: string) => readFile(`/proc/${pid}/${name}`, "utf8");
      return parseUsage(await read("stat"), await read("status"), await read("io"));
    }),
  );
  const sum = (field: keyof ProcessUsage) => all.reduce((total, one) => total + one[field], 0);
  return { cpuUs: sum("cpuUs"), memoryBytes: sum("memoryBytes"), writtenBytes: sum("writtenBytes") };
}
