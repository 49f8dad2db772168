import { describe, expect, it } from "vitest";
import { openStorage } from "./open-storage.ts";
import { appendDurably, entriesFrom, openForTest, testOptions } from "./storage.fixture.ts";
import { TestDisk } from "./test-disk.fixture.ts";

/** The disk with the last byte of the log's last frame changed. */
function torn(disk: TestDisk): TestDisk {
  const content = disk.content();
  const [segment] = [...content.keys()]
    .filter((name) => name.endsWith(".seg"))
    .sort()
    .slice(-1);
  const bytes = content.get(segment ?? "");
  if (bytes === undefined) throw new Error("no segment");
  const at = bytes.findLastIndex((byte) => byte !== 0);
  bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  return new TestDisk(content);
}

describe("N2: the latest term that a node can have spoken in", () => {
  it("is known whatever the lost frame held: it is reserved in META before any frame carries it", async () => {
    const disk = new TestDisk();
    const storage = await openForTest(disk);
    for (const [at, term] of [1, 2, 64, 65, 66, 500, 501].entries()) {
      await appendDurably(storage, entriesFrom(at + 1, 1, term), term);
      const opened = await openForTest(torn(disk));
      expect(opened.recovery.droppedLastFrame).toBe(true);
      expect(opened.initialState().hardState.term).toBeLessThan(term);
      expect(opened.recovery.latestTerm).toBeGreaterThanOrEqual(term);
      expect(opened.recovery.latestTerm).toBeLessThanOrEqual(term + 64);
    }
  });

  it("is reserved many at a time, so that an election seldom waits for META", async () => {
    const disk = new TestDisk();
    const storage = await openForTest(disk);
    const metaOf = (): string => disk.content().get("meta")?.toString("hex") ?? "";
    const before = metaOf();
    for (let term = 1; term <= 64; term++) await appendDurably(storage, entriesFrom(term, 1, term), term);
    expect(metaOf()).toBe(before);
    await appendDurably(storage, entriesFrom(65, 1, 65), 65);
    expect(metaOf()).not.toBe(before);
  });

  it("is far above the newest intact frame where META is lost too", async () => {
    const disk = new TestDisk();
    const storage = await openForTest(disk);
    await appendDurably(storage, entriesFrom(1, 1, 7), 7);
    const content = disk.content();
    content.get("meta")?.fill(9);
    const opened = await openStorage(new TestDisk(content), testOptions({ repair: true }));
    expect(opened.recovery).toMatchObject({ droppedLastFrame: true, latestTerm: 7 + 2 ** 20 });
  });
});
