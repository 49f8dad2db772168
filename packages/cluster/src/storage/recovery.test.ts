import { describe, expect, it } from "vitest";
import { assertIdentity, readIdentity } from "./identity-file.ts";
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
import { StorageError } from "./storage-error.ts";
import { TestDisk } from "./test-disk.fixture.ts";

/** Three frames of three entries each, as a crash (not a close) leaves them: nothing in META proves the last one. */
async function crashedDisk(): Promise<{ content: Map<string, Buffer>; segment: string; frames: number[] }> {
  const disk = new TestDisk();
  const storage = await openForTest(disk);
  const frames: number[] = [];
  const segment = [...disk.content().keys()].find((path) => path.endsWith(".seg")) ?? "";
  for (const index of [1, 4, 7]) {
    frames.push(endOfContent(disk.content().get(segment)));
    await appendDurably(storage, entriesFrom(index, 3, 1, 200));
  }
  return { content: disk.content(), segment, frames };
}

function endOfContent(bytes: Buffer | undefined): number {
  const all = bytes ?? Buffer.alloc(0);
  let end = all.length;
  while (end > 0 && all[end - 1] === 0) end -= 1;
  return Math.ceil(end / 512) * 512;
}

function changed(content: Map<string, Buffer>, path: string, change: (bytes: Buffer) => void): TestDisk {
  const copy = new Map([...content].map(([name, bytes]) => [name, Buffer.from(bytes)]));
  const bytes = copy.get(path);
  if (bytes === undefined) throw new Error(`${path} is absent`);
  change(bytes);
  return new TestDisk(copy);
}

async function refusal(disk: TestDisk): Promise<StorageError> {
  const outcome = await openStorage(disk, testOptions()).catch((error: unknown) => error);
  if (!(outcome instanceof StorageError)) throw new Error("the folder was accepted");
  return outcome;
}

describe("a last frame that nothing proves acknowledged", () => {
  it("is dropped, and the node told so, wherever it was torn", async () => {
    const { content, segment, frames } = await crashedDisk();
    const from = frames[2] ?? 0;
    const whole = content.get(segment) ?? Buffer.alloc(0);
    for (let cut = from; cut < from + 80 + 3 * 216; cut += 1) {
      const disk = changed(content, segment, (bytes) => bytes.fill(0, cut, from + 1024));
      const isWhole = (disk.content().get(segment) ?? whole).equals(whole);
      const storage = await openForTest(disk);
      expect([cut, storage.lastIndex(), storage.recovery.droppedLastFrame]).toEqual([
        cut,
        isWhole ? 9 : 6,
        !isWhole && cut > from,
      ]);
      const { droppedAt } = storage.recovery;
      if (droppedAt !== null) expect(droppedAt).toMatchObject({ file: segment, offset: from });
      expect(droppedAt !== null).toBe(storage.recovery.droppedLastFrame);
      await storage.close();
    }
  });

  it("is dropped if its first sectors are the ones that are missing", async () => {
    const { content, segment, frames } = await crashedDisk();
    const from = frames[2] ?? 0;
    const storage = await openForTest(changed(content, segment, (bytes) => bytes.fill(0, from, from + 512)));
    expect(storage.lastIndex()).toBe(6);
    expect(storage.recovery.droppedLastFrame).toBe(true);
  });

  it("leaves nothing behind: what is appended in its place is read back", async () => {
    const { content, segment, frames } = await crashedDisk();
    const disk = changed(content, segment, (bytes) => bytes.fill(0, (frames[2] ?? 0) + 512));
    const storage = await openForTest(disk);
    await appendDurably(storage, entriesFrom(7, 1, 2));
    const log = logOf(storage);
    const again = await openForTest(new TestDisk(disk.content()));
    expect(logOf(again)).toEqual(log);
  });

  it("keeps the node abstaining over restarts until the cluster made up for it (N2)", async () => {
    const { content, segment, frames } = await crashedDisk();
    const disk = changed(content, segment, (bytes) => bytes.fill(0, (frames[2] ?? 0) + 100));
    await (await openForTest(disk)).close();
    const idle: (() => void)[] = [];
    const setTimer = (callback: () => void) => {
      idle.push(callback);
      return () => {};
    };
    const second = await openForTest(disk, { setTimer });
    expect(second.recovery.droppedLastFrame).toBe(true);
    await appendDurably(second, entriesFrom(7, 1, 2));
    // Noting in the same moment that the log is durable must not bring the note of the dropped frame back.
    const settled = second.settleDroppedFrame();
    for (const note of idle) note();
    await settled;
    await second.close();
    expect((await openForTest(disk)).recovery.droppedLastFrame).toBe(false);
  });
});

describe("acknowledged data that is damaged", () => {
  it("is refused with file and offset: any bit of an earlier frame", async () => {
    const { content, segment, frames } = await crashedDisk();
    const [first = 0, second = 0, third = 0] = frames;
    for (const [from, to] of [
      [first, second],
      [second, third],
    ] as const) {
      for (let at = from; at < from + 80 + 3 * 216; at += 7) {
        const error = await refusal(
          changed(content, segment, (bytes) => bytes.writeUInt8((bytes[at] ?? 0) ^ (1 << (at % 8)), at)),
        );
        expect([error.file, error.offset]).toEqual([segment, from]);
        expect(to).toBeGreaterThan(from);
      }
    }
  });

  it("is refused if META says that the last frame was durable", async () => {
    const { content } = await crashedDisk();
    const disk = new TestDisk(content);
    await (await openForTest(disk)).close();
    const segment = [...disk.content().keys()].find((path) => path.endsWith(".seg")) ?? "";
    for (const damage of [(bytes: Buffer) => bytes.fill(0, 2560), (bytes: Buffer) => bytes.fill(1, 2600, 2601)]) {
      const error = await refusal(changed(disk.content(), segment, damage));
      expect(error.file).toBe(segment);
      expect(error.offset).toBe(2560);
      expect(error.message).toContain("start it with --repair");
    }
  });

  it("is refused in a header, an identity, both META slots, or as a missing file", async () => {
    const { content, segment } = await crashedDisk();
    expect((await refusal(changed(content, segment, (bytes) => bytes.fill(9, 20, 21)))).file).toBe(segment);
    expect((await refusal(changed(content, "identity", (bytes) => bytes.fill(0x39, 16, 17)))).file).toBe("identity");
    expect((await refusal(changed(content, "meta", (bytes) => bytes.fill(9)))).file).toBe("meta");
    for (const path of ["meta", "identity", segment]) {
      const rest = new Map([...content].filter(([name]) => name !== path));
      await refusal(new TestDisk(rest));
    }
  });

  it("is refused if a whole segment is missing or a sealed one is cut", async () => {
    const disk = new TestDisk();
    const storage = await openForTest(disk);
    for (let index = 1; index < 40; index += 1) await appendDurably(storage, entriesFrom(index, 1, 1, 8_000));
    const segments = [...disk.content().keys()].filter((path) => path.endsWith(".seg")).sort();
    expect(segments.length).toBeGreaterThan(3);
    for (const path of segments.slice(0, -1)) {
      await refusal(new TestDisk(new Map([...disk.content()].filter(([name]) => name !== path))));
      const error = await refusal(changed(disk.content(), path, (bytes) => bytes.fill(0, 40_000)));
      expect(error.file).toBe(path);
    }
  });
});

describe("a folder of another node", () => {
  it("cannot be given to one", async () => {
    const storage = await openForTest(new TestDisk());
    await expect(storage.saveIdentity({ ...identity, nodeId: 4 })).rejects.toThrow("belongs to node 3");
    await storage.saveIdentity(identity);
  });

  it("is refused to a node of another number or cluster, naming both", () => {
    assertIdentity(identity, { nodeId: 3 });
    assertIdentity(identity, { nodeId: 3, clusterId: identity.clusterId });
    expect(() => assertIdentity(identity, { nodeId: 4 })).toThrow("belongs to node 3, not to node 4");
    const clusterId = "e".repeat(32);
    expect(() => assertIdentity(identity, { nodeId: 3, clusterId })).toThrow(`not to cluster ${clusterId}`);
  });

  it("takes an identity after a first attempt failed halfway, at any operation", async () => {
    for (let failAt = 0; failAt < 14; failAt += 1) {
      const disk = new TestDisk();
      const storage = await openStorage(disk, testOptions());
      const from = disk.operations;
      disk.before = () => {
        if (disk.operations === from + failAt + 1) throw new Error("ENOSPC");
      };
      await storage.saveIdentity(identity).catch(() => storage.saveIdentity(identity));
      await appendDurably(storage, entriesFrom(1, 1, 1));
      expect((await openForTest(new TestDisk(disk.content()))).lastIndex()).toBe(1);
    }
  });

  it("is made as a whole before it is closed, so that nothing is written to it afterwards", async () => {
    const disk = new TestDisk();
    const storage = await openStorage(disk, testOptions());
    const saved = storage.saveIdentity(identity);
    await storage.close();
    expect(disk.openFiles).toBe(0);
    const { operations } = disk;
    await saved;
    expect(disk.operations).toBe(operations);
    expect((await openStorage(disk, testOptions())).identity).toEqual(identity);
  });

  it("refuses an identity that could not be read back", async () => {
    const storage = await openStorage(new TestDisk(), testOptions());
    await expect(storage.saveIdentity({ ...identity, clusterId: "x" })).rejects.toThrow('clusterId is "x"');
    await expect(storage.saveIdentity({ ...identity, nodeId: 0 })).rejects.toThrow("nodeId is 0");
  });

  it("is noticed by its segments and snapshots", async () => {
    const foreign = new TestDisk();
    const other = await openStorage(foreign, testOptions());
    await other.saveIdentity({ ...identity, clusterId: "f".repeat(32), nodeId: 4 });
    await takeSnapshot(other, 5, 1, ["x"]);
    const ours = new TestDisk();
    await openForTest(ours);
    const pick = (suffix: string) => [...foreign.content()].filter(([path]) => path.endsWith(suffix));
    const ownSegments = [...ours.content()].filter(([path]) => !path.endsWith(".seg"));
    expect((await refusal(new TestDisk(new Map([...ownSegments, ...pick(".seg")])))).message).toContain(
      "node 4 of cluster ffff",
    );
    expect((await refusal(new TestDisk(new Map([...ours.content(), ...pick(".snap")])))).message).toContain(
      "cluster ffff",
    );
  });

  it("is read back whole", async () => {
    const disk = new TestDisk();
    await openForTest(disk);
    expect(await readIdentity(disk)).toEqual(identity);
  });
});

describe("recovery", () => {
  it("N1 and G6: writes and flushes what it read before it resolves, since a flush that failed has lost it for good", async () => {
    const disk = new TestDisk();
    let killed = (): void => {};
    const failed = new Promise<void>((resolve) => {
      killed = resolve;
    });
    const storage = await openForTest(disk, { onFatal: () => killed() });
    // The frame is in the page cache, and the disk has lost it: reading it back proves nothing.
    disk.before = (operation) => {
      if (operation === "flush") throw new Error("EIO");
    };
    storage.append(
      { hardState: { term: 1, vote: 3, commit: 0 }, entries: entriesFrom(1, 2, 1), snapshot: null },
      () => {},
    );
    await failed;
    disk.before = () => {};
    const restarted = await openForTest(disk);
    expect(restarted.lastIndex()).toBe(2);
    const afterPowerFailure = await openForTest(disk.afterPowerFailure(() => false));
    expect(logOf(afterPowerFailure)).toEqual(logOf(restarted));
  });
});
