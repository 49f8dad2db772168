import { tmpdir } from "node:os";
import { expect, it } from "vitest";
import { parseDiskWrites, readDiskWrites } from "./disk-writes.ts";

it("reads what Linux says of a disk, and makes nothing up where it says nothing", async () => {
  const text = " 2233301 437378 76908466 14231817 14500669 2692280 411699848 4322932 0 2863116 19800301";
  expect(parseDiskWrites(text)).toBe(411_699_848 * 512);
  const written = await readDiskWrites(tmpdir());
  expect(written === null || written > 0).toBe(true);
  expect(await readDiskWrites("/proc")).toBe(null);
});
