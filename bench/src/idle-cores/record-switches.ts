import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { scratchFolder } from "../scratch-folder.ts";
import { AbsentSystem } from "../system.ts";

/**
 * Has the kernel record for so long which thread each core runs, and hands over what `perf script` prints of it, line by line.
 *
 * @throws {AbsentSystem} when there is no perf, or it may not.
 * @throws {Error} when the record is not whole.
 */
export async function recordSwitches(seconds: number, line: (text: string) => void): Promise<void> {
  const folder = await scratchFolder("switches");
  const file = join(folder.path, "record");
  try {
    const which = ["switch", "waking", "stat_runtime"].flatMap((event) => ["-e", `sched:sched_${event}`]);
    // Room for all that seconds of a busy core record, so that nothing is lost.
    const args = ["record", "-a", "-m", "16M", ...which, "-o", file, "--", "sleep", String(seconds)];
    const recording = spawn("perf", args, { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    recording.stderr.on("data", (text) => {
      said += text;
    });
    const [status] = await once(recording, "close").catch((error) => {
      throw new AbsentSystem(`perf cannot be started (${error.message}); remedy: apt-get install -y linux-perf`);
    });
    if (status !== 0) throw new AbsentSystem(`perf may not record switches here: ${said.trim()}`);
    const printing = spawn("perf", ["script", "--show-lost-events", "-i", file], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const printed = once(printing, "close");
    for await (const text of createInterface({ input: printing.stdout })) {
      if (text.includes("PERF_RECORD_LOST")) throw new Error(`perf's record is not whole: ${text.trim()}`);
      line(text);
    }
    const [printStatus] = await printed;
    if (printStatus !== 0) throw new Error(`perf script ended with status ${printStatus}`);
  } finally {
    folder.remove();
  }
}
