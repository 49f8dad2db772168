import { expect, it } from "vitest";
import { decodeFrame, sectorBytes, segmentSeed } from "./log-frame.ts";
import { openStorage } from "./open-storage.ts";
import {
  appendDurably,
  confState,
  entriesFrom,
  identity,
  openForTest,
  takeSnapshot,
  testOptions,
} from "./storage.fixture.ts";
import type { SnapshotMeta, Storage } from "./storage.ts";
import { TestDisk } from "./test-disk.fixture.ts";

const meta: SnapshotMeta = { index: 10, term: 2, confState };

async function receive(storage: Storage): Promise<void> {
  const donor = await openStorage(new TestDisk(), testOptions());
  await donor.saveIdentity({ ...identity, nodeId: 1 });
  await takeSnapshot(donor, meta.index, meta.term, ["image"]);
  const reader = (await donor.openSnapshot())!;
  const writer = await storage.receiveSnapshot(meta);
  await writer.write(await reader.read(0, reader.bytes));
  await writer.commit();
  await reader.close();
  const hardState = { term: 2, vote: 3, commit: meta.index };
  await new Promise<void>((resolve) => storage.append({ hardState, entries: [], snapshot: meta }, resolve));
}

/** Spoils the frame by which the log switched to the snapshot; what precedes and follows it stays as it is. */
function withoutTheSwitch(disk: TestDisk): TestDisk {
  const content = disk.content();
  const [path = "", bytes = Buffer.alloc(0)] = [...content].find(([name]) => name.endsWith(".seg")) ?? [];
  const seed = segmentSeed(/-([0-9a-f]{16})\.seg$/.exec(path)?.[1] ?? "");
  let at: number = sectorBytes;
  let frame = decodeFrame(bytes, at, seed);
  while (frame !== null && frame.reset === null) {
    at = frame.end;
    frame = decodeFrame(bytes, at, seed);
  }
  expect(frame?.reset).toEqual({ index: meta.index, term: meta.term });
  bytes.writeUInt8((bytes[at + 40] ?? 0) ^ 1, at + 40);
  return new TestDisk(content);
}

it("F2: what a damaged log says of the time before a snapshot that contradicts it is no part of the repaired one", async () => {
  const disk = new TestDisk();
  const storage = await openForTest(disk);
  // A leader of term 1 whose entries nobody else had: the cluster went on without it, in term 2.
  for (let index = 1; index <= 12; index += 1) await appendDurably(storage, entriesFrom(index, 1, 1), 1);
  await receive(storage);
  await appendDurably(storage, entriesFrom(11, 1, 2), 2);
  await storage.close();

  const repaired = await openStorage(withoutTheSwitch(disk), testOptions({ repair: true }));
  expect(repaired.recovery.damaged).not.toBeNull();
  expect([repaired.firstIndex(), repaired.lastIndex(), repaired.term(10)]).toEqual([11, 10, 2]);
  expect(repaired.initialState().hardState).toEqual({ term: 2, vote: 3, commit: 10 });
});
