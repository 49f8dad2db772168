import { expect, test } from "vitest";
import { entriesOfTerms, entry, message } from "./testing/messages.ts";
import { Network } from "./testing/network.ts";
import { createSingle, lead } from "./testing/single.ts";
import { type Message, MessageType } from "./types.ts";

const { app, appResp, heartbeat, heartbeatResp, vote, voteResp } = MessageType;
const ofType = (messages: readonly Message[], type: MessageType) => messages.filter((each) => each.type === type);

test("§3.3 a leader that sees a higher term becomes a follower of it", () => {
  const single = createSingle();
  lead(single);
  single.raft.step(message(appResp, { term: 9 }));
  expect(single.raft.status()).toMatchObject({ state: "follower", term: 9, vote: 0, leader: 0 });
});

test("§3.3 a message of an older term changes nothing", () => {
  const single = createSingle({ hardState: { term: 5, vote: 0, commit: 0 } });
  single.raft.step(message(app, { term: 4, entries: [entry(4, 1)] }));
  expect(single.raft.status()).toMatchObject({ term: 5, leader: 0, lastIndex: 0 });
  expect(single.sentAfterFlush()).toEqual([]);
});

test("§3.4 a follower that hears nothing for its election timeout campaigns in the next term", () => {
  const single = createSingle();
  for (let ticks = 0; ticks < 9; ticks++) single.raft.tick();
  expect(single.raft.softState.state).toBe("follower");
  single.raft.tick();
  expect(single.raft.status()).toMatchObject({ state: "candidate", term: 1, vote: 1 });
  expect(ofType(single.sent(), vote).map(({ to }) => to)).toEqual([2, 3]);
});

test("§3.4 election timeouts are drawn from [n, 2n) anew for every term", () => {
  const draws: number[] = [];
  const single = createSingle({ random: (bound) => draws.push(bound) % bound });
  const before = draws.length;
  single.raft.step(message(heartbeat, { term: 1 }));
  single.raft.step(message(heartbeat, { term: 2 }));
  expect(draws.slice(before)).toEqual([10, 10]);
  expect(single.raft.core.randomizedElectionTimeout).toBe(10 + (draws.length % 10));
});

test("§3.4 election safety: at most one leader per term, even when two campaign at once", () => {
  const network = new Network({ members: [1, 2, 3, 4, 5], raft: { preVote: false, checkQuorum: false } });
  network.raft(1).campaign();
  network.raft(2).campaign();
  network.settle();
  const leaders = [...network.members.values()].filter(({ raft }) => raft.softState.state === "leader");
  expect(new Set(leaders.map(({ raft }) => raft.term)).size).toBe(leaders.length);
  expect(network.raft(1).term).toBe(network.raft(2).term);
});

test("§3.4 first come, first served: one vote per term", () => {
  const single = createSingle();
  single.raft.step(message(vote, { term: 1, from: 2 }));
  single.raft.step(message(vote, { term: 1, from: 3 }));
  const answers = ofType(single.sentAfterFlush(), voteResp);
  expect(answers.map(({ to, reject }) => [to, reject])).toEqual([
    [2, false],
    [3, true],
  ]);
});

test("§3.4 a repeated vote request of the same candidate is granted again", () => {
  const single = createSingle();
  single.raft.step(message(vote, { term: 1, from: 2 }));
  single.raft.step(message(vote, { term: 1, from: 2 }));
  expect(ofType(single.sentAfterFlush(), voteResp).map(({ reject }) => reject)).toEqual([false, false]);
});

test("§3.4 no vote changes within a term: neither by following a leader nor by losing the election", () => {
  const single = createSingle();
  single.raft.campaign();
  single.sentAfterFlush();
  single.raft.step(message(app, { term: 1, index: 7, logTerm: 1 }));
  expect(single.raft.status()).toMatchObject({ state: "follower", term: 1, vote: 1 });
  single.raft.step(message(vote, { term: 1, from: 3, index: 9, logTerm: 1 }));
  expect(ofType(single.sentAfterFlush(), voteResp)).toMatchObject([{ to: 3, reject: true }]);
});

test("§3.6.1 a vote needs a log at least as up to date: the last term first, then the length", () => {
  const grants = (logTerm: number, index: number): boolean => {
    const single = createSingle({ entries: entriesOfTerms([1, 2, 2]), hardState: { term: 2, vote: 0, commit: 0 } });
    single.raft.step(message(vote, { term: 3, logTerm, index }));
    return ofType(single.sentAfterFlush(), voteResp)[0]!.reject === false;
  };
  expect(grants(1, 9)).toBe(false);
  expect(grants(2, 2)).toBe(false);
  expect(grants(2, 3)).toBe(true);
  expect(grants(3, 1)).toBe(true);
});

test("§3.8 a vote is durable before the answer leaves", () => {
  const single = createSingle();
  single.raft.step(message(vote, { term: 1, from: 2 }));
  expect(single.sent()).toEqual([]);
  expect(single.writes).toMatchObject([{ term: 1, vote: 2, responses: [{ type: voteResp, to: 2 }] }]);
});

test("§3.8 a candidate's own vote counts only when it is durable", () => {
  const single = createSingle({ voters: [1] });
  single.raft.campaign();
  single.sent();
  expect(single.raft.softState.state).toBe("candidate");
  single.sentAfterFlush();
  expect(single.raft.softState.state).toBe("leader");
});

test("§3.5 a follower acknowledges entries only when they are durable", () => {
  const single = createSingle();
  single.raft.step(message(app, { term: 1, entries: [entry(1, 1)] }));
  expect(single.sent()).toEqual([]);
  expect(ofType(single.sentAfterFlush(), appResp)).toMatchObject([{ to: 2, index: 1, reject: false }]);
});

test("§3.5 entries after a previous entry that does not match are rejected with a hint", () => {
  const single = createSingle({ entries: entriesOfTerms([1, 2]), hardState: { term: 2, vote: 0, commit: 0 } });
  single.raft.step(message(app, { term: 3, index: 2, logTerm: 3, entries: [entry(3, 3)] }));
  single.raft.step(message(app, { term: 3, index: 5, logTerm: 3, entries: [entry(3, 6)] }));
  const answers = ofType(single.sentAfterFlush(), appResp);
  expect(answers).toMatchObject([
    { reject: true, index: 2, rejectHint: 2, logTerm: 2 },
    { reject: true, index: 5, rejectHint: 2, logTerm: 2 },
  ]);
});

test("§3.5 the log is truncated only at a real conflict: a late, shorter append takes nothing away", () => {
  const single = createSingle();
  single.raft.step(message(app, { term: 1, entries: entriesOfTerms([1, 1, 1]) }));
  single.raft.step(message(app, { term: 1, entries: entriesOfTerms([1]) }));
  expect(single.raft.status().lastIndex).toBe(3);
  single.raft.step(message(app, { term: 2, index: 1, logTerm: 1, entries: [entry(2, 2)] }));
  expect(single.raft.status().lastIndex).toBe(2);
  expect(single.raft.core.log.term(2)).toBe(2);
});

test("§3.5 committed entries are never replaced", () => {
  const single = createSingle();
  single.raft.step(message(app, { term: 1, entries: entriesOfTerms([1, 1]), commit: 2 }));
  expect(() => single.raft.step(message(app, { term: 2, index: 1, logTerm: 1, entries: [entry(2, 2)] }))).not.toThrow();
  // The append ends before the commit index, so it is answered with what is committed.
  expect(single.raft.core.log.term(2)).toBe(1);
  expect(ofType(single.sentAfterFlush(), appResp).at(-1)).toMatchObject({ index: 2, reject: false });
});

test("§3.5 a follower commits no further than this message has verified", () => {
  const single = createSingle({ entries: entriesOfTerms([1, 1, 1]), hardState: { term: 1, vote: 0, commit: 0 } });
  single.raft.step(message(app, { term: 2, index: 1, logTerm: 1, commit: 3 }));
  expect(single.raft.commitIndex).toBe(1);
  single.raft.step(message(app, { term: 2, index: 1, logTerm: 1, commit: 9, entries: [entry(2, 2)] }));
  expect(single.raft.commitIndex).toBe(2);
});

test("§3.5 a leader's heartbeat commits no further than the follower is known to match", () => {
  const single = createSingle();
  lead(single);
  single.raft.step(message(appResp, { term: 1, from: 2, index: 1 }));
  single.sentAfterFlush();
  single.raft.tick();
  const commits = ofType(single.sentAfterFlush(), heartbeat).map(({ to, commit }) => [to, commit]);
  expect(commits).toEqual([
    [2, 1],
    [3, 0],
  ]);
});

test("§3.5 a leader commits what a majority holds, and tells the others with the next message", () => {
  const network = new Network({ members: [1, 2, 3] });
  network.elect(1);
  network.propose(1, "a", "b");
  network.settle();
  for (const id of [1, 2, 3]) expect(network.appliedTexts(id)).toEqual(["a", "b"]);
});

test("§3.6.2 only entries of the current term are committed by counting", () => {
  const single = createSingle({ entries: entriesOfTerms([1, 2]), hardState: { term: 2, vote: 0, commit: 0 } });
  lead(single);
  expect(single.raft.term).toBe(3);
  single.raft.step(message(appResp, { term: 3, from: 2, index: 2 }));
  expect(single.raft.commitIndex).toBe(0);
  single.raft.step(message(appResp, { term: 3, from: 2, index: 3 }));
  expect(single.raft.commitIndex).toBe(3);
});

test("§3.6.2 a leader opens its term with an empty entry", () => {
  const single = createSingle();
  lead(single);
  expect(single.storage.entries(1, 2, 1)).toMatchObject([{ term: 1, data: new Uint8Array(0) }]);
});

test("§10.2.1 a leader replicates before its own flush and counts itself only after", () => {
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

test("§10.2.1 a lone node does not commit what it has not flushed", () => {
  const single = createSingle({ voters: [1] });
  lead(single);
  single.raft.propose([Uint8Array.of(1)]);
  single.sent();
  expect(single.raft.commitIndex).toBe(1);
  single.sentAfterFlush();
  expect(single.raft.commitIndex).toBe(2);
});

test("§10.2.1 only entries that are durable here are applied here", () => {
  const single = createSingle();
  single.raft.step(message(app, { term: 1, entries: entriesOfTerms([1]), commit: 1 }));
  expect(single.raft.ready().committedEntries).toEqual([]);
});

test("§10.2.1 a flush that was overtaken by another leader's entries speaks for none of them (ABA)", () => {
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

test("§3.10 a leader takes no proposals during a transfer, and takes them again when it times out", () => {
  const single = createSingle();
  lead(single);
  single.raft.transferLeader(3);
  expect(single.raft.status().leadTransferee).toBe(3);
  expect(single.raft.propose([Uint8Array.of(1)])).toBe("dropped");
  for (let ticks = 0; ticks < 10; ticks++) single.raft.tick();
  expect(single.raft.status().leadTransferee).toBe(0);
  expect(single.raft.propose([Uint8Array.of(1)])).toBeNull();
});

test("§4.2.3 a node that was cut off does not depose a leader that the others hear", () => {
  const network = new Network({ members: [1, 2, 3], raft: { preVote: false } });
  network.elect(1);
  network.isolate(3);
  network.tick(3, 60);
  network.settle();
  expect(network.raft(3).term).toBeGreaterThan(1);
  network.heal();
  network.raft(3).campaign();
  network.settle();
  expect(network.raft(2).softState.leader).toBe(1);
});

test("§6.2 a leader without a quorum steps down after an election timeout", () => {
  const network = new Network({ members: [1, 2, 3] });
  network.elect(1);
  network.isolate(1);
  for (let ticks = 0; ticks < 21; ticks++) {
    network.tick(1);
    network.settle();
  }
  expect(network.raft(1).softState).toEqual({ leader: 0, state: "follower" });
});

test("§9.6 a pre-vote changes neither term nor vote of anyone", () => {
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

test("a heartbeat response never moves what a leader knows of a follower's log", () => {
  const single = createSingle();
  lead(single);
  single.raft.step(message(heartbeatResp, { term: 1, from: 3, index: 1, commit: 1 }));
  expect(single.raft.status().progress.get(3)?.match).toBe(0);
});
