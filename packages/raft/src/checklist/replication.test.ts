import { expect, test } from "vitest";
import { entriesOfTerms, entry, message } from "../testing/messages.ts";
import { Network } from "../testing/network.ts";
import { createSingle, lead, type Single, type SingleOptions } from "../testing/single.ts";
import { type Message, MessageType } from "../types.ts";

const { app, appResp, heartbeat, heartbeatResp, snap, storageAppend, storageApply } = MessageType;
const bytes = (length: number) => new Uint8Array(length);
const ofType = (messages: readonly Message[], type: MessageType) => messages.filter((each) => each.type === type);
const progressOf = (single: Single, id = 2) => single.raft.status().progress.get(id)!;
const appendsTo = (single: Single, id = 2) => ofType(single.sentAfterFlush(), app).filter(({ to }) => to === id);

/** Node 1 leads term 1; node 2 has acknowledged everything. */
function createReplicating(options: SingleOptions = {}): Single {
  const single = createSingle(options);
  lead(single);
  single.raft.step(message(appResp, { term: single.raft.term, from: 2, index: single.raft.lastIndex }));
  single.sentAfterFlush();
  return single;
}

test("B1: a follower commits no further than the request at hand has verified, whatever follows in its log", () => {
  const single = createSingle({ entries: entriesOfTerms([1, 1, 1, 1]), hardState: { term: 1, vote: 0, commit: 0 } });
  single.raft.step(message(app, { term: 3, index: 1, logTerm: 1, commit: 4 }));
  expect(single.raft.commitIndex).toBe(1);
  single.raft.step(message(app, { term: 3, index: 1, logTerm: 1, commit: 4, entries: [entry(1, 2)] }));
  expect(single.raft.commitIndex).toBe(2);
});

test("B1: a heartbeat commits no further than the follower is known to match", () => {
  const single = createReplicating();
  single.raft.propose([bytes(1)]);
  single.raft.step(message(appResp, { term: 1, from: 2, index: 2 }));
  single.sentAfterFlush();
  expect(single.raft.commitIndex).toBe(2);
  single.raft.tick();
  const commits = ofType(single.sentAfterFlush(), heartbeat).map(({ to, commit }) => [to, commit]);
  expect(commits).toEqual([
    [2, 2],
    [3, 0],
  ]);
});

test("B2: only an acknowledged append moves match: neither a heartbeat's answer nor a rejection, whatever they name", () => {
  const single = createReplicating();
  single.raft.propose([bytes(1)]);
  single.sentAfterFlush();
  single.raft.step(message(heartbeatResp, { term: 1, from: 3, index: 2, logTerm: 1, commit: 2, rejectHint: 2 }));
  expect(progressOf(single, 3).match).toBe(0);
  single.raft.step(message(appResp, { term: 1, from: 3, index: 1, reject: true, rejectHint: 1, logTerm: 1 }));
  expect(progressOf(single, 3).match).toBe(0);
  expect(single.raft.commitIndex).toBe(1);
});

test("B2: what a follower acknowledges is what the request verified, not the end of its own log", () => {
  const single = createSingle({ entries: entriesOfTerms([1, 1, 1]), hardState: { term: 1, vote: 0, commit: 0 } });
  single.raft.step(message(app, { term: 3, index: 1, logTerm: 1 }));
  expect(ofType(single.sentAfterFlush(), appResp)).toMatchObject([{ index: 1, reject: false }]);
});

test("B2: a late append makes a follower acknowledge what it has committed, never a tail that nobody has compared", () => {
  // The third entry is an older leader's: the leader of term 3 may have another one in its place.
  const single = createSingle({ entries: entriesOfTerms([1, 1, 1]), hardState: { term: 2, vote: 0, commit: 2 } });
  single.raft.step(message(app, { term: 3, index: 1, logTerm: 1, entries: [entry(1, 2, "1.2")], commit: 2 }));
  expect(ofType(single.sentAfterFlush(), appResp)).toMatchObject([{ term: 3, index: 2, reject: false }]);
});

test("B3: entries are cut off only at a real conflict, and committed ones never", () => {
  const single = createSingle();
  single.raft.step(message(app, { term: 1, entries: entriesOfTerms([1, 1, 1]) }));
  single.raft.step(message(app, { term: 1, entries: entriesOfTerms([1]) }));
  single.raft.step(message(app, { term: 1, index: 2, logTerm: 1, commit: 2 }));
  expect(single.raft.status()).toMatchObject({ lastIndex: 3, commitIndex: 2 });
  single.raft.step(message(app, { term: 2, index: 2, logTerm: 1, entries: [entry(2, 3)] }));
  expect(single.raft.core.log.term(3)).toBe(2);
  // A message that would replace what is committed comes from nobody's leader; it is answered with what is committed.
  single.raft.step(message(app, { term: 2, index: 0, logTerm: 0, entries: entriesOfTerms([2]) }));
  expect(single.raft.core.log.term(1)).toBe(1);
  expect(() => single.raft.core.log.append([entry(2, 2)])).toThrow(/would replace a committed one/);
});

test("B4: a leader commits an entry of an earlier term only along with one of its own (figure 3.7)", () => {
  const single = createSingle({ entries: entriesOfTerms([1, 2]), hardState: { term: 3, vote: 0, commit: 1 } });
  lead(single);
  for (const from of [2, 3]) single.raft.step(message(appResp, { term: 4, from, index: 2 }));
  expect(single.raft.commitIndex).toBe(1);
  single.raft.step(message(appResp, { term: 4, from: 3, index: 3 }));
  expect(single.raft.commitIndex).toBe(3);
});

test("B5: next stays above match through stale rejections and acknowledgements", () => {
  const single = createReplicating();
  for (let count = 0; count < 3; count++) single.raft.propose([bytes(1)]);
  single.sentAfterFlush();
  single.raft.step(message(appResp, { term: 1, from: 2, index: 3 }));
  const stale: readonly Partial<Message>[] = [
    { index: 1, reject: true, rejectHint: 0 },
    { index: 3, reject: true, rejectHint: 1, logTerm: 1 },
    { index: 2 },
    // Nobody can hold more of a leader's log than there is.
    { index: 5 },
    { index: 900 },
  ];
  for (const fields of stale) {
    single.raft.step(message(appResp, { term: 1, from: 2, ...fields }));
    expect(progressOf(single)).toMatchObject({ match: 3, next: 5, state: "replicate" });
  }
  single.raft.reportUnreachable(2);
  for (const hint of [0, 1, 2]) {
    single.raft.step(message(appResp, { term: 1, from: 2, index: 3, reject: true, rejectHint: hint }));
    expect(progressOf(single).next).toBeGreaterThan(progressOf(single).match);
  }
});

test("B6: when all that is in flight was lost, heartbeats bring the stream back", () => {
  const single = createReplicating({ maxInflightMessages: 1 });
  for (let count = 0; count < 2; count++) single.raft.propose([bytes(1)]);
  expect(appendsTo(single)).toHaveLength(1);
  single.raft.step(message(heartbeatResp, { term: 1, from: 2 }));
  expect(appendsTo(single)).toMatchObject([{ index: 2, entries: [] }]);
  single.raft.step(message(appResp, { term: 1, from: 2, index: 2, reject: true, rejectHint: 1, logTerm: 1 }));
  expect(appendsTo(single)).toMatchObject([{ index: 1, entries: [{ index: 2 }, { index: 3 }] }]);
});

test("B6: bytes in flight are forgotten with the messages that carried them", () => {
  const single = createReplicating({ maxInflightBytes: 10 });
  single.raft.propose([bytes(10)]);
  single.sentAfterFlush();
  expect(progressOf(single).paused).toBe(true);
  single.raft.reportUnreachable(2);
  expect(single.raft.core.tracker.get(2)!.inflights.bytes).toBe(0);
  single.raft.step(message(heartbeatResp, { term: 1, from: 2 }));
  single.raft.step(message(appResp, { term: 1, from: 2, index: 2 }));
  single.raft.propose([bytes(10)]);
  expect(appendsTo(single).at(-1)).toMatchObject({ entries: [{ index: 3 }] });
});

test("B7: a term that is compacted, or 0, matches nothing that is not there", () => {
  const single = createSingle({ entries: entriesOfTerms([1, 1]), hardState: { term: 1, vote: 0, commit: 0 } });
  single.raft.step(message(app, { term: 1, index: 5, logTerm: 0, entries: [entry(1, 6)] }));
  expect(ofType(single.sentAfterFlush(), appResp)).toMatchObject([{ reject: true }]);
  expect(single.raft.lastIndex).toBe(2);
});

test("B7: a leader that no longer knows the term before an entry sends a snapshot, not an append after nothing", () => {
  const hardState = { term: 1, vote: 0, commit: 3 };
  const single = createSingle({ entries: entriesOfTerms([1, 1, 1]), hardState, applied: 3 });
  lead(single);
  const confState = { voters: [1, 2, 3], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
  single.storage.createSnapshot(3, confState, bytes(0));
  single.storage.compact(3);
  single.raft.step(message(appResp, { term: 2, from: 3, index: 3, reject: true, rejectHint: 0 }));
  const sent = single.sentAfterFlush().filter(({ to }) => to === 3);
  expect(sent).toMatchObject([{ type: snap, snapshot: { index: 3 } }]);
});

test("B8: logs that differ over hundreds of entries agree within as many rounds as terms differ", () => {
  const network = new Network({ members: [1, 2, 3], raft: { preVote: false, checkQuorum: false } });
  const common = entriesOfTerms([1, 1, 1]);
  const terms = (...runs: readonly number[]) => runs.flatMap((term) => Array<number>(100).fill(term));
  const logs = [
    entriesOfTerms(terms(2, 5, 5), 3),
    entriesOfTerms(terms(3, 3, 4), 3),
    entriesOfTerms(terms(3, 4, 4), 3),
  ];
  for (const [position, entries] of logs.entries()) {
    const { durable } = network.member(position + 1);
    durable.append([...common, ...entries]);
    durable.setHardState({ term: entries.at(-1)!.term, vote: 0, commit: 3 });
    network.crash(position + 1);
    network.restart(position + 1);
  }
  let rejections = 0;
  network.loses = ({ type, reject }) => {
    if (type === appResp && reject) rejections++;
    return false;
  };
  network.elect(1);
  expect(rejections).toBeLessThanOrEqual(6);
  for (const id of [2, 3]) expect(network.raft(id).commitIndex).toBe(304);
});

test("B9: a majority of an even group is more than half, and the slowest of it decides", () => {
  const single = createSingle({ voters: [1, 2, 3, 4] });
  lead(single);
  single.raft.propose([bytes(1), bytes(1), bytes(1)]);
  single.sentAfterFlush();
  single.raft.step(message(appResp, { term: 1, from: 2, index: 4 }));
  expect(single.raft.commitIndex).toBe(0);
  single.raft.step(message(appResp, { term: 1, from: 4, index: 2 }));
  expect(single.raft.commitIndex).toBe(2);
  single.raft.step(message(appResp, { term: 1, from: 3, index: 3 }));
  expect(single.raft.commitIndex).toBe(3);
});

test("B9: learners do not count, and a leader that became one does not, either", () => {
  const single = createSingle({ voters: [1, 2, 3], learners: [4, 5] });
  lead(single);
  for (const from of [4, 5]) single.raft.step(message(appResp, { term: 1, from, index: 1 }));
  expect(single.raft.commitIndex).toBe(0);
  single.raft.step(message(appResp, { term: 1, from: 2, index: 1 }));
  expect(single.raft.commitIndex).toBe(1);
  const changes = [{ kind: "addLearner", nodeId: 1 }] as const;
  single.raft.applyConfChange({ transition: "auto", changes, context: bytes(0) });
  single.raft.step(message(appResp, { term: 1, from: 2, index: 1 }));
  expect(single.raft.status().confState.voters).toEqual([2, 3]);
  expect(single.raft.core.tracker.committedIndex()).toBe(0);
});

test("B10: a leader does not count its own unflushed entry", () => {
  const single = createReplicating();
  single.raft.propose([bytes(1)]);
  expect(ofType(single.sent(), app)).toHaveLength(1);
  single.raft.step(message(appResp, { term: 1, from: 2, index: 2 }));
  expect(single.raft.commitIndex).toBe(1);
  single.sentAfterFlush();
  expect(single.raft.commitIndex).toBe(2);
});

test("B10: neither does a lone node, nor for the empty entry of a new term", () => {
  const single = createSingle({ voters: [1] });
  single.raft.campaign();
  single.sent();
  for (const write of single.writes.splice(0)) for (const response of write.responses) single.raft.step(response);
  expect(single.raft.softState.state).toBe("leader");
  single.sent();
  expect(single.raft.commitIndex).toBe(0);
  single.sentAfterFlush();
  expect(single.raft.commitIndex).toBe(1);
});

test("B10: answers wait for the writes that they promise, rejections and votes included", () => {
  const single = createSingle();
  single.raft.step(message(app, { term: 1, entries: [entry(1, 1)] }));
  single.raft.step(message(app, { term: 1, index: 9, logTerm: 1 }));
  single.raft.step(message(MessageType.vote, { term: 2, from: 3, logTerm: 1, index: 1 }));
  expect(single.sent()).toEqual([]);
  const types = single.writes.flatMap(({ responses }) => responses.map(({ type }) => type));
  expect(types.slice(0, 3)).toEqual([appResp, appResp, MessageType.voteResp]);
});

test("B11: a report of a flush says nothing about entries that came in its place, even of the same index and term", () => {
  const single = createSingle();
  single.raft.step(message(app, { term: 1, from: 2, entries: [entry(1, 1, "x")] }));
  single.sent();
  single.raft.step(message(app, { term: 2, from: 3, entries: [entry(2, 1, "y")] }));
  single.sent();
  single.raft.step(message(app, { term: 3, from: 2, entries: [entry(1, 1, "x"), entry(3, 2, "z")], commit: 2 }));
  single.sent();
  const report = ({ responses }: Message) => {
    for (const response of responses.filter(({ from }) => from < 0)) single.raft.step(response);
  };
  const [first, second, third] = single.writes.splice(0) as [Message, Message, Message];
  for (const overtaken of [first, second]) {
    report(overtaken);
    expect(single.raft.core.log.unstable.length).toBe(2);
    expect(single.raft.hasReady() ? single.raft.ready().committedEntries : []).toEqual([]);
  }
  report(third);
  expect(single.raft.ready().committedEntries).toHaveLength(2);
});

test("B11: within one term, a report of an entry that was replaced is ignored", () => {
  const single = createSingle({ entries: entriesOfTerms([1]), hardState: { term: 2, vote: 0, commit: 0 } });
  single.raft.step(message(app, { term: 2, index: 1, logTerm: 1, entries: [entry(2, 2)] }));
  const log = single.raft.core.log.unstable;
  expect(log.stableTo(2, 1)).toBe(false);
  expect(log.length).toBe(1);
  expect(log.stableTo(2, 2)).toBe(true);
});

test("B12: pages of committed entries neither cut the commit index nor overtake an apply under way", () => {
  const single = createSingle({ maxCommittedBytesPerReady: 3 });
  const entries = entriesOfTerms([1, 1, 1]);
  single.raft.step(message(app, { term: 1, entries, commit: 3 }));
  const first = single.raft.ready();
  expect(first.hardState).toMatchObject({ commit: 3 });
  single.storage.append(entries);
  const [write] = ofType(first.messages, storageAppend);
  for (const response of write!.responses.filter(({ to }) => to === 1)) single.raft.step(response);
  for (let index = 1; index <= 3; index++) {
    const page = single.raft.ready();
    expect(page.committedEntries.map((each) => each.index)).toEqual([index]);
    expect(page.hardState).toBeNull();
    expect(single.raft.hasReady()).toBe(false);
    for (const { responses } of ofType(page.messages, storageApply)) single.raft.step(responses[0]!);
  }
  expect(single.raft.commitIndex).toBe(3);
});

test("B12: entries without data fill pages as well", () => {
  const single = createSingle({ maxCommittedBytesPerReady: 1 });
  const entries = [1, 2, 3].map((index) => entry(1, index));
  single.raft.step(message(app, { term: 1, entries, commit: 3 }));
  const [write] = ofType(single.raft.ready().messages, storageAppend);
  single.storage.append(entries);
  for (const response of write!.responses.filter(({ to }) => to === 1)) single.raft.step(response);
  expect(single.raft.ready().committedEntries).toHaveLength(1);
  expect(single.raft.hasReady()).toBe(false);
});

test("B12: nothing more is handed out while a page that the bound has cut is being applied, however little is in it", () => {
  const single = createSingle({ maxCommittedBytesPerReady: 3 });
  const entries = [1, 2].map((index) => entry(1, index, "ab"));
  single.raft.step(message(app, { term: 1, entries, commit: 2 }));
  const [write] = ofType(single.raft.ready().messages, storageAppend);
  single.storage.append(entries);
  for (const response of write!.responses.filter(({ to }) => to === 1)) single.raft.step(response);
  const page = single.raft.ready();
  expect(page.committedEntries.map(({ index }) => index)).toEqual([1]);
  expect(single.raft.hasReady()).toBe(false);
  for (const { responses } of ofType(page.messages, storageApply)) single.raft.step(responses[0]!);
  expect(single.raft.ready().committedEntries.map(({ index }) => index)).toEqual([2]);
});

test("B13: the account of uncommitted bytes returns to zero, through refusals, terms and entries of older leaders", () => {
  const single = createReplicating({ maxUncommittedBytes: 10 });
  for (let round = 0; round < 5; round++) {
    expect(single.raft.propose([bytes(8)])).toBeNull();
    expect(single.raft.propose([bytes(3)])).toBe("dropped");
    single.raft.step(message(appResp, { term: 1, from: 2, index: single.raft.lastIndex }));
    single.sentAfterFlush();
    expect(single.raft.core.uncommittedBytes).toBe(0);
  }
  single.raft.propose([bytes(8)]);
  single.raft.step(message(heartbeat, { term: 2 }));
  expect(single.raft.core.uncommittedBytes).toBe(0);
  // As leader again, it applies an entry that an older term accounted for.
  lead(single);
  single.raft.step(message(appResp, { term: single.raft.term, from: 2, index: single.raft.lastIndex }));
  single.sentAfterFlush();
  expect(single.raft.core.uncommittedBytes).toBe(0);
});

test("B14: a flush is asked for entries, terms and votes, not for a commit index alone, also right after a start", () => {
  const restarted = createSingle({ entries: entriesOfTerms([1]), hardState: { term: 1, vote: 2, commit: 0 } });
  restarted.raft.step(message(app, { term: 1, index: 1, logTerm: 1, commit: 1 }));
  expect(restarted.raft.ready()).toMatchObject({ mustSync: false, hardState: { term: 1, vote: 2, commit: 1 } });
  restarted.raft.step(message(MessageType.vote, { term: 2, from: 3, logTerm: 1, index: 1 }));
  expect(restarted.raft.ready()).toMatchObject({ mustSync: true, hardState: { term: 2, vote: 3 } });
  restarted.raft.step(message(app, { term: 2, from: 3, index: 1, logTerm: 1, entries: [entry(2, 2)] }));
  expect(restarted.raft.ready()).toMatchObject({ mustSync: true, hardState: null });
});

test("B14: a vote that is given within the term asks for a flush as well", () => {
  const single = createSingle({ hardState: { term: 2, vote: 0, commit: 0 } });
  single.raft.step(message(MessageType.vote, { term: 2, from: 3 }));
  expect(single.raft.ready()).toMatchObject({ mustSync: true, hardState: { term: 2, vote: 3 }, entries: [] });
});

test("B16: a learner that is stuck holds nobody back", () => {
  const network = new Network({ members: [1, 2, 3, 4], learners: [4] });
  network.elect(1);
  network.isolate(4);
  network.propose(1, "a");
  network.settle();
  for (const id of [1, 2, 3]) expect(network.appliedTexts(id)).toEqual(["a"]);
  // Its owner may forget what the learner lacks: a snapshot will bring it.
  network.compact(1);
  network.heal();
  for (let beats = 0; beats < 3; beats++) {
    network.tick(1);
    network.settle();
  }
  expect(network.appliedTexts(4)).toEqual(["a"]);
});

test("G4: term and vote are in the same write as the entries of the term, or in an earlier one", () => {
  const single = createSingle();
  single.raft.step(message(app, { term: 3, entries: [entry(3, 1)] }));
  single.sent();
  expect(single.writes).toMatchObject([{ term: 3, entries: [{ term: 3, index: 1 }] }]);
  const voter = createSingle();
  voter.raft.step(message(MessageType.vote, { term: 3 }));
  voter.raft.step(message(app, { term: 3, entries: [entry(3, 1)] }));
  voter.sent();
  expect(voter.writes).toMatchObject([{ term: 3, vote: 2, entries: [{ term: 3 }] }]);
});
