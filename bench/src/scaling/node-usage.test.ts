import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import { parseOnProcessorUs, parseWrittenBytes, readNodeUsage } from "./node-usage.ts";

it("reads what Linux writes, and makes nothing up where it does not count", () => {
  expect(parseOnProcessorUs("921180 52953890 2\n")).toBe(921.18);
  expect(parseOnProcessorUs("0 4229595 1\n")).toBe(0);
  expect(parseWrittenBytes("rchar: 1\nwchar: 2345\nread_bytes: 3\nwrite_bytes: 8192\n")).toBe(2_345);
  expect(() => parseWrittenBytes("write_bytes: 8192\n")).toThrow("this kernel");
});

/** Works for 100 ms of its own processor time whenever it is told to, writes 100,000 bytes, and waits. */
const works = `
const wait = () => process.stdin.once("data", () => {
  const from = process.cpuUsage();
  for (let used = 0; used < 100_000; ) { const { user, system } = process.cpuUsage(from); used = user + system; }
  process.stdout.write("x".repeat(100_000), wait);
});
process.stdout.write("ready", wait);
`;

it("sees what another process does, its main thread, and what it hands to a socket", async () => {
  const child = spawn(process.execPath, ["-e", works], { stdio: ["pipe", "pipe", "inherit"] });
  try {
    await once(child.stdout, "data");
    const before = await readNodeUsage(child.pid!);
    child.stdin.write("go");
    for (let bytes = 0; bytes < 100_000; ) bytes += (await once(child.stdout, "data"))[0].length;
    const after = await readNodeUsage(child.pid!);
    // The kernel tells it as of its last tick, which may be a few milliseconds ago.
    expect(after.threadUs - before.threadUs).toBeGreaterThan(70_000);
    expect(after.othersUs - before.othersUs).toBeGreaterThanOrEqual(0);
    expect(after.writtenBytes - before.writtenBytes).toBeGreaterThanOrEqual(100_000);
  } finally {
    child.kill("SIGKILL");
  }
});
