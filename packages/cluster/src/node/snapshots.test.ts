import { createLimiter } from "@quorumguard/limiter";
import { createMessage, type Message, MessageType } from "@quorumguard/raft";
import { expect, test } from "vitest";
import { appendDurably, confState, entriesFrom, logOf, openForTest } from "../storage/storage.fixture.ts";
import { type Operation, TestDisk } from "../storage/test-disk.fixture.ts";
import { encodeMessage } from "./peer-codec.ts";
import { Snapshots, type SnapshotsParts } from "./snapshots.ts";

const snap: Message = {
  ...createMessage(MessageType.snap, 2),
  from: 1,
  term: 3,
  snapshot: {
    index: 38,
    term: 1,
    confState: { voters: [1, 2, 3], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false },
    data: new Uint8Array(0),
  },
};

/** A node of term 3 whose log is committed up to `commitIndex`, and what its core was given. */
function follower(commitIndex: number) {
  const stepped: Message[] = [];
  const received: number[] = [];
  const parts = {
    nodeId: 2,
    driver: {
      raft: { term: 3, commitIndex },
      restoring: false,
      receiveMessage: (message: Message) => stepped.push(message),
    },
    storage: {
      receiveSnapshot: async (meta: { index: number }) => {
        received.push(meta.index);
        return { write: async () => {}, commit: async () => {}, abort: async () => {} };
      },
    },
    receiveResync: () => undefined,
  } as unknown as SnapshotsParts;
  return { snapshots: new Snapshots(parts), stepped, received };
}

test("a snapshot that brings nothing new is refused, and the core tells the leader how far the log reaches", async () => {
  const { snapshots, stepped, received } = follower(40);
  expect(await snapshots.receive(1, encodeMessage(snap))).toBeNull();
  expect(stepped.map((message) => message.snapshot?.index)).toEqual([38]);
  expect(received).toEqual([]);
});

test("a snapshot of a past term is refused without a word to the core", async () => {
  const { snapshots, stepped } = follower(40);
  expect(await snapshots.receive(1, encodeMessage({ ...snap, term: 2 }))).toBeNull();
  expect(stepped).toEqual([]);
});

test("a snapshot that is ahead of the log is taken, and the core hears of it only once it is whole", async () => {
  const { snapshots, stepped, received } = follower(20);
  expect(await snapshots.receive(1, encodeMessage(snap))).not.toBeNull();
  expect(received).toEqual([38]);
  expect(stepped).toEqual([]);
});

const atOnce = { snapshotLogBytes: 1, trailingEntries: 0 };

/** A node that has applied nine entries, and keeps no more of the log than it must. */
async function withLog(disk: TestDisk, options: { snapshotLogBytes: number; trailingEntries: number } = atOnce) {
  const storage = await openForTest(disk);
  if (storage.lastIndex() === 0) await appendDurably(storage, entriesFrom(1, 9, 1));
  const failed: Error[] = [];
  const parts = {
    driver: {
      get appliedIndex() {
        return storage.lastIndex();
      },
      restoring: false,
      limiter: createLimiter(),
      raft: { status: () => ({ confState }) },
    },
    storage,
    members: { list: [] },
    clock: { monotonicMs: () => 0, endOfTurn: (done: () => void) => done() },
    ...options,
    log: () => {},
    failed: (error: Error) => failed.push(error),
  } as unknown as SnapshotsParts;
  return { snapshots: new Snapshots(parts), storage, failed };
}

/** Ways to lose an image on its way to the disk: what fails, and in which file. */
const losses: readonly (readonly [string, Operation, RegExp])[] = [
  ["written", "write", /\.part$/],
  ["flushed", "flush", /\.part$/],
  ["given its name", "rename", /snapshots/],
];

test.each(losses)(
  "origins, defect 6: a snapshot that cannot be %s is an error, and the log that it was to stand for stays",
  async (_, operation, where) => {
    const disk = new TestDisk();
    const { snapshots, storage, failed } = await withLog(disk);
    const before = logOf(storage);
    disk.before = (done, path) => {
      if (done === operation && where.test(path)) throw new Error("ENOSPC: no space left on device");
    };
    snapshots.ticked();
    await snapshots.settled();
    expect(failed.map(({ message }) => message)).toEqual([expect.stringContaining("ENOSPC")]);
    await expect(snapshots.cut()).rejects.toThrow("ENOSPC");
    expect(logOf(storage)).toEqual(before);
    const restarted = await openForTest(new TestDisk(disk.content()));
    expect(logOf(restarted)).toEqual(before);
    // Once there is room again the next one is taken, and only then does the log give way.
    disk.before = () => {};
    expect((await snapshots.cut()).index).toBe(9);
    expect(logOf(storage)).toEqual([]);
  },
);

test("the trail behind a snapshot takes no more memory than the image has bytes, or half of what the log may take", async () => {
  // Of 20 bytes of data, in memory.
  const entryBytes = 620;
  const trail = async (snapshotLogBytes: number, trailingEntries: number) => {
    const { snapshots, storage } = await withLog(new TestDisk(), { snapshotLogBytes, trailingEntries });
    const { bytes } = await snapshots.cut();
    expect(storage.snapshotBytes).toBe(bytes);
    return { bytes, entries: logOf(storage).length };
  };
  const { bytes, entries } = await trail(1, 100);
  expect(entries).toBe(Math.floor(bytes / entryBytes));
  expect(entries).toBeLessThan(6);
  expect((await trail(12 * entryBytes, 100)).entries).toBe(6);
  expect((await trail(12 * entryBytes, 2)).entries).toBe(2);
});

test("the next snapshot waits until the log takes twice as much as the last one, also after a restart", async () => {
  const disk = new TestDisk();
  const { bytes } = await (await withLog(disk)).snapshots.cut();
  const restarted = new TestDisk(disk.content());
  const { snapshots, storage } = await withLog(restarted);
  const room = Math.floor((2 * bytes) / 620);
  await appendDurably(storage, entriesFrom(10, room, 1));
  snapshots.ticked();
  await snapshots.settled();
  expect(storage.snapshot()).toMatchObject({ index: 9 });
  await appendDurably(storage, entriesFrom(10 + room, 1, 1));
  snapshots.ticked();
  await snapshots.settled();
  expect(storage.snapshot()).toMatchObject({ index: 10 + room });
});
