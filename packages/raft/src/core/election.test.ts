import { expect, test } from "vitest";
import { entriesOfTerms, entry, message } from "../testing/messages.ts";
import { Network } from "../testing/network.ts";
import { createSingle, lead } from "../testing/single.ts";
import { EntryType, type Message, MessageType } from "../types.ts";

const { app, heartbeat, preVote, preVoteResp, vote, voteResp } = MessageType;
const answersOf = (messages: readonly Message[]) =>
  messages.filter(({ type }) => type === voteResp || type === preVoteResp);

test("a granted pre-vote names the term asked about, a rejected one the voter's own", () => {
  const single = createSingle({ entries: entriesOfTerms([1, 1]), hardState: { term: 4, vote: 3, commit: 0 } });
  single.raft.step(message(preVote, { term: 5, logTerm: 1, index: 2 }));
  single.raft.step(message(preVote, { term: 5, logTerm: 1, index: 1 }));
  single.raft.step(message(preVote, { term: 3, logTerm: 9, index: 9 }));
  expect(answersOf(single.sentAfterFlush())).toMatchObject([
    { term: 5, reject: false },
    { term: 4, reject: true },
    { term: 4, reject: true },
  ]);
  expect(single.raft.status()).toMatchObject({ term: 4, vote: 3 });
});

test("a pre-candidate adopts the higher term of a rejection", () => {
  const single = createSingle({ preVote: true });
  single.raft.campaign();
  single.sentAfterFlush();
  single.raft.step(message(preVoteResp, { term: 6, reject: true }));
  expect(single.raft.status()).toMatchObject({ term: 6, state: "follower", leader: 0 });
});

test("answers to a pre-vote that was won already start nothing again", () => {
  const single = createSingle({ preVote: true });
  single.raft.campaign();
  single.sentAfterFlush();
  single.raft.step(message(preVoteResp, { term: 1 }));
  single.sentAfterFlush();
  expect(single.raft.status()).toMatchObject({ term: 1, state: "candidate" });
  single.raft.step(message(preVoteResp, { term: 1, from: 3 }));
  expect(single.raft.status()).toMatchObject({ term: 1, state: "candidate" });
});

test("the first answer of a voter counts, and answers of strangers do not", () => {
  const single = createSingle({ voters: [1, 2, 3, 4, 5] });
  single.raft.campaign();
  single.sentAfterFlush();
  single.raft.step(message(voteResp, { term: 1, from: 2, reject: true }));
  single.raft.step(message(voteResp, { term: 1, from: 2 }));
  single.raft.step(message(voteResp, { term: 1, from: 3 }));
  expect(single.raft.step(message(voteResp, { term: 1, from: 9 }))).toBe("peer-not-found");
  expect(single.raft.softState.state).toBe("candidate");
  single.raft.step(message(voteResp, { term: 1, from: 4 }));
  expect(single.raft.softState.state).toBe("leader");
});

test("a learner grants a vote: it may have become a voter without knowing it yet", () => {
  const single = createSingle({ voters: [2, 3], learners: [1] });
  single.raft.step(message(vote, { term: 1 }));
  expect(answersOf(single.sentAfterFlush())).toMatchObject([{ to: 2, reject: false }]);
});

test("nobody campaigns over a membership change that is committed and not applied", () => {
  const change = { term: 1, index: 1, type: EntryType.confChangeV2, data: new Uint8Array(0) };
  const single = createSingle({ entries: [change], hardState: { term: 1, vote: 0, commit: 1 } });
  single.raft.campaign();
  expect(single.raft.softState.state).toBe("follower");
});

test("campaigning as a leader does nothing", () => {
  const single = createSingle();
  lead(single);
  single.raft.campaign();
  expect(single.raft.status()).toMatchObject({ state: "leader", term: 1 });
});

test("a follower that hears its leader ignores votes and pre-votes, until it forgets the leader", () => {
  const single = createSingle({ checkQuorum: true, preVote: true });
  single.raft.step(message(heartbeat, { term: 1, from: 3 }));
  single.sentAfterFlush();
  single.raft.step(message(preVote, { term: 2, from: 2 }));
  single.raft.step(message(vote, { term: 2, from: 2 }));
  expect(single.sentAfterFlush()).toEqual([]);
  expect(single.raft.term).toBe(1);
  single.raft.forgetLeader();
  single.raft.step(message(preVote, { term: 2, from: 2 }));
  single.raft.step(message(vote, { term: 2, from: 2 }));
  expect(answersOf(single.sentAfterFlush())).toMatchObject([{ reject: false }, { reject: false }]);
});

test("after proof of the leader's death two followers elect a new one at once", () => {
  const network = new Network({ members: [1, 2, 3] });
  network.elect(1);
  network.crash(1);
  network.raft(2).campaign();
  network.settle();
  expect(network.leader()).toBeNull();
  for (const id of [2, 3]) network.raft(id).forgetLeader();
  network.raft(2).campaign();
  network.settle();
  expect(network.leader()).toBe(2);
});

test("a leader does not forget itself", () => {
  const single = createSingle();
  lead(single);
  single.raft.forgetLeader();
  expect(single.raft.softState).toEqual({ leader: 1, state: "leader" });
});

test("a node that was cut off and raised its term frees itself and its group with one election", () => {
  const network = new Network({ members: [1, 2, 3], raft: { preVote: false } });
  network.elect(1);
  network.isolate(3);
  network.tick(3, 60);
  network.settle();
  network.heal();
  for (let ticks = 0; ticks < 60; ticks++) {
    for (const id of [1, 2, 3]) network.tick(id);
    network.settle();
  }
  const leader = network.leader()!;
  expect(network.raft(leader).term).toBeGreaterThanOrEqual(network.raft(3).term);
  for (const id of [1, 2, 3]) expect(network.raft(id).softState.leader).toBe(leader);
});

test("only old leaders get an answer to messages of an earlier term", () => {
  const single = createSingle({ checkQuorum: true, hardState: { term: 5, vote: 0, commit: 0 } });
  single.raft.step(message(app, { term: 3, entries: [entry(3, 1)] }));
  single.raft.step(message(heartbeat, { term: 3 }));
  single.raft.step(message(vote, { term: 3 }));
  expect(single.sentAfterFlush()).toMatchObject([
    { type: MessageType.appResp, term: 5, index: 0 },
    { type: MessageType.appResp, term: 5, index: 0 },
  ]);
});

test("a restarted node keeps its vote", () => {
  const network = new Network({ members: [1, 2, 3], raft: { preVote: false, checkQuorum: false } });
  network.elect(1);
  network.crash(2);
  network.restart(2);
  expect(network.raft(2).status()).toMatchObject({ term: 1, vote: 1 });
});

test("a vote that was granted puts the own campaign off, a pre-vote does not", () => {
  for (const [type, state] of [
    [vote, "follower"],
    [preVote, "candidate"],
  ] as const) {
    const single = createSingle();
    for (let ticks = 0; ticks < 9; ticks++) single.raft.tick();
    single.raft.step(message(type, { term: 1 }));
    single.raft.tick();
    expect(single.raft.softState.state).toBe(state);
  }
});

test("who follows a leader votes for nobody else in its term, though it never voted for the leader", () => {
  const single = createSingle();
  single.raft.step(message(heartbeat, { term: 1, from: 2 }));
  single.raft.step(message(vote, { term: 1, from: 3 }));
  expect(answersOf(single.sentAfterFlush())).toMatchObject([{ to: 3, reject: true }]);
});

test("a new leader has a whole election timeout to hear from its quorum, however late it was elected", () => {
  const single = createSingle({ checkQuorum: true });
  for (let ticks = 0; ticks < 9; ticks++) single.raft.tick();
  lead(single);
  for (let ticks = 0; ticks < 9; ticks++) single.raft.tick();
  expect(single.raft.softState.state).toBe("leader");
  single.raft.tick();
  expect(single.raft.softState.state).toBe("follower");
});
