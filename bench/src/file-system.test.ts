import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { fileSystemOf, isInMemory } from "./file-system.ts";

test.runIf(existsSync("/proc/self/mounts"))("a folder's file system is that of the deepest mount above it", () => {
  expect(fileSystemOf("/proc/self/fd")).toBe("proc");
  expect(fileSystemOf(tmpdir())).toMatch(/^[a-z0-9.]+$/);
  expect(fileSystemOf(tmpdir())).not.toBe("proc");
});

test("only what is kept in memory has flushes for nothing", () => {
  expect(["tmpfs", "ramfs", "ext4", "xfs", null].map(isInMemory)).toEqual([true, true, false, false, false]);
});
