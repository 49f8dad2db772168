import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";

/** Logs far more than a pipe holds, in turns of the event loop, and says on standard output that the turns went on. */
const program = `
  import { createOperatorLog } from ${JSON.stringify(new URL("./operator-log.ts", import.meta.url).href)};
  const { log } = createOperatorLog(1, "info");
  const padding = "x".repeat(4_096);
  for (let turn = 0; turn < 1_000; turn++) {
    log("info", "padding", { turn, padding });
    await new Promise((resolve) => setImmediate(resolve));
  }
  process.stdout.write("1000 turns\\n");
  process.stdin.resume();
`;

test("C7: who does not read the log keeps the event loop of its node from nothing", async () => {
  // The child writes into a pipe of which nobody reads: four megabytes, where a pipe holds a sixteenth of one.
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["pipe", "pipe", "pipe"] });
  try {
    child.stderr.pause();
    const [said] = (await once(child.stdout, "data", { signal: AbortSignal.timeout(100_000) })) as [Buffer];
    expect(said.toString()).toBe("1000 turns\n");
    expect(child.stderr.readableFlowing).toBe(false);
  } finally {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
}, 120_000);
