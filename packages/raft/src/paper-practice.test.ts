// The rules of the algorithm, numbered, each with its section of Ongaro's thesis: chapters 5 (compaction), 6 (clients), 9 and 10 (performance).
import { expect, test } from "vitest";
import { entriesOfTerms, entry, message } from "./testing/messages.ts";
import { Network } from "./testing/network.ts";
import { createSingle, lead } from "./testing/single.ts";
import { type Message, MessageType, type Snapshot } from "./types.ts";

const { app, appResp, heartbeat, heartbeatResp, preVote, preVoteResp, snap } = MessageType;
const ofType = (messages: readonly Message[], type: MessageType) => messages.filter((each) => each.type === type);

const confState = { voters: [1, 2, 3], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
const snapshotAt = (index: number, term: number): Snapshot => ({ index, term, confState, data: new Uint8Array(0) });

test("R49 §5.1 a snapshot replaces the log up to its entry, and names the index, the term and the membership of that entry", () => {
  const network = new Network({ members: [1, 2, 3] });
  network.elect(1);
  network.propose(1, "a", "b");
  network.settle();
  network.compact(1);
  const { view } = network.member(1);
  expect(view.firstIndex()).toBe(4);
  expect(view.snapshot()).toMatchObject({ index: 3, term: 1, confState: { voters: [1, 2, 3] } });
  network.propose(1, "c");
  network.settle();
  expect(network.appliedTexts(2)).toEqual(["a", "b", "c"]);
});

test("R50 §5.1, figure 5.3: a leader sends its snapshot to who needs entries that it has discarded, and the log after that", () => {
  const network = new Network({ members: [1, 2, 3] });
  network.elect(1);
  network.isolate(3);
  network.propose(1, "a", "b");
  network.settle();
  network.compact(1);
  network.heal();
  for (let beats = 0; beats < 3; beats++) {
    network.tick(1);
    network.settle();
  }
  network.propose(1, "c");
  network.settle();
  expect(network.appliedTexts(3)).toEqual(["a", "b", "c"]);
});

test("R51 §5.1, figure 5.3: a snapshot that the log goes beyond leaves what follows it; one that contradicts the log replaces all of it", () => {
  const longer = createSingle({ entries: entriesOfTerms([1, 1, 1]), hardState: { term: 1, vote: 0, commit: 0 } });
  longer.raft.step(message(snap, { term: 2, snapshot: snapshotAt(2, 1) }));
  expect(longer.raft.status()).toMatchObject({ commitIndex: 2, lastIndex: 3 });
  const other = createSingle({ entries: entriesOfTerms([1, 1, 1]), hardState: { term: 1, vote: 0, commit: 0 } });
  other.raft.step(message(snap, { term: 2, snapshot: snapshotAt(2, 2) }));
  expect(other.raft.status()).toMatchObject({ commitIndex: 2, lastIndex: 2 });
});

test("R52 §5.1, figure 5.3: a snapshot of an earlier term is refused, and one of committed state changes nothing", () => {
  const single = createSingle({ entries: entriesOfTerms([1, 1]), hardState: { term: 3, vote: 0, commit: 2 } });
  single.raft.step(message(snap, { term: 2, snapshot: snapshotAt(9, 2) }));
  single.raft.step(message(snap, { term: 3, snapshot: snapshotAt(1, 1) }));
  expect(single.raft.status()).toMatchObject({ commitIndex: 2, lastIndex: 2 });
  expect(ofType(single.sentAfterFlush(), appResp)).toMatchObject([{ index: 2, reject: false }]);
});

test("R53 §6.2 a leader without a quorum steps down after an election timeout", () => {
  const network = new Network({ members: [1, 2, 3] });
  network.elect(1);
  network.isolate(1);
  for (let ticks = 0; ticks < 21; ticks++) {
    network.tick(1);
    network.settle();
  }
  expect(network.raft(1).softState).toEqual({ leader: 0, state: "follower" });
});

test("R54 §6.4 a read is answered with the commit index of its arrival, after a round of heartbeats to a majority", () => {
  const single = createSingle();
  lead(single);
  single.raft.step(message(appResp, { term: 1, from: 2, index: 1 }));
  single.sentAfterFlush();
  single.raft.readIndex(Uint8Array.of(7));
  const [question] = ofType(single.raft.ready().messages, heartbeat);
  // What is committed after the read began is not its concern.
  single.raft.propose([Uint8Array.of(1)]);
  single.sentAfterFlush();
  single.raft.step(message(appResp, { term: 1, from: 2, index: 2 }));
  single.sentAfterFlush();
  single.raft.step(message(heartbeatResp, { term: 1, from: 3, context: question!.context }));
  expect(single.raft.ready().readStates).toEqual([{ index: 1, context: Uint8Array.of(7) }]);
});

test("R55 §6.4 a leader that has committed nothing in its term makes reads wait", () => {
  const single = createSingle();
  lead(single);
  expect(single.raft.readIndex(Uint8Array.of(1))).toBeNull();
  expect(single.raft.hasReady()).toBe(false);
  single.raft.step(message(appResp, { term: 1, from: 2, index: 1 }));
  expect(ofType(single.raft.ready().messages, heartbeat)).toHaveLength(2);
});

test("R56 §6.4 a follower asks the leader for a read index, and serves the read itself", () => {
  const network = new Network({ members: [1, 2, 3] });
  network.elect(1);
  network.propose(1, "a");
  network.settle();
  network.raft(3).readIndex(Uint8Array.of(1));
  network.settle();
  expect(network.member(3).readStates).toEqual([{ index: 2, context: Uint8Array.of(1) }]);
});

test("R57 §6.4.1 reads under a lease need the followers' promise to elect nobody meanwhile (CheckQuorum)", () => {
  expect(() => createSingle({ readOnly: "lease" })).toThrow(/needs checkQuorum/);
  const single = createSingle({ readOnly: "lease", checkQuorum: true });
  lead(single);
  single.raft.step(message(appResp, { term: 1, from: 2, index: 1 }));
  single.sentAfterFlush();
  single.raft.readIndex(Uint8Array.of(1));
  expect(single.raft.ready().readStates).toEqual([{ index: 1, context: Uint8Array.of(1) }]);
});

test("R58 §9.6 a pre-vote changes neither term nor vote of anyone", () => {
  const network = new Network({ members: [1, 2, 3] });
  network.elect(1);
  network.isolate(3);
  network.tick(3, 100);
  network.settle();
  expect(network.raft(3).status()).toMatchObject({ term: 1, state: "preCandidate" });
  network.heal();
  network.tick(1);
  network.settle();
  expect(network.raft(3).softState).toEqual({ leader: 1, state: "follower" });
  expect(network.leader()).toBe(1);
});

test("R59 §9.6 a pre-vote is granted only to a log as up to date as the own, by who does not hear a leader", () => {
  const answers = (logTerm: number, index: number, leader: boolean): readonly boolean[] => {
    const entries = entriesOfTerms([1, 1]);
    const single = createSingle({
      preVote: true,
      checkQuorum: true,
      entries,
      hardState: { term: 1, vote: 0, commit: 0 },
    });
    if (leader) single.raft.step(message(heartbeat, { term: 1, from: 3 }));
    single.sentAfterFlush();
    single.raft.step(message(preVote, { term: 2, logTerm, index }));
    return ofType(single.sentAfterFlush(), preVoteResp).map(({ reject }) => !reject);
  };
  expect([answers(1, 2, false), answers(1, 1, false), answers(1, 2, true)]).toEqual([[true], [false], []]);
});

test("R69 §9.6 a pre-vote for a term in which the vote is given to another is refused: it could not be won", () => {
  const single = createSingle({ hardState: { term: 5, vote: 3, commit: 0 } });
  single.raft.step(message(preVote, { term: 5 }));
  single.raft.step(message(preVote, { term: 5, from: 3 }));
  single.raft.step(message(preVote, { term: 6 }));
  const answers = ofType(single.sentAfterFlush(), preVoteResp);
  expect(answers.map(({ term, reject }) => [term, reject])).toEqual([
    [5, true],
    [5, false],
    [6, false],
  ]);
});

test("R60 §10.2.1 a leader replicates before its own flush and counts itself only after", () => {
  const single = createSingle();
  lead(single);
  single.raft.step(message(appResp, { term: 1, from: 2, index: 1 }));
  single.sentAfterFlush();
  single.raft.propose([Uint8Array.of(1)]);
  expect(ofType(single.sent(), app).map(({ to }) => to)).toEqual([2]);
  single.raft.step(message(appResp, { term: 1, from: 2, index: 2 }));
  expect(single.raft.commitIndex).toBe(1);
  single.sentAfterFlush();
  expect(single.raft.commitIndex).toBe(2);
});

test("R61 §10.2.1 a lone node does not commit what it has not flushed", () => {
  const single = createSingle({ voters: [1] });
  lead(single);
  single.raft.propose([Uint8Array.of(1)]);
  single.sent();
  expect(single.raft.commitIndex).toBe(1);
  single.sentAfterFlush();
  expect(single.raft.commitIndex).toBe(2);
});

test("R62 §10.2.1 only entries that are durable here are applied here", () => {
  const single = createSingle();
  single.raft.step(message(app, { term: 1, entries: entriesOfTerms([1]), commit: 1 }));
  expect(single.raft.ready().committedEntries).toEqual([]);
});

test("R63 §10.2.1 a flush that was overtaken by another leader's entries speaks for none of them (ABA)", () => {
  const single = createSingle();
  // Term 1 writes index 1; term 2 replaces it; term 3 brings the entry of term 1 back.
  single.raft.step(message(app, { term: 1, from: 2, entries: [entry(1, 1, "x")] }));
  single.sent();
  single.raft.step(message(app, { term: 2, from: 3, entries: [entry(2, 1, "y")] }));
  single.sent();
  single.raft.step(message(app, { term: 3, from: 2, entries: [entry(1, 1, "x"), entry(3, 2, "z")] }));
  single.sent();
  const [first, second, third] = single.writes.splice(0) as [Message, Message, Message];
  const report = (write: Message) => write.responses.filter(({ from }) => from < 0);
  for (const response of report(first)) single.raft.step(response);
  expect(single.raft.core.log.unstable.length).toBe(2);
  for (const response of report(second)) single.raft.step(response);
  expect(single.raft.core.log.unstable.length).toBe(2);
  for (const response of report(third)) single.raft.step(response);
  expect(single.raft.core.log.unstable.length).toBe(0);
});

test("R64 §10.2.2 a leader sends the next entries without waiting for the answer to those before", () => {
  const single = createSingle();
  lead(single);
  single.raft.step(message(appResp, { term: 1, from: 2, index: 1 }));
  single.sentAfterFlush();
  const sent: number[] = [];
  for (let count = 1; count <= 3; count++) {
    single.raft.propose([Uint8Array.of(count)]);
    sent.push(
      ...ofType(single.sent(), app)
        .filter(({ to }) => to === 2)
        .flatMap(({ entries }) => entries.map(({ index }) => index)),
    );
  }
  expect(sent).toEqual([2, 3, 4]);
});

test("R65 §10.2.2 when one of them is lost, those after it are rejected, and the leader goes back to probing", () => {
  const single = createSingle();
  lead(single);
  single.raft.step(message(appResp, { term: 1, from: 2, index: 1 }));
  single.raft.propose([Uint8Array.of(1)]);
  single.raft.propose([Uint8Array.of(2)]);
  single.sentAfterFlush();
  single.raft.step(message(appResp, { term: 1, from: 2, index: 2, reject: true, rejectHint: 1, logTerm: 1 }));
  expect(ofType(single.sentAfterFlush(), app)).toMatchObject([
    { to: 2, index: 1, entries: [{ index: 2 }, { index: 3 }] },
  ]);
  expect(single.raft.status().progress.get(2)?.state).toBe("probe");
});
