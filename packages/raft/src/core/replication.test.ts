import { expect, test } from "vitest";
import { entriesOfTerms, message } from "../testing/messages.ts";
import { Network } from "../testing/network.ts";
import { createSingle, lead, type Single, type SingleOptions } from "../testing/single.ts";
import { MessageType } from "../types.ts";

const { app, appResp, heartbeatResp } = MessageType;
const bytes = (length: number) => new Uint8Array(length);

/** Node 1 leads term 1, node 2 has acknowledged everything and is streamed to. */
function createReplicating(options: SingleOptions = {}): Single {
  const single = createSingle(options);
  lead(single);
  single.raft.step(message(appResp, { term: 1, from: 2, index: 1 }));
  single.sentAfterFlush();
  return single;
}

const progressOf = (single: Single, id = 2) => single.raft.status().progress.get(id);
const appendsTo = (single: Single, id = 2) =>
  single.sentAfterFlush().filter(({ type, to }) => type === app && to === id);

test("a probed member gets one append per round trip", () => {
  const single = createSingle();
  lead(single);
  expect(progressOf(single)).toMatchObject({ state: "probe", paused: true });
  single.raft.propose([bytes(1)]);
  expect(appendsTo(single)).toEqual([]);
  single.raft.step(message(heartbeatResp, { term: 1, from: 2 }));
  expect(appendsTo(single)).toHaveLength(1);
});

test("a replicating member is streamed to until the window of messages is full", () => {
  const single = createReplicating({ maxInflightMessages: 2 });
  for (let count = 0; count < 4; count++) single.raft.propose([bytes(1)]);
  expect(appendsTo(single)).toHaveLength(2);
  expect(progressOf(single)).toMatchObject({ paused: true, inflight: 2, next: 4 });
  single.raft.step(message(appResp, { term: 1, from: 2, index: 2 }));
  expect(appendsTo(single).flatMap(({ entries }) => entries.map(({ index }) => index))).toEqual([4, 5]);
});

test("the window of bytes closes as well, and opens when they are acknowledged", () => {
  const single = createReplicating({ maxInflightBytes: 10 });
  single.raft.propose([bytes(6)]);
  single.raft.propose([bytes(6)]);
  single.raft.propose([bytes(6)]);
  expect(appendsTo(single)).toHaveLength(2);
  single.raft.step(message(appResp, { term: 1, from: 2, index: 3 }));
  expect(progressOf(single)?.inflight).toBe(1);
});

test("when everything in flight was lost, a heartbeat response makes the leader ask with an empty append", () => {
  const single = createReplicating({ maxInflightMessages: 1 });
  single.raft.propose([bytes(1)]);
  single.raft.propose([bytes(1)]);
  expect(appendsTo(single)).toHaveLength(1);
  single.raft.step(message(heartbeatResp, { term: 1, from: 2 }));
  expect(appendsTo(single)).toMatchObject([{ index: 2, entries: [] }]);
  single.raft.step(message(appResp, { term: 1, from: 2, index: 2, reject: true, rejectHint: 1, logTerm: 1 }));
  expect(appendsTo(single)).toMatchObject([{ index: 1 }]);
  expect(progressOf(single)?.state).toBe("probe");
});

test("messages are cut to the byte limit, but one entry always fits", () => {
  const single = createReplicating({ maxBytesPerMessage: 4 });
  single.raft.propose([bytes(2), bytes(2), bytes(2), bytes(9)]);
  expect(appendsTo(single).map(({ entries }) => entries.length)).toEqual([2]);
  single.raft.step(message(heartbeatResp, { term: 1, from: 2 }));
  expect(appendsTo(single).map(({ entries }) => entries.length)).toEqual([1]);
  single.raft.step(message(appResp, { term: 1, from: 2, index: 4 }));
  expect(
    appendsTo(single)
      .filter(({ entries }) => entries.length > 0)
      .map(({ entries }) => entries.length),
  ).toEqual([1]);
});

test("an old rejection does not undo progress, and an acknowledgement beyond the log is not believed", () => {
  const single = createReplicating();
  single.raft.propose([bytes(1)]);
  single.sentAfterFlush();
  single.raft.step(message(appResp, { term: 1, from: 2, index: 1, reject: true }));
  expect(progressOf(single)).toMatchObject({ match: 1, next: 3, state: "replicate" });
  single.raft.step(message(appResp, { term: 1, from: 2, index: 900 }));
  expect(progressOf(single)).toMatchObject({ match: 1, next: 3 });
});

test("an unreachable member is probed again", () => {
  const single = createReplicating();
  single.raft.propose([bytes(1)]);
  single.raft.reportUnreachable(2);
  expect(progressOf(single)).toMatchObject({ state: "probe", next: 2 });
});

test("conflicts are skipped a term at a time: two long divergent logs agree within a few rounds", () => {
  const network = new Network({ members: [1, 2, 3], raft: { preVote: false, checkQuorum: false } });
  const common = entriesOfTerms([1, 1, 1]);
  const longLog = [...common, ...entriesOfTerms(Array(300).fill(5), 3)];
  const divergent = [...common, ...entriesOfTerms(Array(300).fill(2), 3)];
  for (const [id, entries] of [
    [1, longLog],
    [2, divergent],
    [3, divergent],
  ] as const) {
    const { durable } = network.member(id);
    durable.append(entries);
    durable.setHardState({ term: entries === longLog ? 5 : 2, vote: 0, commit: 3 });
    network.crash(id);
    network.restart(id);
  }
  let rejections = 0;
  network.loses = ({ type, reject }) => {
    if (type === appResp && reject) rejections++;
    return false;
  };
  network.elect(1);
  expect(rejections).toBeLessThanOrEqual(4);
  expect(network.raft(2).status().lastIndex).toBe(304);
  expect(network.raft(2).commitIndex).toBe(304);
});

test("a follower learns a lagging commit index without waiting for a heartbeat", () => {
  const network = new Network({ members: [1, 2, 3] });
  network.elect(1);
  network.slowDisks.add(3);
  network.propose(1, "a");
  network.settle();
  network.flush(3);
  network.settle();
  network.flush(3);
  network.settle();
  expect(network.raft(3).commitIndex).toBe(network.raft(1).commitIndex);
});

test("proposals beyond the bound on uncommitted bytes are refused whole, and taken again after they applied", () => {
  const single = createReplicating({ maxUncommittedBytes: 10 });
  expect(single.raft.propose([bytes(6)])).toBeNull();
  expect(single.raft.propose([bytes(2), bytes(3)])).toBe("dropped");
  expect(single.raft.status().lastIndex).toBe(2);
  expect(single.raft.propose([bytes(11)])).toBe("too-large");
  single.sentAfterFlush();
  single.raft.step(message(appResp, { term: 1, from: 2, index: 2 }));
  single.sentAfterFlush();
  expect(single.raft.core.uncommittedBytes).toBe(0);
  expect(single.raft.propose([bytes(2), bytes(3)])).toBeNull();
});

test("a follower refuses proposals when it may not forward them", () => {
  const network = new Network({ members: [1, 2, 3], raft: { disableProposalForwarding: true } });
  expect(network.propose(2, "a")).toBe("dropped");
  network.elect(1);
  expect(network.propose(2, "a")).toBe("dropped");
});

test("a follower forwards proposals otherwise", () => {
  const network = new Network({ members: [1, 2, 3] });
  network.elect(1);
  expect(network.propose(2, "a")).toBeNull();
  network.settle();
  expect(network.appliedTexts(3)).toEqual(["a"]);
});

test("committed entries are handed out in pages, the next only when the last is applied", () => {
  const single = createSingle({ maxCommittedBytesPerReady: 3 });
  const entries = entriesOfTerms([1, 1, 1]);
  single.raft.step(message(app, { term: 1, entries, commit: 3 }));
  const write = single.raft.ready().messages.find(({ type }) => type === MessageType.storageAppend)!;
  single.storage.append(entries);
  for (const response of write.responses.filter(({ to }) => to === 1)) single.raft.step(response);
  const page = single.raft.ready();
  expect(page.committedEntries.map(({ index }) => index)).toEqual([1]);
  expect(single.raft.hasReady()).toBe(false);
  single.raft.step(page.messages.find(({ type }) => type === MessageType.storageApply)!.responses[0]!);
  expect(single.raft.ready().committedEntries.map(({ index }) => index)).toEqual([2]);
});

test("only writes that must survive ask for a flush", () => {
  const single = createReplicating();
  single.raft.propose([bytes(1)]);
  expect(single.raft.ready()).toMatchObject({ mustSync: true, hardState: null });
  single.raft.step(message(appResp, { term: 1, from: 2, index: 2 }));
  single.raft.step(message(appResp, { term: 1, from: 3, index: 2 }));
  expect(single.raft.ready()).toMatchObject({ mustSync: false, hardState: { commit: 2 } });
});

test("a rejection that answers an earlier probe moves nothing", () => {
  const single = createSingle({ entries: entriesOfTerms([1, 1, 1, 1]), hardState: { term: 1, vote: 0, commit: 0 } });
  lead(single);
  expect(progressOf(single)).toMatchObject({ state: "probe", next: 5 });
  single.raft.step(message(appResp, { term: 2, from: 2, index: 2, reject: true, rejectHint: 1 }));
  expect(progressOf(single)).toMatchObject({ state: "probe", next: 5, paused: true });
  single.raft.step(message(appResp, { term: 2, from: 2, index: 4, reject: true, rejectHint: 1 }));
  expect(progressOf(single)).toMatchObject({ state: "probe", next: 2 });
});

test("an append whose entries skip or repeat an index is damaged, and not answered", () => {
  const single = createSingle();
  single.raft.step(message(app, { term: 1, entries: [...entriesOfTerms([1]), ...entriesOfTerms([1], 2)] }));
  single.raft.step(message(app, { term: 1, entries: [...entriesOfTerms([1]), ...entriesOfTerms([1])] }));
  expect(single.sentAfterFlush()).toEqual([]);
  expect(single.raft.lastIndex).toBe(0);
});

test("a probed member that holds everything already is streamed to again after its answer", () => {
  const single = createReplicating();
  single.raft.reportUnreachable(2);
  single.raft.step(message(heartbeatResp, { term: 1, from: 2 }));
  expect(appendsTo(single)).toMatchObject([{ index: 1, entries: [] }]);
  single.raft.step(message(appResp, { term: 1, from: 2, index: 1 }));
  expect(progressOf(single)).toMatchObject({ state: "replicate", match: 1, next: 2 });
});
