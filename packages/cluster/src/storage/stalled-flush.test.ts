import { expect, it } from "vitest";
import { turn } from "./crash-run.fixture.ts";
import type { FileHandle, FileSystem } from "./file-system.ts";
import { appendDurably, entriesFrom, openForTest } from "./storage.fixture.ts";
import { TestDisk } from "./test-disk.fixture.ts";

/** A disk whose flushes wait for `gate`, if there is one. */
class SlowDisk implements FileSystem {
  readonly disk = new TestDisk();
  gate: Promise<void> | null = null;
  flushes = 0;

  async open(path: string, options: { readonly create: boolean }): Promise<FileHandle> {
    const handle = await this.disk.open(path, options);
    return {
      size: () => handle.size(),
      read: (position, length) => handle.read(position, length),
      write: (position, pieces) => handle.write(position, pieces),
      flush: async () => {
        this.flushes += 1;
        await this.gate;
        await handle.flush();
      },
      close: () => handle.close(),
    };
  }
  list = (folder: string) => this.disk.list(folder);
  makeFolder = () => this.disk.makeFolder();
  rename = (from: string, to: string) => this.disk.rename(from, to);
  remove = (path: string) => this.disk.remove(path);
  flushFolder = (folder: string) => this.disk.flushFolder(folder);
}

it.each([
  { where: "in a frame", bytes: 20 },
  // A new segment is flushed before the frame that goes into it.
  { where: "in the segment that the frame needs", bytes: 40_000 },
])("G7: how long a flush has been stalled is known while it is: $where", async ({ bytes }) => {
  const slow = new SlowDisk();
  let nowMs = 1_000;
  const storage = await openForTest(slow, { monotonicMs: () => nowMs });
  await appendDurably(storage, entriesFrom(1, 1, 1, 30_000));
  expect(storage.stats.flushingForMs).toBe(0);
  let release: () => void = () => {};
  slow.gate = new Promise((resolve) => {
    release = resolve;
  });
  const before = slow.flushes;
  let done = false;
  storage.append({ hardState: null, entries: entriesFrom(2, 1, 1, bytes), snapshot: null }, () => {
    done = true;
  });
  while (slow.flushes === before) await turn();
  nowMs += 700;
  await turn();
  expect([done, storage.stats.flushingForMs]).toEqual([false, 700]);
  nowMs += 5_000;
  expect(storage.stats.flushingForMs).toBe(5_700);
  // What is handed in meanwhile waits with it, and nothing is acknowledged out of order.
  storage.append({ hardState: null, entries: entriesFrom(3, 1, 1), snapshot: null }, () => {});
  expect(storage.lastIndex()).toBe(3);
  release();
  while (!done) await turn();
  expect(storage.stats.flushMs).toBeGreaterThan(0);
  while (storage.stats.flushingForMs !== 0) await turn();
});
