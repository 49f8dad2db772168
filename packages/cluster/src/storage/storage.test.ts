import { describe, expect, it } from "vitest";
import { encodeFrame, segmentSeed } from "./log-frame.ts";
import { openStorage } from "./open-storage.ts";
import { appendDurably, entriesFrom, logOf, openForTest, takeSnapshot, testOptions } from "./storage.fixture.ts";
import type { Storage } from "./storage.ts";
import { StorageError } from "./storage-error.ts";
import { TestDisk } from "./test-disk.fixture.ts";

function segments(disk: TestDisk): string[] {
  return [...disk.content().keys()].filter((path) => path.endsWith(".seg")).sort();
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe("append", () => {
  it("writes everything handed in during one turn, and during one flush, with one flush each", async () => {
    const disk = new TestDisk();
    const storage = await openForTest(disk);
    const done: number[] = [];
    const hand = (index: number): void => {
      storage.append({ hardState: null, entries: entriesFrom(index, 2, 1), snapshot: null }, () => done.push(index));
    };
    for (const index of [1, 3, 5]) hand(index);
    expect([done, storage.lastIndex()]).toEqual([[], 6]);
    let flushing = false;
    disk.before = (operation) => {
      if (operation !== "flush" || flushing) return;
      flushing = true;
      for (const index of [7, 9, 9]) hand(index);
    };
    while (done.length < 6) await turn();
    expect([done, storage.stats.flushes]).toEqual([[1, 3, 5, 7, 9, 9], 2]);
    expect(logOf(await openForTest(new TestDisk(disk.content())))).toEqual(logOf(storage));
  });

  it("spends no flush on a commit index, keeps the order of completion, and takes it along", async () => {
    const disk = new TestDisk();
    const storage = await openForTest(disk);
    await appendDurably(storage, entriesFrom(1, 3, 1));
    const order: string[] = [];
    const commit = (index: number): void =>
      storage.append({ hardState: { term: 1, vote: 3, commit: index }, entries: [], snapshot: null }, () =>
        order.push(`commit ${index}`),
      );
    commit(1);
    expect(order).toEqual([]);
    await turn();
    expect([order, storage.stats.flushes]).toEqual([["commit 1"], 1]);
    const appended = appendDurably(storage, entriesFrom(4, 1, 1)).then(() => order.push("entry 4"));
    commit(2);
    await appended;
    await turn();
    expect([...order].sort()).toEqual(["commit 1", "commit 2", "entry 4"]);
    expect(storage.stats.flushes).toBe(2);
    const { hardState } = (await openForTest(new TestDisk(disk.content()))).initialState();
    expect(hardState.commit).toBe(2);
    commit(3);
    await storage.close();
    expect((await openForTest(disk)).initialState().hardState.commit).toBe(3);
  });

  it("refuses a gap, and anything before there is an identity", async () => {
    const storage = await openForTest(new TestDisk());
    const write = { hardState: null, entries: entriesFrom(2, 1, 1), snapshot: null };
    expect(() => storage.append(write, () => {})).toThrow("start at index 2, expected 1 to 1");
    const empty = await openStorage(new TestDisk(), testOptions());
    expect([empty.recovery, empty.identity]).toEqual([
      { droppedLastFrame: false, droppedAt: null, damaged: null, latestTerm: 0, empty: true },
      null,
    ]);
    expect(() => empty.append(write, () => {})).toThrow("saveIdentity");
  });

  it("takes an entry larger than a segment", async () => {
    const disk = new TestDisk();
    const storage = await openForTest(disk);
    for (const index of [1, 2, 3]) await appendDurably(storage, entriesFrom(index, 1, 1, 200_000));
    await appendDurably(storage, entriesFrom(4, 1, 1));
    expect(logOf(await openForTest(new TestDisk(disk.content())))).toEqual(logOf(storage));
  });
});

describe("the view that Raft reads", () => {
  it("limits entries by bytes, at least one, and tells compacted from unavailable", async () => {
    const storage = await openForTest(new TestDisk());
    await appendDurably(storage, entriesFrom(1, 10, 1, 100));
    await takeSnapshot(storage, 4, 1, ["x"]);
    await storage.compact(4);
    const indexes = (lo: number, hi: number, bytes: number) => {
      const found = storage.entries(lo, hi, bytes);
      return typeof found === "string" ? found : found.map((entry) => entry.index);
    };
    expect(indexes(5, 11, 250)).toEqual([5, 6]);
    expect(indexes(5, 11, 0)).toEqual([5]);
    expect(indexes(5, 5, 100)).toEqual([]);
    expect(indexes(4, 6, 100)).toBe("compacted");
    expect(indexes(5, 12, 100)).toBe("unavailable");
    expect([storage.term(3), storage.term(4), storage.term(11)]).toEqual(["compacted", 1, "unavailable"]);
    expect(storage.logBytes).toBe(6 * 700);
    await expect(storage.compact(5)).rejects.toThrow("covers only up to index 4");
  });
});

describe("compaction", () => {
  it("drops whole segments, never an entry that is still needed nor the newest hard state", async () => {
    const disk = new TestDisk();
    const storage = await openForTest(disk);
    for (let index = 1; index <= 60; index += 1) {
      await appendDurably(storage, entriesFrom(index, 1, 1, 9_000));
      if (index % 5 !== 0) continue;
      await takeSnapshot(storage, index - 4, 1, ["image"]);
      await storage.compact(index - 4);
      const again = await openForTest(new TestDisk(disk.content()));
      expect(logOf(again).slice(-4)).toEqual(logOf(storage));
      expect(again.initialState().hardState).toMatchObject({ term: 1, vote: 3 });
    }
    expect(segments(disk).length).toBeLessThan(4);
  });

  it("leaves a trail of so many entries, as long as so much memory holds them", async () => {
    const storage = await openForTest(new TestDisk());
    await appendDurably(storage, entriesFrom(1, 10, 1, 100));
    await takeSnapshot(storage, 9, 1, ["image"]);
    const enough = 10 * 700;
    expect([0, 3, 9, 100].map((entries) => storage.indexBehind(9, entries, enough))).toEqual([9, 6, 0, 0]);
    // An entry of 100 bytes takes 700 bytes of memory.
    expect([0, 699, 700, 2_100].map((bytes) => storage.indexBehind(9, 100, bytes))).toEqual([9, 9, 8, 6]);
    await storage.compact(6);
    expect(storage.indexBehind(9, 100, enough)).toBe(6);
    expect(storage.firstIndex()).toBe(7);
  });

  it("keeps the hard state if the power fails between a new segment and its first frame", async () => {
    const disk = new TestDisk();
    const errors: Error[] = [];
    const storage = await openForTest(disk, { onFatal: (error) => errors.push(error) });
    for (let index = 1; index <= 6; index += 1) await appendDurably(storage, entriesFrom(index, 1, 4, 9_000), 4);
    await takeSnapshot(storage, 6, 4, ["image"]);
    let rotated = false;
    const compacted = new Promise<void>((resolve) => {
      disk.before = (operation) => {
        if (operation === "rename") rotated = true;
        if (operation !== "write" || !rotated) return;
        disk.before = (next) => {
          if (next === "flush") throw new Error("the frame never becomes durable");
        };
        resolve(storage.compact(6));
      };
    });
    storage.append({ hardState: null, entries: entriesFrom(7, 1, 4, 30_000), snapshot: null }, () => {});
    await compacted;
    await turn();
    expect(errors).toHaveLength(1);
    const left = await openForTest(disk.afterPowerFailure(() => false));
    expect(left.initialState().hardState).toMatchObject({ term: 4, vote: 3 });
  });
});

describe("a clean restart", () => {
  it("finds what was written, notes it as durable, and does so again", async () => {
    const disk = new TestDisk();
    for (let index = 1; index < 6; index += 1) {
      const storage = await openForTest(disk);
      expect([storage.lastIndex(), storage.recovery.droppedLastFrame]).toEqual([index - 1, false]);
      await appendDurably(storage, entriesFrom(index, 1, 1));
      await storage.close();
    }
  });

  it("knows after an idle moment that the last frame was durable, without a close", async () => {
    const disk = new TestDisk();
    const timers: (() => void)[] = [];
    const setTimer = (callback: () => void) => {
      timers.push(callback);
      return () => void timers.splice(timers.indexOf(callback), 1);
    };
    const storage = await openForTest(disk, { setTimer });
    await appendDurably(storage, entriesFrom(1, 1, 1));
    await appendDurably(storage, entriesFrom(2, 1, 1));
    expect(timers).toHaveLength(1);
    timers[0]?.();
    await turn();
    const content = disk.content();
    expect((await openForTest(new TestDisk(disk.content()))).lastIndex()).toBe(2);
    content.get(segments(disk)[0] ?? "")?.fill(0, 1024);
    await expect(openForTest(new TestDisk(content))).rejects.toThrow("frame 2 is damaged or missing and was durable");
  });

  it("knows within a second of a log that is never idle what of it was durable", async () => {
    const disk = new TestDisk();
    let nowMs = 5_000;
    const storage = await openForTest(disk, { monotonicMs: () => nowMs, setTimer: () => () => {} });
    for (let index = 1; index <= 5; index += 1) {
      await appendDurably(storage, entriesFrom(index, 1, 1));
      nowMs += 400;
    }
    await turn();
    // Told at the fourth, 1,200 ms after the first; the fifth is all that a torn write may take.
    const content = disk.content();
    content.get(segments(disk)[0] ?? "")?.fill(0, 512 + 4 * 512 + 10);
    expect((await openForTest(new TestDisk(content))).lastIndex()).toBe(4);
    content.get(segments(disk)[0] ?? "")?.fill(0, 512 + 3 * 512);
    await expect(openForTest(new TestDisk(content))).rejects.toThrow("frame 4 is damaged or missing and was durable");
  });

  it("takes bytes that only look like a later frame for what they are", async () => {
    const disk = new TestDisk();
    await appendDurably(await openForTest(disk), entriesFrom(1, 1, 1));
    const content = disk.content();
    const frame = { hardState: { term: 9, vote: 9, commit: 9 }, entries: [], reset: null, abstains: false };
    for (const seed of [0, segmentSeed("00000000000000aa")]) {
      content.get(segments(disk)[0] ?? "")?.set(encodeFrame(frame, 7, seed), 2048);
      const storage = await openForTest(new TestDisk(content));
      expect([storage.lastIndex(), storage.recovery.droppedLastFrame]).toEqual([1, true]);
    }
  });
});

describe("a disk that fails", () => {
  async function failing(): Promise<{ disk: TestDisk; storage: Storage; errors: Error[] }> {
    const disk = new TestDisk();
    const errors: Error[] = [];
    const storage = await openForTest(disk, { onFatal: (error) => errors.push(error) });
    await appendDurably(storage, entriesFrom(1, 1, 1));
    return { disk, storage, errors };
  }

  it.each(["write", "flush"] as const)(
    "stops the node once after a failed %s, and acknowledges nothing more",
    async (kind) => {
      const { disk, storage, errors } = await failing();
      disk.before = (operation) => {
        if (operation === kind) throw new Error("EIO");
      };
      const done: number[] = [];
      for (const index of [2, 3]) {
        storage.append({ hardState: null, entries: entriesFrom(index, 1, 1), snapshot: null }, () => done.push(index));
        await turn();
      }
      disk.before = () => {};
      storage.append({ hardState: { term: 1, vote: 3, commit: 1 }, entries: [], snapshot: null }, () => done.push(4));
      await turn();
      expect(done).toEqual([]);
      expect(errors).toHaveLength(1);
      expect(errors[0]).toBeInstanceOf(StorageError);
      expect(errors[0]?.message).toMatch(/\.seg at byte 1024: EIO; this node stops/);
      await storage.close();
    },
  );

  it("goes on without a spare segment if the disk is full, until it cannot write", async () => {
    const { disk, storage, errors } = await failing();
    disk.before = (operation, path) => {
      if (operation === "write" && path.endsWith(".spare") && disk.content().get(path)?.length === 0)
        throw new Error("ENOSPC");
    };
    let index = 2;
    for (; index < 8; index += 1) await appendDurably(storage, entriesFrom(index, 1, 1, 8_000));
    expect(errors).toEqual([]);
    const done: number[] = [];
    storage.append({ hardState: null, entries: entriesFrom(index, 1, 1, 30_000), snapshot: null }, () =>
      done.push(index),
    );
    while (errors.length === 0) await turn();
    expect([done, errors.length]).toEqual([[], 1]);
    disk.before = () => {};
    expect((await openForTest(disk)).lastIndex()).toBe(index - 1);
  });

  it("closes its files also when the disk is full just then, says so, and has lost nothing", async () => {
    const { disk, storage } = await failing();
    await appendDurably(storage, entriesFrom(2, 1, 1));
    disk.before = (operation) => {
      if (operation === "write") throw new Error("ENOSPC");
    };
    await expect(storage.close()).rejects.toThrow(/^meta: ENOSPC; this node stops; nothing it acknowledged is lost/);
    disk.before = () => {};
    expect(disk.openFiles).toBe(0);
    expect((await openForTest(disk)).lastIndex()).toBe(2);
  });

  it("grows a segment as it goes if only preparing one failed", async () => {
    const { disk, storage, errors } = await failing();
    let denied = false;
    disk.before = (operation, path) => {
      if (denied || operation !== "open" || !path.endsWith(".spare")) return;
      denied = true;
      throw new Error("ENOSPC");
    };
    for (let index = 2; index < 20; index += 1) await appendDurably(storage, entriesFrom(index, 1, 1, 8_000));
    expect([denied, errors]).toEqual([true, []]);
    expect(logOf(await openForTest(new TestDisk(disk.content())))).toEqual(logOf(storage));
  });
});

describe("options", () => {
  it.each([0, 65_535, 1.5, 2 ** 31, Number.NaN])("refuse segmentBytes %s", async (segmentBytes) => {
    await expect(openStorage(new TestDisk(), testOptions({ segmentBytes }))).rejects.toThrow(
      /segmentBytes is .* from 65536/,
    );
  });
});
