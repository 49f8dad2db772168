import { createEntryWriter } from "@quorumguard/limiter";
import { createMemoryStorage, type Entry, EntryType, encodeConfChange } from "@quorumguard/raft";
import { expect, test } from "vitest";
import { lastStampUs, lastTermBefore } from "./log-stamp.ts";
import { encodeMemberRecords } from "./member-codec.ts";

const nothing = new Uint8Array(0);
const stampUs = 1_767_225_600_000_123;

function stamped(index: number, at: number): Entry {
  const writer = createEntryWriter();
  writer.begin({ takeover: false });
  return { term: 1, index, type: EntryType.normal, data: writer.finish(at) };
}

function changeOfMembers(index: number): Entry {
  const context = encodeMemberRecords([{ nodeId: 4, address: "10.0.0.4:7401", nonce: "0123456789abcdef" }]);
  const changes = [{ kind: "addLearner", nodeId: 4 }] as const;
  return {
    term: 1,
    index,
    type: EntryType.confChangeV2,
    data: encodeConfChange({ transition: "auto", changes, context }),
  };
}

test("the newest stamp in the log is that of an entry of the limiter, whatever changes of the members follow it", () => {
  const storage = createMemoryStorage();
  storage.append([
    stamped(1, stampUs - 5),
    stamped(2, stampUs),
    changeOfMembers(3),
    { term: 2, index: 4, type: EntryType.normal, data: nothing },
  ]);
  expect(lastStampUs(storage, 0)).toBe(stampUs);
  expect(lastStampUs(storage, 1)).toBe(stampUs);
  // What is applied the state machine knows.
  expect(lastStampUs(storage, 2)).toBe(0);
});

test("the last term before one's own is that of the last entry that somebody else led in", () => {
  const storage = createMemoryStorage();
  expect(lastTermBefore(storage, 5)).toBe(0);
  storage.append([stamped(1, stampUs), { term: 3, index: 2, type: EntryType.normal, data: nothing }]);
  expect(lastTermBefore(storage, 5)).toBe(3);
  storage.append([{ term: 5, index: 3, type: EntryType.normal, data: nothing }]);
  expect(lastTermBefore(storage, 5)).toBe(3);
  expect(lastTermBefore(storage, 3)).toBe(1);
});
