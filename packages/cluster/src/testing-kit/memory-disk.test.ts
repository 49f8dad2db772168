import { expect, it } from "vitest";
import { describeFileSystem } from "../storage/file-system.contract.ts";
import { MemoryDisk } from "./memory-disk.ts";

describeFileSystem("a disk in memory", true, () => {
  const disk = new MemoryDisk();
  return {
    open: async () => disk,
    afterPowerFailure: async () => {
      disk.losePower();
      return disk;
    },
    close: async () => {},
  };
});

it("brings back, over overlapping writes, what was flushed last, and its length", async () => {
  const disk = new MemoryDisk();
  const file = await disk.open("a", { create: true });
  await disk.flushFolder("");
  await file.write(0, [Buffer.from("flushed")]);
  await file.flush();
  await file.write(2, [Buffer.from("12345678")]);
  await file.write(0, [Buffer.from("xyz")]);
  disk.losePower();
  const left = await disk.open("a", { create: false });
  expect(String(await left.read(0, 100))).toBe("flushed");
  // Behind the end there is nothing left of what was lost.
  await left.write(9, [Buffer.from("!")]);
  expect([...(await left.read(7, 3))]).toEqual([0, 0, 33]);
});
