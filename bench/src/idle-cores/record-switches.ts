import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { scratchFolder } from "../scratch-folder.ts";
import { AbsentSystem } from "../system.ts";

/** What the kernel recorded, not yet read. */
export interface SwitchRecord {
  /** Hands over what `perf script` prints of it, line by line, and deletes it. @throws {Error} when it is not whole. */
  read(line: (text: string) => void): Promise<void>;
}

/** @throws {AbsentSystem} when there is no perf, or it may not record. */
export async function checkRecorder(): Promise<void> {
  const folder = await scratchFolder("switches");
  try {
    await runPerf([...recordArgs(join(folder.path, "record")), "true"]);
  } catch (error) {
    throw new AbsentSystem(`switches cannot be recorded: ${(error as Error).message}`);
  } finally {
    folder.remove();
  }
}

/** Has the kernel record for so long which thread each core runs. */
export async function recordSwitches(seconds: number): Promise<SwitchRecord> {
  // In memory, where there is a place: systems under measurement wait for the disk.
  const folder = await scratchFolder("switches", existsSync("/dev/shm") ? "/dev/shm" : tmpdir());
  const file = join(folder.path, "record");
  await runPerf([...recordArgs(file), "sleep", String(seconds)]).catch((error) => {
    folder.remove();
    throw error;
  });
  return {
    async read(line) {
      try {
        await printRecord(file, line);
      } finally {
        folder.remove();
      }
    },
  };
}

function recordArgs(file: string): readonly string[] {
  const events = ["switch", "waking", "stat_runtime"].flatMap((event) => ["-e", `sched:sched_${event}`]);
  // Room for all that seconds of a busy core record, so that nothing is lost.
  return ["record", "-a", "-m", "16M", ...events, "-o", file, "--"];
}

async function runPerf(args: readonly string[]): Promise<void> {
  const recording = spawn("perf", args, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  recording.stderr.on("data", (text) => {
    said += text;
  });
  const [status] = await once(recording, "close").catch((error) => {
    throw new Error(`perf cannot be started (${error.message}); remedy: apt-get install -y linux-perf`);
  });
  if (status !== 0) throw new Error(`perf ended with status ${status}: ${said.trim()}`);
}

async function printRecord(file: string, line: (text: string) => void): Promise<void> {
  const args = ["script", "--show-lost-events", "-i", file];
  const printing = spawn("perf", args, { stdio: ["ignore", "pipe", "ignore"] });
  const printed = once(printing, "close");
  for await (const text of createInterface({ input: printing.stdout })) {
    if (text.includes("PERF_RECORD_LOST")) throw new Error(`perf's record is not whole: ${text.trim()}`);
    line(text);
  }
  const [status] = await printed;
  if (status !== 0) throw new Error(`perf script ended with status ${status}`);
}
