import { describe, expect, it } from "vitest";
import type { FileSystem } from "./file-system.ts";
import { inspectFolder } from "./inspect-folder.ts";
import { openStorage } from "./open-storage.ts";
import { appendDurably, entriesFrom, identity, openForTest, takeSnapshot, testOptions } from "./storage.fixture.ts";
import { StorageError } from "./storage-error.ts";
import { TestDisk } from "./test-disk.fixture.ts";

/** Two segments, a snapshot, trailing entries. */
async function usedDisk(): Promise<TestDisk> {
  const disk = new TestDisk();
  const storage = await openForTest(disk);
  for (let index = 1; index <= 8; index += 1) await appendDurably(storage, entriesFrom(index, 1, 2, 12_000), 2);
  storage.append({ hardState: { term: 2, vote: 3, commit: 7 }, entries: [], snapshot: null }, () => {});
  await takeSnapshot(storage, 6, 2, ["the state", "at six"]);
  await appendDurably(storage, entriesFrom(9, 1, 3, 10), 3);
  await storage.close();
  return disk;
}

/** A disk that fails the test when anything is changed. */
function untouchable(disk: TestDisk): FileSystem {
  disk.before = (operation, path) => expect.unreachable(`${operation} ${path}`);
  return disk;
}

describe("a data folder that is looked at", () => {
  it("is described file by file, and nothing in it changes", async () => {
    const report = await inspectFolder(untouchable(await usedDisk()));
    expect(report).toMatchObject({
      identity,
      hardState: { term: 3, vote: 3, commit: 7 },
      firstIndex: 1,
      lastIndex: 9,
      torn: null,
      abstains: false,
      damage: [],
      empty: false,
    });
    expect(report.segments.map(({ frames, firstIndex, lastIndex }) => [frames, firstIndex, lastIndex])).toEqual([
      [5, 1, 5],
      [4, 6, 9],
    ]);
    expect(report.snapshots).toMatchObject([{ index: 6, term: 2, pieces: 2, problem: null, counts: true }]);
    expect(report.entries.map((entry) => entry.index)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await inspectFolder(untouchable(new TestDisk()))).toMatchObject({ empty: true, damage: [] });
  });

  it("is called damaged exactly if a start would refuse it or read a damaged snapshot, and torn if one would drop a frame", async () => {
    const disk = await usedDisk();
    const content = disk.content();
    const seen = { sound: 0, damaged: 0, torn: 0 };
    for (const [path, bytes] of content) {
      const used = bytes.findLastIndex((byte) => byte !== 0) + 1;
      const stride = path.endsWith(".seg") ? 397 : Math.max(1, Math.floor(used / 60));
      for (let at = 0; at < Math.min(bytes.length, used + 2_000); at += stride) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ 0x20;
        const damaged = new Map(content).set(path, changed);
        const report = await inspectFolder(untouchable(new TestDisk(damaged)));
        const started = await start(new TestDisk(damaged));
        expect([path, at, report.damage.length > 0]).toEqual([path, at, started === "refused"]);
        expect([path, at, report.torn !== null]).toEqual([path, at, started === "dropped"]);
        for (const { file, problem } of report.damage) {
          expect(file).not.toBe("");
          expect(problem.length).toBeGreaterThan(10);
        }
        seen[report.damage.length > 0 ? "damaged" : report.torn === null ? "sound" : "torn"] += 1;
      }
    }
    expect(Math.min(seen.sound, seen.damaged)).toBeGreaterThan(50);
    expect(seen.torn).toBeGreaterThan(0);
  });

  it("names what is missing: META, a segment, the snapshot, the identity", async () => {
    const content = (await usedDisk()).content();
    for (const path of content.keys()) {
      const rest = new Map([...content].filter(([name]) => name !== path));
      const report = await inspectFolder(untouchable(new TestDisk(rest)));
      expect([path, report.damage.length > 0, report.empty]).toEqual([path, true, false]);
    }
  });

  it("shows what a repair did, and what it set aside", async () => {
    const content = (await usedDisk()).content();
    const [first = ""] = [...content.keys()].filter((path) => path.endsWith(".seg")).sort();
    content.get(first)?.fill(1, 700, 702);
    const repaired = new TestDisk(content);
    await (await openStorage(repaired, testOptions({ repair: true }))).close();
    const report = await inspectFolder(untouchable(repaired));
    expect(report).toMatchObject({ abstains: true, damage: [], meta: { damaged: { file: first, offset: 512 } } });
    expect(report.setAside).toContain(`${first}.1.damaged`);
  });
});

/** What a node would make of the folder. */
async function start(disk: TestDisk): Promise<"sound" | "dropped" | "refused"> {
  try {
    const storage = await openStorage(disk, testOptions());
    const reader = await storage.openSnapshot();
    for await (const piece of reader?.pieces() ?? []) void piece;
    return storage.recovery.droppedAt === null ? "sound" : "dropped";
  } catch (error) {
    if (error instanceof StorageError) return "refused";
    throw error;
  }
}
