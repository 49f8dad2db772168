import { describe, expect, it } from "vitest";
import { checksum } from "./bytes.ts";
import { openStorage } from "./open-storage.ts";
import {
  appendDurably,
  entriesFrom,
  identity,
  logOf,
  openForTest,
  takeSnapshot,
  testOptions,
} from "./storage.fixture.ts";
import type { Storage } from "./storage.ts";
import { StorageError } from "./storage-error.ts";
import { TestDisk } from "./test-disk.fixture.ts";

/** Twenty entries in five segments, a frame each; terms rise by one every five. Closed cleanly. */
async function closedDisk(): Promise<TestDisk> {
  const disk = new TestDisk();
  const storage = await openForTest(disk);
  for (let index = 1; index <= 20; index += 1) {
    await appendDurably(storage, entriesFrom(index, 1, termAt(index), 12_000), termAt(index));
  }
  await storage.close();
  return disk;
}

function termAt(index: number): number {
  return 1 + Math.floor(index / 5);
}

function segmentsOf(disk: TestDisk): string[] {
  return [...disk.content().keys()].filter((path) => path.endsWith(".seg")).sort();
}

function damagedCopy(disk: TestDisk, path: string, change: (bytes: Buffer) => Buffer | null): TestDisk {
  const content = disk.content();
  const changed = change(content.get(path) ?? Buffer.alloc(0));
  if (changed === null) content.delete(path);
  else content.set(path, changed);
  return new TestDisk(content);
}

function flipped(at: number): (bytes: Buffer) => Buffer {
  return (bytes) => {
    bytes.writeUInt8((bytes[at] ?? 0) ^ 1, at);
    return bytes;
  };
}

async function refused(disk: TestDisk): Promise<StorageError> {
  const outcome: unknown = await openStorage(disk, testOptions()).catch((error: unknown) => error);
  if (!(outcome instanceof StorageError)) throw new Error("the folder was accepted");
  return outcome;
}

async function repaired(disk: TestDisk): Promise<Storage> {
  return openStorage(disk, testOptions({ repair: true }));
}

describe("a folder whose acknowledged data is damaged, opened for repair", () => {
  it("keeps the frames before the damage, and the newest term and vote that any frame proves", async () => {
    const disk = await closedDisk();
    for (const [at, path] of segmentsOf(disk).entries()) {
      const copy = damagedCopy(disk, path, flipped(600));
      const error = await refused(copy);
      expect([error.file, error.isDamage]).toEqual([path, true]);
      const before = copy.content();
      const storage = await repaired(copy);
      const kept = storage.lastIndex();
      expect(logOf(storage)).toEqual(
        entriesFrom(1, kept, 0, 12_000).map(({ index }) => {
          const term = termAt(index);
          return `${index} ${term} ${Buffer.alloc(12_000, `${index}@${term};`).toString("latin1")}`;
        }),
      );
      expect([at, kept % 5]).toEqual([at, 0]);
      expect(storage.initialState().hardState).toMatchObject({ term: 5, vote: 3 });
      expect(storage.recovery).toEqual({
        droppedLastFrame: true,
        droppedAt: null,
        damaged: { file: path, offset: error.offset, problem: expect.stringContaining("damaged") },
        latestTerm: 64,
        empty: false,
      });
      // Nothing of what was there is gone.
      const after = copy.content();
      for (const [name, bytes] of before) {
        if (!name.endsWith(".seg")) continue;
        expect(after.get(`${name}.1.damaged`)?.equals(bytes)).toBe(true);
      }
    }
  });

  it("says so over restarts, without repair, until the cluster has made up for it", async () => {
    const disk = damagedCopy(await closedDisk(), segmentsOf(await closedDisk())[1] ?? "", flipped(700));
    await (await repaired(disk)).close();
    for (let start = 0; start < 3; start += 1) {
      const storage = await openForTest(disk);
      expect(storage.recovery).toMatchObject({ droppedLastFrame: true, damaged: { offset: 512 } });
      await appendDurably(storage, entriesFrom(storage.lastIndex() + 1, 1, 9), 9);
      if (start === 2) await storage.settleDroppedFrame();
      await storage.close();
    }
    const settled = await openForTest(disk);
    const sound = { droppedLastFrame: false, droppedAt: null, damaged: null, latestTerm: 64, empty: false };
    expect(settled.recovery).toEqual(sound);
    expect(settled.initialState().hardState.term).toBe(9);
  });

  it("keeps only the snapshot if the log does not continue it, and only the identity without one", async () => {
    const disk = await closedDisk();
    const storage = await openForTest(disk);
    await appendDurably(storage, [], 6);
    await takeSnapshot(storage, 12, termAt(12), ["image"]);
    await storage.compact(10);
    await storage.close();
    const [first = ""] = segmentsOf(disk);
    const snapshot = [...disk.content().keys()].find((path) => path.endsWith(".snap")) ?? "";
    const onlySnapshot = await repaired(damagedCopy(disk, first, () => null));
    expect([onlySnapshot.firstIndex(), onlySnapshot.lastIndex()]).toEqual([13, 12]);
    expect(onlySnapshot.initialState().hardState).toMatchObject({ term: 6, vote: 3, commit: 12 });
    for (const change of [flipped(90), flipped(10), () => null]) {
      const copy = damagedCopy(disk, snapshot, change);
      if (change(Buffer.alloc(200)) !== null) await repaired(copy);
      const onlyIdentity = await repaired(damagedCopy(disk, snapshot, change));
      expect(onlyIdentity.identity).toEqual(identity);
      expect([onlyIdentity.lastIndex(), onlyIdentity.snapshot()]).toEqual([0, "unavailable"]);
      expect(onlyIdentity.initialState().hardState).toEqual({ term: 6, vote: 3, commit: 0 });
      expect(onlyIdentity.recovery.damaged).not.toBeNull();
    }
  });

  it("looks at an image to its last byte, since who started for repair would stop at it again", async () => {
    const disk = await closedDisk();
    const storage = await openForTest(disk);
    await appendDurably(storage, [], 6);
    await takeSnapshot(storage, 12, termAt(12), ["first piece", "second piece"]);
    await storage.close();
    const snapshot = [...disk.content().keys()].find((path) => path.endsWith(".snap")) ?? "";
    const at = (disk.content().get(snapshot) ?? Buffer.alloc(0)).indexOf("second piece");
    const copy = damagedCopy(disk, snapshot, flipped(at));
    const opened = await repaired(copy);
    expect(opened.snapshot()).toBe("unavailable");
    expect(opened.recovery.damaged).toMatchObject({ file: snapshot });
    await opened.close();
    expect([...copy.content().keys()].some((path) => path.startsWith(snapshot) && path.endsWith(".damaged"))).toBe(
      true,
    );
  });

  it("makes a new META in place of one that is damaged or missing, and keeps the whole log", async () => {
    const disk = await closedDisk();
    for (const change of [(bytes: Buffer) => bytes.fill(7), () => null]) {
      const copy = damagedCopy(disk, "meta", change);
      expect((await refused(copy)).file).toBe("meta");
      const storage = await repaired(copy);
      expect([storage.lastIndex(), storage.recovery.damaged?.file]).toEqual([20, "meta"]);
      await storage.close();
      expect((await openForTest(copy)).recovery.damaged?.file).toBe("meta");
    }
  });

  it("takes a META of a later version for that only if its checksum holds: damage may look like one", async () => {
    const disk = await closedDisk();
    const slots = [0, 4096];
    const later = (bytes: Buffer) => {
      for (const at of slots) bytes.writeUInt32LE(9, at + 4);
      return bytes;
    };
    const copy = damagedCopy(disk, "meta", later);
    expect((await refused(copy)).message).toContain("both slots are damaged");
    const storage = await repaired(copy);
    expect(storage.recovery.damaged?.file).toBe("meta");
    await storage.close();
    const foreign = damagedCopy(disk, "meta", (bytes) => {
      later(bytes);
      for (const at of slots) bytes.writeUInt32LE(checksum(bytes.subarray(at, at + 508), 0), at + 508);
      return bytes;
    });
    for (const outcome of [openStorage(foreign, testOptions()), repaired(foreign)])
      await expect(outcome).rejects.toThrow("format version 9, this build reads up to 2");
  });

  it("is repaired or as damaged as before, wherever the power fails meanwhile", async () => {
    const disk = await closedDisk();
    const path = segmentsOf(disk)[2] ?? "";
    const whole = (await repaired(damagedCopy(disk, path, flipped(600)))).lastIndex();
    for (let cutAt = 0; cutAt < 40; cutAt += 1) {
      for (const early of [false, true]) {
        const copy = damagedCopy(disk, path, flipped(600));
        const cut = copy.cutPowerAt(cutAt);
        await Promise.race([repaired(copy), cut]);
        copy.cutPowerAt(0);
        const left = copy.afterPowerFailure(() => early);
        const storage = await openStorage(left, testOptions()).catch((error: unknown) => {
          expect(error).toBeInstanceOf(StorageError);
          return null;
        });
        expect(storage === null || storage.recovery.damaged !== null).toBe(true);
        const again = storage ?? (await repaired(left));
        expect([cutAt, again.lastIndex()]).toEqual([cutAt, whole]);
        expect(again.initialState().hardState).toMatchObject({ term: 5, vote: 3 });
      }
    }
  });

  it("is refused all the same if it is another node's, or nobody can say whose it is", async () => {
    const disk = await closedDisk();
    await expect(repaired(damagedCopy(disk, "identity", flipped(16)))).rejects.toThrow(/identity at byte 0/);
    const foreign = new TestDisk();
    await (await openStorage(foreign, testOptions())).saveIdentity({ ...identity, nodeId: 4 });
    const mixed = new Map([...disk.content()].filter(([path]) => !path.endsWith(".seg")));
    for (const [path, bytes] of foreign.content()) if (path.endsWith(".seg")) mixed.set(path, bytes);
    await expect(repaired(new TestDisk(mixed))).rejects.toThrow("belongs to node 4");
  });

  it("is opened as it is if nothing is damaged", async () => {
    const disk = await closedDisk();
    const storage = await repaired(disk);
    expect([storage.lastIndex(), storage.recovery.damaged, storage.recovery.droppedLastFrame]).toEqual([
      20,
      null,
      false,
    ]);
  });
});
