import { expect, it } from "vitest";
import { DiskGate } from "./disk-gate.ts";
import { MemoryDisk } from "./memory-disk.ts";

/** Whether a promise has settled by the end of some turns. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(
    () => {
      settled = true;
    },
    () => {
      settled = true;
    },
  );
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

it("a stalled disk flushes nothing and does all else", async () => {
  const gate = new DiskGate(new MemoryDisk());
  const file = await gate.open("a", { create: true });
  gate.stalled = true;
  await file.write(0, [Buffer.from("x")]);
  const flushed = file.flush();
  expect(await isSettled(flushed)).toBe(false);
  expect(await file.size()).toBe(1);
  gate.stalled = false;
  await flushed;
});

it("a process that stands still does nothing, and then everything", async () => {
  const gate = new DiskGate(new MemoryDisk());
  gate.held = true;
  const opened = gate.open("a", { create: true });
  expect(await isSettled(opened)).toBe(false);
  gate.held = false;
  expect(await (await opened).size()).toBe(0);
});

it("what a process that is gone has under way does not reach the disk", async () => {
  const disk = new MemoryDisk();
  const gate = new DiskGate(disk);
  const file = await gate.open("a", { create: true });
  await gate.flushFolder("");
  await file.write(0, [Buffer.from("x")]);
  gate.stalled = true;
  const flushed = file.flush();
  gate.cut();
  disk.losePower();
  await expect(flushed).rejects.toThrow("the node was killed");
  await expect(file.write(0, [Buffer.from("y")])).rejects.toThrow("the node was killed");
  expect(await (await disk.open("a", { create: false })).size()).toBe(0);
});
