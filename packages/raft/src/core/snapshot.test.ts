import { expect, test } from "vitest";
import { entriesOfTerms, message } from "../testing/messages.ts";
import { Network } from "../testing/network.ts";
import { createSingle, lead } from "../testing/single.ts";
import { type ConfState, MessageType, type Snapshot } from "../types.ts";

const { app, appResp, snap, vote } = MessageType;
const confState: ConfState = {
  voters: [1, 2, 3],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
};
const snapshotAt = (index: number, term: number): Snapshot => ({ index, term, confState, data: new Uint8Array(0) });

/** Node 3 missed entries that the others have compacted. */
function createLagging(): Network {
  const network = new Network({ members: [1, 2, 3] });
  network.elect(1);
  network.isolate(3);
  network.propose(1, "a", "b", "c");
  network.settle();
  const { view } = network.member(1);
  const index = network.raft(1).status().appliedIndex;
  view.createSnapshot(index, confState, new Uint8Array(0));
  view.compact(index);
  network.heal();
  return network;
}

function beat(network: Network): void {
  network.tick(1);
  network.settle();
}

test("a member whose entries are gone gets a snapshot and then the log", () => {
  const network = createLagging();
  beat(network);
  beat(network);
  network.propose(1, "d");
  network.settle();
  expect(network.raft(3).commitIndex).toBe(network.raft(1).commitIndex);
  expect(network.appliedTexts(3)).toEqual(["d"]);
  expect(network.raft(1).status().progress.get(3)?.state).toBe("replicate");
});

test("no appends go out while a snapshot is under way; a failed one is sent again after a sign of life", () => {
  const network = createLagging();
  let lost = 0;
  const sent: number[] = [];
  network.loses = ({ type }) => {
    if (type !== snap) return false;
    sent.push(network.raft(1).status().progress.get(3)!.pendingSnapshot);
    return lost++ === 0;
  };
  beat(network);
  expect(sent).toEqual([4]);
  expect(network.raft(1).status().progress.get(3)).toMatchObject({ state: "probe", paused: true });
  beat(network);
  expect(network.raft(3).commitIndex).toBe(network.raft(1).commitIndex);
});

test("any snapshot that reconnects the log ends the wait for the one that was sent", () => {
  const single = createSingle();
  lead(single);
  single.raft.step(message(appResp, { term: 1, from: 2, index: 1 }));
  single.raft.propose([new Uint8Array(1)]);
  single.raft.step(message(appResp, { term: 1, from: 2, index: 2 }));
  single.sentAfterFlush();
  single.storage.createSnapshot(2, confState, new Uint8Array(0));
  single.storage.compact(1);
  single.raft.core.tracker.get(3)!.recentActive = true;
  single.raft.step(message(appResp, { term: 1, from: 3, index: 0, reject: true, rejectHint: 0 }));
  expect(single.raft.status().progress.get(3)).toMatchObject({ state: "snapshot", pendingSnapshot: 2 });
  single.raft.step(message(appResp, { term: 1, from: 3, index: 1 }));
  expect(single.raft.status().progress.get(3)).toMatchObject({ state: "replicate", match: 1 });
});

test("a log that was compacted beyond a snapshot on its way is followed by a newer one", () => {
  const entries = entriesOfTerms([1, 1, 1, 1]);
  const single = createSingle({ entries, hardState: { term: 1, vote: 0, commit: 4 } });
  lead(single);
  single.raft.step(message(appResp, { term: 2, from: 2, index: 5 }));
  single.sentAfterFlush();
  single.storage.createSnapshot(2, confState, new Uint8Array(0));
  single.storage.compact(2);
  single.raft.step(message(appResp, { term: 2, from: 3, index: 4, reject: true, rejectHint: 0 }));
  expect(single.raft.status().progress.get(3)).toMatchObject({ state: "snapshot", pendingSnapshot: 2 });
  single.storage.createSnapshot(5, confState, new Uint8Array(0));
  single.storage.compact(5);
  single.raft.step(message(appResp, { term: 2, from: 3, index: 2 }));
  expect(single.raft.status().progress.get(3)).toMatchObject({ state: "snapshot", match: 2, pendingSnapshot: 5 });
});

test("a snapshot in the making is asked for again", () => {
  const hardState = { term: 1, vote: 0, commit: 2 };
  const single = createSingle({ entries: entriesOfTerms([1, 1]), hardState, applied: 2 });
  single.storage.compact(2);
  lead(single);
  single.raft.core.tracker.get(3)!.recentActive = true;
  single.raft.step(message(appResp, { term: 2, from: 3, index: 2, reject: true, rejectHint: 0 }));
  expect(single.sentAfterFlush().filter(({ type }) => type === snap)).toEqual([]);
  single.storage.createSnapshot(2, confState, new Uint8Array(0));
  single.raft.step(message(MessageType.heartbeatResp, { term: 2, from: 3 }));
  expect(single.sentAfterFlush().filter(({ type }) => type === snap)).toMatchObject([{ to: 3 }]);
});

test("a follower acknowledges a snapshot only when it is installed", () => {
  const single = createSingle({ entries: entriesOfTerms([1]) });
  single.raft.step(message(snap, { term: 2, snapshot: snapshotAt(9, 2) }));
  expect(single.sent()).toEqual([]);
  expect(single.writes).toMatchObject([{ snapshot: { index: 9 }, responses: [{ type: appResp, index: 9 }, {}] }]);
  expect(single.raft.status()).toMatchObject({ commitIndex: 9, lastIndex: 9, appliedIndex: 0 });
  single.sentAfterFlush();
  expect(single.raft.status()).toMatchObject({ appliedIndex: 9 });
});

test("while a snapshot is being installed nothing is applied and nobody campaigns", () => {
  const single = createSingle();
  single.raft.step(message(snap, { term: 2, snapshot: snapshotAt(9, 2) }));
  single.raft.step(message(app, { term: 2, index: 9, logTerm: 2, entries: entriesOfTerms([2], 9), commit: 10 }));
  expect(single.raft.ready().committedEntries).toEqual([]);
  single.raft.campaign();
  expect(single.raft.softState.state).toBe("follower");
});

test("a second snapshot may arrive while the first is being installed", () => {
  const single = createSingle();
  single.raft.step(message(snap, { term: 2, snapshot: snapshotAt(9, 2) }));
  single.sent();
  single.raft.step(message(snap, { term: 2, snapshot: snapshotAt(20, 2) }));
  single.sent();
  const [first, second] = single.writes.splice(0);
  for (const response of first!.responses.filter(({ to }) => to === 1)) single.raft.step(response);
  expect(single.raft.status()).toMatchObject({ appliedIndex: 9, commitIndex: 20 });
  for (const response of second!.responses.filter(({ to }) => to === 1)) single.raft.step(response);
  expect(single.raft.status()).toMatchObject({ appliedIndex: 20 });
  expect(single.raft.core.log.unstable.snapshot).toBeNull();
});

test("the report of an installed snapshot counts even if the term has changed meanwhile", () => {
  const single = createSingle();
  single.raft.step(message(snap, { term: 2, snapshot: snapshotAt(9, 2) }));
  single.sent();
  single.raft.step(message(vote, { term: 3, logTerm: 2, index: 9 }));
  single.sentAfterFlush();
  expect(single.raft.status()).toMatchObject({ appliedIndex: 9, term: 3 });
});

test("old and empty snapshots are not installed", () => {
  const single = createSingle({ entries: entriesOfTerms([1, 1]), hardState: { term: 1, vote: 0, commit: 2 } });
  single.raft.step(message(snap, { term: 1, snapshot: snapshotAt(2, 1) }));
  single.raft.step(message(snap, { term: 1, snapshot: null }));
  const answers = single.sentAfterFlush().filter(({ type }) => type === appResp);
  expect(answers).toMatchObject([{ index: 2 }]);
  expect(single.raft.status().lastIndex).toBe(2);
});

test("a snapshot may be older than the admission of its receiver", () => {
  const single = createSingle();
  const older = { ...snapshotAt(9, 1), confState: { ...confState, voters: [2, 3] } };
  single.raft.step(message(snap, { term: 1, snapshot: older }));
  single.sentAfterFlush();
  expect(single.raft.status()).toMatchObject({ appliedIndex: 9, confState: { voters: [2, 3] } });
  single.raft.campaign();
  expect(single.raft.softState.state).toBe("follower");
});

test("a snapshot of what the log holds already only moves the commit index", () => {
  const single = createSingle({ entries: entriesOfTerms([1, 1, 1]), hardState: { term: 1, vote: 0, commit: 0 } });
  single.raft.step(message(snap, { term: 1, snapshot: snapshotAt(2, 1) }));
  expect(single.raft.status()).toMatchObject({ commitIndex: 2, lastIndex: 3 });
});

test("a snapshot replaces an uncommitted log that contradicts it", () => {
  const single = createSingle({ entries: entriesOfTerms([1, 1, 1]), hardState: { term: 1, vote: 0, commit: 1 } });
  single.raft.step(message(snap, { term: 3, snapshot: snapshotAt(2, 3) }));
  expect(single.raft.status()).toMatchObject({ commitIndex: 2, lastIndex: 2 });
  expect(single.raft.core.log.term(2)).toBe(3);
});

test("a restart finds its snapshot durable before the commit index that allowed it", () => {
  const network = new Network({ members: [1, 2, 3] });
  network.elect(1);
  network.slowDisks.add(2);
  network.propose(1, "a");
  network.settle();
  // The entry is flushed, and so applied; the write after it, which holds the commit index, is not.
  network.flush(2, 1);
  network.run(2);
  expect(network.appliedTexts(2)).toEqual(["a"]);
  const { durable } = network.member(2);
  network.compact(2);
  expect(durable.initialState().hardState.commit).toBeLessThan(durable.firstIndex() - 1);
  network.crash(2);
  network.restart(2);
  expect(network.raft(2).status()).toMatchObject({ commitIndex: 2, appliedIndex: 2 });
});

test("a member that was not heard from is sent no snapshot", () => {
  const hardState = { term: 1, vote: 0, commit: 2 };
  const single = createSingle({ entries: entriesOfTerms([1, 1]), hardState, applied: 2 });
  lead(single);
  single.raft.step(message(appResp, { term: 2, from: 2, index: 3 }));
  single.sentAfterFlush();
  single.storage.createSnapshot(3, confState, new Uint8Array(0));
  single.storage.compact(3);
  single.raft.reportUnreachable(3);
  single.raft.core.tracker.get(3)!.becomeProbe();
  single.raft.propose([new Uint8Array(1)]);
  expect(single.sentAfterFlush().filter(({ to }) => to === 3)).toEqual([]);
  expect(single.raft.status().progress.get(3)).toMatchObject({ state: "probe", recentActive: false });
});

test("a member whose snapshot arrived is probed after it, once it shows a sign of life", () => {
  const hardState = { term: 1, vote: 0, commit: 2 };
  const single = createSingle({ entries: entriesOfTerms([1, 1]), hardState, applied: 2 });
  lead(single);
  single.raft.step(message(appResp, { term: 2, from: 2, index: 3 }));
  single.sentAfterFlush();
  single.storage.createSnapshot(3, confState, new Uint8Array(0));
  single.storage.compact(3);
  single.raft.step(message(appResp, { term: 2, from: 3, index: 2, reject: true, rejectHint: 0 }));
  single.raft.propose([new Uint8Array(1)]);
  single.sentAfterFlush();
  single.raft.reportSnapshot(3, true);
  expect(single.raft.status().progress.get(3)).toMatchObject({ state: "probe", next: 4, paused: true });
  single.raft.step(message(MessageType.heartbeatResp, { term: 2, from: 3 }));
  expect(single.sentAfterFlush().filter(({ to }) => to === 3)).toMatchObject([{ index: 3, entries: [{ index: 4 }] }]);
});
