import { expect, it } from "vitest";
import { appendOne, Run, type Step, turn } from "./crash-run.fixture.ts";
import { logOf, openForTest } from "./storage.fixture.ts";
import type { Storage } from "./storage.ts";
import { StorageError } from "./storage-error.ts";
import { type Moment, TestDisk } from "./test-disk.fixture.ts";

const append = (count: number, bytes: number): Step => ({ kind: "append", count, bytes, back: 0 });
const wait: Step = { kind: "wait" };
const commit: Step = { kind: "commit" };
const snapshot: Step = { kind: "snapshot", back: 0 };
const receive: Step = { kind: "receive", ahead: 3 };

/** Segments that follow each other, two snapshots of the own and a received one. */
const steps: readonly Step[] = [
  ...[append(2, 9_000), wait, append(3, 20_000), wait, commit, append(1, 60), wait, snapshot],
  ...[append(2, 20_000), wait, commit, append(1, 60), wait, snapshot, wait],
  ...[receive, append(1, 100), wait, append(2, 20_000), wait],
];

/** The disk and its page cache before every operation that changes a name, and after it. */
async function disksOfKilledProcesses(): Promise<TestDisk[]> {
  const disk = new TestDisk();
  const disks: TestDisk[] = [];
  let wasName = false;
  disk.before = (operation) => {
    const isName = operation === "rename" || operation === "remove" || operation === "open";
    if (isName || wasName) disks.push(disk.fork());
    wasName = isName;
  };
  const run = new Run(await openForTest(disk));
  for (const step of steps) await run.take(step);
  for (let idle = 0; idle < 5; idle += 1) await turn();
  return disks;
}

const snapshotIndex = (storage: Storage): number => {
  const newest = storage.snapshot();
  return newest === "unavailable" ? 0 : newest.index;
};

/** All of few, and of more the first so many, all but those, one alone, and all but one. */
function* choices(items: number): Generator<(item: number) => boolean> {
  if (items <= 6) {
    for (let mask = 0; mask < 2 ** items; mask += 1) yield (item) => (mask & (1 << item)) !== 0;
    return;
  }
  const stride = Math.ceil(items / 10);
  for (let at = 0; at <= items; at += stride) {
    yield (item) => item < at;
    yield (item) => item >= at;
    yield (item) => item === at;
    yield (item) => item !== at;
  }
}

const contents = ({ items, after }: Moment) => [...choices(items.length)].map((keeps) => after(keeps));

it("N1: what a process reads of one that was killed is durable before it says anything, names included", async () => {
  const disks = await disksOfKilledProcesses();
  let states = 0;
  for (const disk of disks) {
    const during: Moment[] = [];
    disk.before = () => during.push(disk.moment());
    const storage = await openForTest(disk);
    disk.before = () => {};
    const found = [storage.lastIndex(), snapshotIndex(storage)];
    const log = logOf(storage);
    for (const content of [...contents(disk.moment()), ...during.flatMap(contents)]) {
      states += 1;
      // While it is recovered, what it holds may be less than was read, and never damaged.
      await openForTest(new TestDisk(content));
    }
    for (const content of contents(disk.moment())) {
      const again = await openForTest(new TestDisk(content));
      expect([again.lastIndex(), snapshotIndex(again)]).toEqual(found);
      expect(logOf(again)).toEqual(log);
    }
    if (storage.recovery.empty) continue;
    await appendOne(storage);
    for (const content of contents(disk.moment())) {
      expect((await openForTest(new TestDisk(content))).lastIndex()).toBe(found[0]! + 1);
    }
  }
  expect(Math.min(disks.length, states / 20)).toBeGreaterThan(20);
});

it("a repair that the power cuts keeps the received snapshot that the log begins with", async () => {
  const disks = await disksOfKilledProcesses();
  let repairs = 0;
  for (const killed of disks) {
    const content = killed.content();
    const waiting = [...content.keys()].find((path) => path.endsWith(".received"));
    const meta = content.get("meta");
    if (waiting === undefined || meta === undefined) continue;
    const expected = snapshotIndex(await openForTest(new TestDisk(content)));
    // Only where the log has switched to it.
    if (!waiting.includes(String(expected).padStart(20, "0"))) continue;
    meta.fill(0);
    const disk = new TestDisk(content);
    const during: Moment[] = [];
    disk.before = () => during.push(disk.moment());
    await openForTest(disk, { repair: true });
    for (const state of during.flatMap(contents)) {
      repairs += 1;
      const storage = await openForTest(new TestDisk(state)).catch((error: unknown) => {
        if (!(error instanceof StorageError && error.isDamage)) throw error;
        return openForTest(new TestDisk(state), { repair: true });
      });
      expect(snapshotIndex(storage)).toBe(expected);
    }
  }
  expect(repairs).toBeGreaterThan(20);
});
