import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openNodeFileSystem } from "./node-file-system.ts";
import { entriesFrom, logOf, openForTest } from "./storage.fixture.ts";

const child = fileURLToPath(new URL("./power-loss.fixture.ts", import.meta.url));

/** Starts the process on the folder, kills it once it acknowledged `count` writes, and says what it acknowledged last. */
async function runUntilKilled(root: string, mode: "durable" | "early", count: number): Promise<number> {
  const running = spawn(process.execPath, [child, root, mode], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = new Promise<NodeJS.Signals | null>((resolve) => running.on("exit", (_, signal) => resolve(signal)));
  let seen = 0;
  let last = 0;
  for await (const line of createInterface({ input: running.stdout })) {
    last = Number(line);
    seen += 1;
    if (seen === count) running.kill("SIGKILL");
  }
  expect(await exited).toBe("SIGKILL");
  return last;
}

describe("a process on the file system that forgets, killed", () => {
  let root = "";
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "quorumguard-power-"));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  async function recoveredLastIndex(): Promise<number> {
    const files = await openNodeFileSystem({ root });
    const storage = await openForTest(files);
    const last = storage.lastIndex();
    const first = storage.firstIndex();
    const expected = entriesFrom(first, last - first + 1, 1, 900);
    expect(logOf(storage)).toEqual(
      expected.map((entry) => `${entry.index} 1 ${Buffer.from(entry.data).toString("latin1")}`),
    );
    await storage.close();
    await files.close();
    return last;
  }

  it("G1: has everything that it acknowledged, time after time", async () => {
    let before = 0;
    for (const count of [1, 7, 61, 130, 233]) {
      const acknowledged = await runUntilKilled(root, "durable", count);
      expect(acknowledged).toBeGreaterThan(before);
      before = await recoveredLastIndex();
      expect(before).toBeGreaterThanOrEqual(acknowledged);
    }
  }, 120_000);

  it("G1: is found out if it acknowledges before it flushes", async () => {
    const acknowledged = await runUntilKilled(root, "early", Number.POSITIVE_INFINITY);
    expect(acknowledged).toBeGreaterThan(0);
    expect(await recoveredLastIndex()).toBeLessThan(acknowledged);
  });
});
