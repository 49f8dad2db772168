import { createMessage, type Message, MessageType } from "@quorumguard/raft";
import { expect, test } from "vitest";
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
