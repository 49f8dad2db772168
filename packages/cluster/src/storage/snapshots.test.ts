import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { openStorage } from "./open-storage.ts";
import {
  appendDurably,
  confState,
  entriesFrom,
  identity,
  logOf,
  openForTest,
  takeSnapshot,
  testOptions,
} from "./storage.fixture.ts";
import type { SnapshotMeta, SnapshotReader, Storage } from "./storage.ts";
import { StorageError } from "./storage-error.ts";
import { TestDisk } from "./test-disk.fixture.ts";

const pieces = ["first piece", "", "x".repeat(10_000), "last piece"];

async function read(reader: SnapshotReader | null): Promise<string[]> {
  const found: string[] = [];
  for await (const piece of reader?.pieces() ?? []) found.push(Buffer.from(piece).toString());
  await reader?.close();
  return found;
}

/** The bytes of a peer's snapshot at `index`. */
async function donated(meta: SnapshotMeta, clusterId = identity.clusterId): Promise<Uint8Array> {
  const donor = await openStorage(new TestDisk(), testOptions());
  await donor.saveIdentity({ ...identity, clusterId, nodeId: 1 });
  const writer = await donor.writeSnapshot(meta);
  for (const piece of pieces) await writer.write(Buffer.from(piece));
  await writer.commit();
  const reader = await donor.openSnapshot();
  return reader === null ? new Uint8Array(0) : reader.read(0, reader.bytes);
}

async function receive(storage: Storage, meta: SnapshotMeta, bytes: Uint8Array): Promise<void> {
  const writer = await storage.receiveSnapshot(meta);
  await writer.write(bytes.subarray(0, 5_000));
  await writer.write(bytes.subarray(5_000));
  await writer.commit();
}

function switchTo(storage: Storage, meta: SnapshotMeta): Promise<void> {
  const hardState = { term: 7, vote: 0, commit: meta.index };
  return new Promise((resolve) => storage.append({ hardState, entries: [], snapshot: meta }, resolve));
}

async function restarted(disk: TestDisk): Promise<TestDisk> {
  const again = new TestDisk(disk.content());
  await openForTest(again);
  return again;
}

describe("a snapshot of our own", () => {
  it("is read back piece by piece, also after a restart", async () => {
    const disk = new TestDisk();
    const storage = await openForTest(disk);
    await appendDurably(storage, entriesFrom(1, 9, 2), 2);
    await takeSnapshot(storage, 6, 2, pieces);
    expect(storage.snapshot()).toMatchObject({ index: 6, term: 2, confState });
    expect(await read(await storage.openSnapshot())).toEqual(pieces);
    await storage.compact(6);
    const log = logOf(storage);
    const again = await openForTest(new TestDisk(disk.content()));
    expect(await read(await again.openSnapshot())).toEqual(pieces);
    expect(again.initialState()).toEqual({ hardState: { term: 2, vote: 3, commit: 6 }, confState });
    expect(logOf(again).slice(-3)).toEqual(log);
  });

  it("may be the first thing in an empty log, and the log goes on after it", async () => {
    const disk = new TestDisk();
    const storage = await openForTest(disk);
    await takeSnapshot(storage, 1, 1, ["founding"]);
    expect([storage.firstIndex(), storage.lastIndex(), storage.term(1), storage.term(0)]).toEqual([
      2,
      1,
      1,
      "compacted",
    ]);
    await appendDurably(storage, entriesFrom(2, 2, 1));
    const again = await openForTest(new TestDisk(disk.content()));
    expect([again.firstIndex(), again.lastIndex(), again.initialState().hardState.term]).toEqual([2, 3, 1]);
  });

  it("replaces the one before once nobody reads that any more", async () => {
    const disk = new TestDisk();
    const storage = await openForTest(disk);
    await appendDurably(storage, entriesFrom(1, 9, 1));
    await takeSnapshot(storage, 3, 1, ["old"]);
    const reader = await storage.openSnapshot();
    await takeSnapshot(storage, 6, 1, ["new"]);
    await takeSnapshot(storage, 5, 1, ["late"]);
    expect(await disk.list("snapshots")).toHaveLength(2);
    expect(await read(reader)).toEqual(["old"]);
    expect(await disk.list("snapshots")).toHaveLength(1);
    expect(await read(await storage.openSnapshot())).toEqual(["new"]);
  });

  it("leaves nothing if it is aborted, or the disk is full, and the node goes on", async () => {
    const disk = new TestDisk();
    const storage = await openForTest(disk);
    await appendDurably(storage, entriesFrom(1, 3, 1));
    const aborted = await storage.writeSnapshot({ index: 2, term: 1, confState });
    await aborted.write(Buffer.from("x"));
    await aborted.abort();
    disk.before = (operation, path) => {
      if (operation === "flush" && path.endsWith(".part")) throw new Error("ENOSPC");
    };
    const full = await storage.writeSnapshot({ index: 2, term: 1, confState });
    await expect(full.commit()).rejects.toThrow("ENOSPC");
    expect(await disk.list("snapshots")).toEqual([]);
    await appendDurably(storage, entriesFrom(4, 1, 1));
  });

  it("is refused with file and offset if a bit of it changed", async () => {
    const disk = new TestDisk();
    const storage = await openForTest(disk);
    await takeSnapshot(storage, 1, 1, pieces);
    const path = [...disk.content().keys()].find((name) => name.endsWith(".snap")) ?? "";
    const size = disk.content().get(path)?.length ?? 0;
    for (let at = 0; at < size; at += at < 300 || at > size - 60 ? 1 : 97) {
      const content = disk.content();
      const bytes = content.get(path);
      bytes?.writeUInt8((bytes[at] ?? 0) ^ 4, at);
      const outcome = openForTest(new TestDisk(content)).then(async (again) => read(await again.openSnapshot()));
      const error: unknown = await outcome.catch((problem: unknown) => problem);
      expect(error, `byte ${at}`).toBeInstanceOf(StorageError);
      expect((error as StorageError).file).toBe(path);
    }
  });
});

describe("a received snapshot", () => {
  const meta: SnapshotMeta = { index: 20, term: 6, confState };

  it("counts only once it was appended, and then the log before it is gone", async () => {
    const disk = new TestDisk();
    const storage = await openForTest(disk);
    await appendDurably(storage, entriesFrom(1, 9, 1));
    await receive(storage, meta, await donated(meta));
    expect(storage.snapshot()).toBe("unavailable");
    expect((await openForTest(new TestDisk(disk.content()))).lastIndex()).toBe(9);
    const switched = switchTo(storage, meta);
    expect([storage.firstIndex(), storage.lastIndex(), storage.term(20)]).toEqual([21, 20, 6]);
    expect(await read(await storage.openSnapshot())).toEqual(pieces);
    await switched;
    await appendDurably(storage, entriesFrom(21, 2, 7), 7);
    const again = await openForTest(new TestDisk(disk.content()));
    expect(await read(await again.openSnapshot())).toEqual(pieces);
    expect([again.firstIndex(), again.lastIndex(), again.term(20)]).toEqual([21, 22, 6]);
  });

  it("is refused if it is damaged, cut, of another index or of another cluster", async () => {
    const storage = await openForTest(new TestDisk());
    const bytes = await donated(meta);
    const flipped = Uint8Array.from(bytes);
    flipped[6_000] = (flipped[6_000] ?? 0) ^ 1;
    await expect(receive(storage, meta, flipped)).rejects.toThrow("piece 2 of the snapshot is damaged");
    await expect(receive(storage, meta, bytes.subarray(0, bytes.length - 1))).rejects.toThrow(StorageError);
    await expect(receive(storage, { ...meta, index: 21 }, bytes)).rejects.toThrow("announced was index 21");
    await expect(receive(storage, meta, await donated(meta, "e".repeat(32)))).rejects.toThrow("cluster eeee");
    await receive(storage, meta, bytes);
  });

  it("F1: never lowers the term that this node has spoken in", async () => {
    const disk = new TestDisk();
    const storage = await openForTest(disk);
    await appendDurably(storage, entriesFrom(1, 2, 9), 9);
    await receive(storage, meta, await donated(meta));
    const hardState = { term: 9, vote: 3, commit: 20 };
    await new Promise<void>((done) => storage.append({ hardState, entries: [], snapshot: meta }, done));
    // Even if whoever handed it in forgot to say so.
    await new Promise<void>((done) => storage.append({ hardState: null, entries: [], snapshot: null }, done));
    for (const left of [disk.content(), (await restarted(disk)).content()]) {
      expect((await openForTest(new TestDisk(left))).initialState().hardState).toEqual(hardState);
    }
  });

  it("F3: and one of our own may be finished in either order, however close together; the newer one stays", async () => {
    for (const receivedFirst of [false, true]) {
      for (const ownIndex of [10, 20, 25]) {
        const disk = new TestDisk();
        const storage = await openForTest(disk);
        await appendDurably(storage, entriesFrom(1, 30, 6), 6);
        const own = await storage.writeSnapshot({ index: ownIndex, term: 6, confState });
        await own.write(Buffer.from("own"));
        await receive(storage, meta, await donated(meta));
        const work = [() => switchTo(storage, meta), () => own.commit()];
        if (!receivedFirst) work.reverse();
        await Promise.all(work.map((each) => each()));
        const again = await openForTest(new TestDisk(disk.content()));
        const expected = ownIndex > 20 ? ["own"] : pieces;
        expect(await read(await storage.openSnapshot()), `${receivedFirst} ${ownIndex}`).toEqual(expected);
        expect(await read(await again.openSnapshot()), `${receivedFirst} ${ownIndex}`).toEqual(expected);
      }
    }
  });

  it("F7: of a later format version is refused as that, and is not called damaged", async () => {
    const storage = await openForTest(new TestDisk());
    const bytes = Buffer.from(await donated(meta));
    const headerEnd = 48 + bytes.readUInt32LE(12);
    bytes.writeUInt32LE(9, 8);
    bytes.writeUInt32LE(crc32(bytes.subarray(0, headerEnd)), headerEnd);
    const error: unknown = await receive(storage, meta, bytes).catch((problem: unknown) => problem);
    expect(error).toMatchObject({ isDamage: false, offset: 8 });
    expect(String(error)).toContain("format version 9, this build reads version 1");
  });

  it("takes the place of our own of the same index", async () => {
    const disk = new TestDisk();
    const storage = await openForTest(disk);
    await appendDurably(storage, entriesFrom(1, 20, 6), 6);
    await takeSnapshot(storage, 20, 6, ["diverged"]);
    await receive(storage, meta, await donated(meta));
    await switchTo(storage, meta);
    expect(await read(await storage.openSnapshot())).toEqual(pieces);
    expect(await read(await (await openForTest(new TestDisk(disk.content()))).openSnapshot())).toEqual(pieces);
  });

  it("lets nothing of the log before it go until the switch is durable", async () => {
    const disk = new TestDisk();
    const errors: Error[] = [];
    const storage = await openForTest(disk, { onFatal: (error) => errors.push(error) });
    for (let index = 1; index <= 15; index += 1) await appendDurably(storage, entriesFrom(index, 1, 1, 9_000));
    await receive(storage, meta, await donated(meta));
    disk.before = (operation) => {
      if (operation === "flush") throw new Error("EIO");
    };
    const hardState = { term: 7, vote: 0, commit: 20 };
    storage.append({ hardState, entries: [], snapshot: meta }, () => {});
    await storage.compact(20);
    expect(errors).toHaveLength(1);
    expect((await openForTest(disk.afterPowerFailure(() => false))).lastIndex()).toBe(15);
  });

  it("F3: makes room for the next one if the log never switched to it", async () => {
    const disk = new TestDisk();
    const storage = await openForTest(disk);
    const later = { ...meta, index: 30 };
    await receive(storage, meta, await donated(meta));
    await receive(storage, later, await donated(later));
    expect(await disk.list("snapshots")).toHaveLength(1);
    await switchTo(storage, later);
    expect(storage.lastIndex()).toBe(30);
  });

  it("G5: is there or not there as a whole, its index and its state together, wherever the power fails", async () => {
    const bytes = await donated(meta);
    const outcomes = new Set<number>();
    for (let cutAt = 0; cutAt < 24; cutAt += 1) {
      for (const early of [false, true]) {
        const disk = new TestDisk();
        const storage = await openForTest(disk);
        await appendDurably(storage, entriesFrom(1, 9, 1));
        let done = false;
        const cut = disk.cutPowerAt(disk.operations + cutAt);
        const work = receive(storage, meta, bytes)
          .then(() => switchTo(storage, meta))
          .then(() => {
            done = true;
          });
        await Promise.race([work, cut]);
        disk.cutPowerAt(0);
        // Names may be durable early while content is not, and the other way round.
        for (const pattern of [[early], [early, !early], [!early, early, early]]) {
          let at = 0;
          const left = await openForTest(disk.afterPowerFailure(() => pattern[at++ % pattern.length] ?? false));
          outcomes.add(left.lastIndex());
          if (done) expect(left.lastIndex()).toBe(20);
          if (left.lastIndex() === 20) expect(await read(await left.openSnapshot())).toEqual(pieces);
          else expect(left.lastIndex()).toBe(9);
        }
      }
    }
    expect(outcomes).toEqual(new Set([9, 20]));
  });
});
