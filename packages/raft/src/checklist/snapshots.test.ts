import { expect, test } from "vitest";
import { entriesOfTerms, message } from "../testing/messages.ts";
import { Network } from "../testing/network.ts";
import { createSingle, lead, type Single } from "../testing/single.ts";
import { MessageType, type Snapshot } from "../types.ts";

const { app, appResp, heartbeatResp, snap } = MessageType;
const confState = { voters: [1, 2, 3], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
const snapshotAt = (index: number, term: number): Snapshot => ({ index, term, confState, data: new Uint8Array(0) });
const report = ({ raft }: Single, responses: readonly { readonly to: number }[]) => {
  for (const response of responses.filter(({ to }) => to === 1)) raft.step(response as never);
};

/** Node 1 leads term 2 with five entries, of which it has compacted the first `cut`. */
function createCompacted(cut: number): Single {
  const hardState = { term: 1, vote: 0, commit: 4 };
  const single = createSingle({ entries: entriesOfTerms([1, 1, 1, 1]), hardState, applied: 4 });
  lead(single);
  single.raft.step(message(appResp, { term: 2, from: 2, index: 5 }));
  single.sentAfterFlush();
  single.storage.createSnapshot(cut, confState, new Uint8Array(0));
  single.storage.compact(cut);
  return single;
}

const snapshotsTo = (single: Single, id: number) =>
  single.sentAfterFlush().filter(({ type, to }) => type === snap && to === id);

test("F1: the term of a snapshot is not the receiver's: it never goes back, and old ones are not installed", () => {
  const single = createSingle({ entries: entriesOfTerms([1, 4]), hardState: { term: 5, vote: 3, commit: 1 } });
  single.raft.step(message(snap, { term: 5, snapshot: snapshotAt(9, 2) }));
  single.sentAfterFlush();
  expect(single.raft.status()).toMatchObject({ term: 5, vote: 3, commitIndex: 9 });
  single.raft.step(message(snap, { term: 4, snapshot: snapshotAt(20, 4) }));
  single.raft.step(message(snap, { term: 5, snapshot: snapshotAt(9, 2) }));
  single.raft.step(message(snap, { term: 5, snapshot: snapshotAt(0, 0) }));
  single.raft.step(message(snap, { term: 5, snapshot: null }));
  expect(single.raft.status()).toMatchObject({ term: 5, commitIndex: 9, lastIndex: 9 });
});

test("F2: a snapshot takes the place of a log that contradicts it, in the same write", () => {
  const single = createSingle({ entries: entriesOfTerms([1, 1, 1]), hardState: { term: 1, vote: 0, commit: 1 } });
  single.raft.step(message(snap, { term: 3, snapshot: snapshotAt(2, 3) }));
  expect(single.raft.status()).toMatchObject({ commitIndex: 2, lastIndex: 2 });
  expect(single.raft.core.log.term(2)).toBe(3);
  single.sent();
  expect(single.writes).toMatchObject([{ snapshot: { index: 2, term: 3 }, entries: [], term: 3, commit: 2 }]);
  single.sentAfterFlush();
  expect(single.storage.lastIndex()).toBe(2);
  single.raft.step(message(app, { term: 3, index: 2, logTerm: 3, entries: entriesOfTerms([3], 2) }));
  expect(single.raft.lastIndex).toBe(3);
});

test("F2: entries that are not flushed yet give way as well, and are not written after it", () => {
  const single = createSingle();
  single.raft.step(message(app, { term: 1, entries: entriesOfTerms([1, 1, 1]) }));
  single.raft.step(message(snap, { term: 3, snapshot: snapshotAt(2, 3) }));
  expect(single.raft.status()).toMatchObject({ commitIndex: 2, lastIndex: 2 });
  single.sent();
  expect(single.writes).toMatchObject([{ snapshot: { index: 2 }, entries: [] }]);
});

test("F2: a snapshot of what the log holds already takes nothing away", () => {
  const single = createSingle({ entries: entriesOfTerms([1, 1, 1]), hardState: { term: 1, vote: 0, commit: 0 } });
  single.raft.step(message(snap, { term: 1, snapshot: snapshotAt(2, 1) }));
  expect(single.raft.status()).toMatchObject({ commitIndex: 2, lastIndex: 3 });
});

test("F2: a crash between a durable snapshot and the write after it finds a log that goes on from there", () => {
  const network = new Network({ members: [1, 2, 3] });
  network.elect(1);
  network.isolate(3);
  network.propose(1, "a", "b");
  network.settle();
  network.compact(1);
  network.heal();
  network.slowDisks.add(3);
  for (let beats = 0; beats < 2; beats++) {
    network.tick(1);
    network.settle();
    network.flush(3);
  }
  network.settle();
  // What is written after the snapshot is lost.
  network.propose(1, "c");
  network.settle();
  network.crash(3);
  network.slowDisks.delete(3);
  network.restart(3);
  expect(network.appliedTexts(3)).toEqual(["a", "b"]);
  network.tick(1);
  network.settle();
  network.tick(1);
  network.settle();
  expect(network.appliedTexts(3)).toEqual(["a", "b", "c"]);
});

test("F3: a second snapshot may arrive while the first is being installed", () => {
  const single = createSingle();
  single.raft.step(message(snap, { term: 2, snapshot: snapshotAt(9, 2) }));
  single.sent();
  single.raft.step(message(snap, { term: 2, snapshot: snapshotAt(20, 2) }));
  single.sent();
  const [first, second] = single.writes.splice(0);
  report(single, first!.responses);
  expect(single.raft.status()).toMatchObject({ appliedIndex: 9, commitIndex: 20 });
  expect(single.raft.hasReady() ? single.raft.ready().committedEntries : []).toEqual([]);
  report(single, second!.responses);
  expect(single.raft.status()).toMatchObject({ appliedIndex: 20 });
  expect(single.raft.core.log.unstable.snapshot).toBeNull();
});

test("F3: a snapshot may overtake entries that are being applied", () => {
  const single = createSingle();
  single.raft.step(message(app, { term: 1, entries: entriesOfTerms([1, 1]), commit: 2 }));
  single.sent();
  report(single, single.writes.splice(0)[0]!.responses);
  const apply = single.raft.ready().messages.find(({ type }) => type === MessageType.storageApply)!;
  single.raft.step(message(snap, { term: 1, snapshot: snapshotAt(9, 1) }));
  single.sent();
  report(single, single.writes.splice(0)[0]!.responses);
  expect(single.raft.status().appliedIndex).toBe(9);
  report(single, apply.responses);
  expect(single.raft.status().appliedIndex).toBe(9);
});

test("F4: who knows nothing gets a snapshot from a leader whose whole log is compacted", () => {
  const single = createCompacted(5);
  single.raft.step(message(appResp, { term: 2, from: 3, index: 4, reject: true, rejectHint: 0 }));
  expect(snapshotsTo(single, 3)).toMatchObject([{ snapshot: { index: 5 } }]);
});

test("F4: a snapshot in the making, or one whose transfer failed, is asked for again with the next sign of life", () => {
  const hardState = { term: 1, vote: 0, commit: 2 };
  const single = createSingle({ entries: entriesOfTerms([1, 1]), hardState, applied: 2 });
  single.storage.compact(2);
  lead(single);
  single.raft.step(message(appResp, { term: 2, from: 3, index: 2, reject: true, rejectHint: 0 }));
  expect(snapshotsTo(single, 3)).toEqual([]);
  single.storage.createSnapshot(2, confState, new Uint8Array(0));
  for (let attempt = 0; attempt < 2; attempt++) {
    single.raft.step(message(heartbeatResp, { term: 2, from: 3 }));
    expect(snapshotsTo(single, 3)).toHaveLength(1);
    single.raft.step(message(heartbeatResp, { term: 2, from: 3 }));
    expect(snapshotsTo(single, 3)).toEqual([]);
    single.raft.reportSnapshot(3, false);
  }
});

test("F5: any snapshot that reconnects the log ends the wait for the one that was sent, and a lost report wedges nothing", () => {
  for (const index of [3, 4, 5]) {
    const single = createCompacted(3);
    single.storage.createSnapshot(5, confState, new Uint8Array(0));
    single.raft.step(message(appResp, { term: 2, from: 3, index: 4, reject: true, rejectHint: 0 }));
    expect(single.raft.status().progress.get(3)).toMatchObject({ state: "snapshot", pendingSnapshot: 5 });
    single.raft.step(message(appResp, { term: 2, from: 3, index: 2 }));
    expect(single.raft.status().progress.get(3)?.state).toBe("snapshot");
    single.raft.step(message(appResp, { term: 2, from: 3, index }));
    expect(single.raft.status().progress.get(3)).toMatchObject({
      state: "replicate",
      match: index,
      pendingSnapshot: 0,
    });
  }
});

test("F6: a log that was compacted beyond a snapshot on its way is followed by a newer snapshot, not waited for", () => {
  const single = createCompacted(2);
  single.raft.step(message(appResp, { term: 2, from: 3, index: 4, reject: true, rejectHint: 0 }));
  expect(single.raft.status().progress.get(3)).toMatchObject({ state: "snapshot", pendingSnapshot: 2 });
  single.storage.createSnapshot(5, confState, new Uint8Array(0));
  single.storage.compact(5);
  single.raft.step(message(appResp, { term: 2, from: 3, index: 2 }));
  expect(single.raft.status().progress.get(3)).toMatchObject({ state: "snapshot", match: 2, pendingSnapshot: 5 });
});
