import { expect, test } from "vitest";
import { parseUsage } from "./process-usage.ts";

test("a process's name may look like the fields after it", () => {
  const stat = "42 (a b) c) S 1 42 42 0 -1 4194560 900 0 3 0 150 50 0 0 20 0 11 0 12345 1000 200";
  const status = "Name:\ta\nVmHWM:\t  9000 kB\nVmRSS:\t  2048 kB\n";
  const io = "rchar: 1\nwchar: 2\nread_bytes: 3\nwrite_bytes: 8192\ncancelled_write_bytes: 5\n";
  expect(parseUsage(stat, status, io)).toEqual({ cpuUs: 2_000_000, memoryBytes: 2_097_152, writtenBytes: 8_192 });
});
