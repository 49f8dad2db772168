// The rules of the algorithm, numbered, each with its section of Ongaro's thesis: chapter 3. Chapters 4 to 10 are in the files beside this one.
import { expect, test } from "vitest";
import { entriesOfTerms, entry, message } from "./testing/messages.ts";
import { Network } from "./testing/network.ts";
import { createSingle, lead } from "./testing/single.ts";
import { type Message, MessageType } from "./types.ts";

const { app, appResp, heartbeat, snap, timeoutNow, vote, voteResp } = MessageType;
const ofType = (messages: readonly Message[], type: MessageType) => messages.filter((each) => each.type === type);

test("R01 figure 3.2, election safety: at most one leader per term, even when two campaign at once", () => {
  const network = new Network({ members: [1, 2, 3, 4, 5], raft: { preVote: false, checkQuorum: false } });
  network.raft(1).campaign();
  network.raft(2).campaign();
  network.settle();
  const leaders = [...network.members.values()].filter(({ raft }) => raft.softState.state === "leader");
  expect(new Set(leaders.map(({ raft }) => raft.term)).size).toBe(leaders.length);
  expect(network.raft(1).term).toBe(network.raft(2).term);
});

test("R02 figure 3.2, leader append-only: a leader neither overwrites nor deletes what is in its log", () => {
  const single = createSingle();
  lead(single);
  single.raft.propose([Uint8Array.of(1), Uint8Array.of(2)]);
  single.sentAfterFlush();
  const before = single.storage.entries(1, 4, 1e9);
  single.raft.step(message(app, { term: 1, from: 3, entries: entriesOfTerms([1]) }));
  single.raft.step(message(snap, { term: 1, from: 3, snapshot: null }));
  single.raft.step(message(appResp, { term: 1, from: 2, index: 2, reject: true, rejectHint: 0 }));
  single.sentAfterFlush();
  expect(single.raft.softState.state).toBe("leader");
  expect(single.storage.entries(1, 4, 1e9)).toEqual(before);
});

test("R03 figure 3.2, log matching: logs that agree in index and term of an entry agree in all before it", () => {
  const single = createSingle({ entries: entriesOfTerms([1, 1, 2]), hardState: { term: 2, vote: 0, commit: 0 } });
  // The same index and term, but what comes before differs: no leader can send this without the entry before it.
  single.raft.step(message(app, { term: 3, index: 3, logTerm: 3, entries: [entry(3, 4)] }));
  expect(single.raft.lastIndex).toBe(3);
  single.raft.step(message(app, { term: 3, index: 1, logTerm: 1, entries: [entry(3, 2), entry(3, 3), entry(3, 4)] }));
  single.sentAfterFlush();
  const entries = single.storage.entries(1, 5, 1e9);
  expect(typeof entries === "string" ? entries : entries.map(({ term }) => term)).toEqual([1, 3, 3, 3]);
});

test("R04 figure 3.2, leader completeness: nobody without all committed entries is elected", () => {
  const network = new Network({ members: [1, 2, 3, 4, 5], raft: { preVote: false, checkQuorum: false } });
  network.elect(1);
  network.isolate(4, 5);
  network.propose(1, "a");
  network.settle();
  network.crash(1);
  network.heal();
  for (const id of [4, 5]) network.elect(id);
  expect(network.leader()).toBeNull();
  network.elect(2);
  expect(network.leader()).toBe(2);
  for (const id of [2, 3, 4, 5]) expect(network.appliedTexts(id)).toEqual(["a"]);
});

test("R05 figure 3.2, state machine safety: nobody applies another entry at an index that somebody has applied", () => {
  const network = new Network({ members: [1, 2, 3], raft: { preVote: false, checkQuorum: false } });
  network.elect(1);
  network.isolate(1);
  network.propose(1, "lost");
  network.settle();
  network.elect(2);
  network.propose(2, "kept");
  network.settle();
  network.heal();
  network.tick(2);
  network.settle();
  for (const id of [1, 2, 3]) expect(network.appliedTexts(id)).toEqual(["kept"]);
  const applied = [1, 2, 3].map((id) => network.member(id).applied.map(({ index, term }) => [index, term]));
  expect(applied[0]).toEqual(applied[1]);
  expect(applied[2]).toEqual(applied[1]);
});

test("R06 §3.3 a leader that sees a higher term becomes a follower of it", () => {
  const single = createSingle();
  lead(single);
  single.raft.step(message(appResp, { term: 9 }));
  expect(single.raft.status()).toMatchObject({ state: "follower", term: 9, vote: 0, leader: 0 });
});

test("R07 §3.3 a message of an older term changes nothing", () => {
  const single = createSingle({ hardState: { term: 5, vote: 0, commit: 0 } });
  single.raft.step(message(app, { term: 4, entries: [entry(4, 1)] }));
  expect(single.raft.status()).toMatchObject({ term: 5, leader: 0, lastIndex: 0 });
  expect(single.sentAfterFlush()).toEqual([]);
});

test("R67 §3.3 every request names its term: one of a peer that does not is refused, not taken for a local one", () => {
  // A proposal, a read and a wish for a transfer are forwarded to whoever leads, in whatever term.
  const forwarded: readonly MessageType[] = [MessageType.prop, MessageType.readIndex, MessageType.transferLeader];
  for (const type of Object.values(MessageType).filter((each) => !forwarded.includes(each))) {
    for (const term of [0, -1]) {
      const single = createSingle({ hardState: { term: 5, vote: 0, commit: 0 } });
      expect(single.raft.step(message(type, { term, from: 3, entries: [entry(5, 1)] }))).toBe("local-message");
      expect(single.raft.status()).toMatchObject({ term: 5, vote: 0, leader: 0, lastIndex: 0 });
      expect(single.sentAfterFlush()).toEqual([]);
    }
  }
});

test("R08 §3.3 a candidate that hears of a higher term is a follower of it, before it answers", () => {
  const single = createSingle();
  single.raft.campaign();
  single.raft.step(message(vote, { term: 7, from: 3 }));
  expect(single.raft.status()).toMatchObject({ state: "follower", term: 7, vote: 3 });
});

test("R09 §3.3 requests may arrive twice: the second time they change nothing and are answered alike", () => {
  const single = createSingle();
  const request = message(app, { term: 1, entries: entriesOfTerms([1, 1]) });
  single.raft.step(request);
  single.raft.step(request);
  const answers = ofType(single.sentAfterFlush(), appResp);
  expect(answers.map(({ index, reject }) => [index, reject])).toEqual([
    [2, false],
    [2, false],
  ]);
  expect(single.raft.status()).toMatchObject({ lastIndex: 2, commitIndex: 0 });
});

test("R10 §3.4 nodes start as followers, and stay so as long as they hear a leader", () => {
  const single = createSingle();
  for (let ticks = 0; ticks < 100; ticks++) {
    single.raft.tick();
    if (ticks % 9 === 0) single.raft.step(message(heartbeat, { term: 1 }));
  }
  expect(single.raft.softState).toEqual({ leader: 2, state: "follower" });
});

test("R11 §3.4 a follower that hears nothing for its election timeout campaigns in the next term", () => {
  const single = createSingle();
  for (let ticks = 0; ticks < 9; ticks++) single.raft.tick();
  expect(single.raft.softState.state).toBe("follower");
  single.raft.tick();
  expect(single.raft.status()).toMatchObject({ state: "candidate", term: 1, vote: 1 });
  expect(ofType(single.sent(), vote).map(({ to }) => to)).toEqual([2, 3]);
});

test("R66 §3.4 who grants a vote waits a whole election timeout for the winner; a refusal or a pre-vote gives nobody time", () => {
  const ticksToCampaign = (request: Message): number => {
    const hardState = { term: 4, vote: 0, commit: 0 };
    const single = createSingle({ entries: entriesOfTerms([1, 1]), hardState });
    for (let ticks = 0; ticks < 9; ticks++) single.raft.tick();
    single.raft.step(request);
    let more = 0;
    for (; single.raft.softState.state === "follower"; more++) single.raft.tick();
    return more;
  };
  expect(ticksToCampaign(message(vote, { term: 4, logTerm: 1, index: 2 }))).toBe(10);
  expect(ticksToCampaign(message(vote, { term: 4, logTerm: 1, index: 1 }))).toBe(1);
  expect(ticksToCampaign(message(MessageType.preVote, { term: 5, logTerm: 1, index: 2 }))).toBe(1);
});

test("R12 §3.4 a candidate with the votes of a majority leads, and says so at once", () => {
  const single = createSingle({ voters: [1, 2, 3, 4, 5] });
  single.raft.campaign();
  single.sentAfterFlush();
  single.raft.step(message(voteResp, { term: 1, from: 2 }));
  expect(single.raft.softState.state).toBe("candidate");
  single.raft.step(message(voteResp, { term: 1, from: 5 }));
  expect(single.raft.softState).toEqual({ leader: 1, state: "leader" });
  expect(ofType(single.sent(), app).map(({ to }) => to)).toEqual([2, 3, 4, 5]);
});

test("R13 §3.4 a candidate follows a leader of its own term, and none of an earlier one", () => {
  const single = createSingle({ hardState: { term: 4, vote: 0, commit: 0 } });
  single.raft.campaign();
  single.raft.step(message(app, { term: 4, from: 3 }));
  expect(single.raft.softState.state).toBe("candidate");
  single.raft.step(message(app, { term: 5, from: 3 }));
  expect(single.raft.softState).toEqual({ leader: 3, state: "follower" });
});

test("R14 §3.4 a candidate that neither wins nor loses tries again in a new term", () => {
  const single = createSingle();
  single.raft.campaign();
  for (let ticks = 0; ticks < 10; ticks++) single.raft.tick();
  expect(single.raft.status()).toMatchObject({ state: "candidate", term: 2, vote: 1 });
});

test("R15 §3.4 a leader sends heartbeats to all in every interval", () => {
  const single = createSingle({ heartbeatTicks: 3 });
  lead(single);
  for (let ticks = 0; ticks < 2; ticks++) single.raft.tick();
  expect(ofType(single.sentAfterFlush(), heartbeat)).toEqual([]);
  single.raft.tick();
  expect(ofType(single.sentAfterFlush(), heartbeat).map(({ to }) => to)).toEqual([2, 3]);
});

test("R16 §3.4 election timeouts are drawn from [n, 2n) anew for every term", () => {
  const draws: number[] = [];
  const single = createSingle({ random: (bound) => draws.push(bound) % bound });
  const before = draws.length;
  single.raft.step(message(heartbeat, { term: 1 }));
  single.raft.step(message(heartbeat, { term: 2 }));
  expect(draws.slice(before)).toEqual([10, 10]);
  expect(single.raft.core.randomizedElectionTimeout).toBe(10 + (draws.length % 10));
});

test("R17 §3.4 first come, first served: one vote per term", () => {
  const single = createSingle();
  single.raft.step(message(vote, { term: 1, from: 2 }));
  single.raft.step(message(vote, { term: 1, from: 3 }));
  const answers = ofType(single.sentAfterFlush(), voteResp);
  expect(answers.map(({ to, reject }) => [to, reject])).toEqual([
    [2, false],
    [3, true],
  ]);
});

test("R18 §3.4 a repeated vote request of the same candidate is granted again", () => {
  const single = createSingle();
  single.raft.step(message(vote, { term: 1, from: 2 }));
  single.raft.step(message(vote, { term: 1, from: 2 }));
  expect(ofType(single.sentAfterFlush(), voteResp).map(({ reject }) => reject)).toEqual([false, false]);
});

test("R19 §3.4 no vote changes within a term: neither by following a leader nor by losing the election", () => {
  const single = createSingle();
  single.raft.campaign();
  single.sentAfterFlush();
  single.raft.step(message(app, { term: 1, index: 7, logTerm: 1 }));
  expect(single.raft.status()).toMatchObject({ state: "follower", term: 1, vote: 1 });
  single.raft.step(message(vote, { term: 1, from: 3, index: 9, logTerm: 1 }));
  expect(ofType(single.sentAfterFlush(), voteResp)).toMatchObject([{ to: 3, reject: true }]);
});

test("R20 §3.5 a follower acknowledges entries only when they are durable", () => {
  const single = createSingle();
  single.raft.step(message(app, { term: 1, entries: [entry(1, 1)] }));
  expect(single.sent()).toEqual([]);
  expect(ofType(single.sentAfterFlush(), appResp)).toMatchObject([{ to: 2, index: 1, reject: false }]);
});

test("R21 §3.5 a new leader begins with the entry after its last one, and goes back where the logs differ", () => {
  const single = createSingle({ entries: entriesOfTerms([1, 2, 2]), hardState: { term: 2, vote: 0, commit: 0 } });
  single.raft.campaign();
  single.sentAfterFlush();
  single.raft.step(message(voteResp, { term: 3 }));
  expect(ofType(single.sent(), app)).toMatchObject([
    { to: 2, index: 3, logTerm: 2, entries: [{ index: 4 }] },
    { to: 3 },
  ]);
  single.raft.step(message(appResp, { term: 3, from: 2, index: 3, reject: true, rejectHint: 1, logTerm: 1 }));
  expect(ofType(single.sent(), app)).toMatchObject([
    { to: 2, index: 1, entries: [{ index: 2 }, { index: 3 }, { index: 4 }] },
  ]);
});

test("R22 §3.5 entries after a previous entry that does not match are rejected with a hint", () => {
  const single = createSingle({ entries: entriesOfTerms([1, 2]), hardState: { term: 2, vote: 0, commit: 0 } });
  single.raft.step(message(app, { term: 3, index: 2, logTerm: 3, entries: [entry(3, 3)] }));
  single.raft.step(message(app, { term: 3, index: 5, logTerm: 3, entries: [entry(3, 6)] }));
  const answers = ofType(single.sentAfterFlush(), appResp);
  expect(answers).toMatchObject([
    { reject: true, index: 2, rejectHint: 2, logTerm: 2 },
    { reject: true, index: 5, rejectHint: 2, logTerm: 2 },
  ]);
});

test("R68 §3.5 a hint never lies after the entry that was rejected: the leader has to go back from there", () => {
  const single = createSingle({ entries: entriesOfTerms([1, 1, 2, 2]), hardState: { term: 2, vote: 0, commit: 0 } });
  single.raft.step(message(app, { term: 3, index: 2, logTerm: 2, entries: [entry(3, 3)] }));
  expect(ofType(single.sentAfterFlush(), appResp)).toMatchObject([
    { reject: true, index: 2, rejectHint: 2, logTerm: 1 },
  ]);
});

test("R23 §3.5 the log is truncated only at a real conflict: a late, shorter append takes nothing away", () => {
  const single = createSingle();
  single.raft.step(message(app, { term: 1, entries: entriesOfTerms([1, 1, 1]) }));
  single.raft.step(message(app, { term: 1, entries: entriesOfTerms([1]) }));
  expect(single.raft.status().lastIndex).toBe(3);
  single.raft.step(message(app, { term: 2, index: 1, logTerm: 1, entries: [entry(2, 2)] }));
  expect(single.raft.status().lastIndex).toBe(2);
  expect(single.raft.core.log.term(2)).toBe(2);
});

test("R24 §3.5 committed entries are never replaced", () => {
  const single = createSingle();
  single.raft.step(message(app, { term: 1, entries: entriesOfTerms([1, 1]), commit: 2 }));
  expect(() => single.raft.step(message(app, { term: 2, index: 1, logTerm: 1, entries: [entry(2, 2)] }))).not.toThrow();
  // The append ends before the commit index, so it is answered with what is committed.
  expect(single.raft.core.log.term(2)).toBe(1);
  expect(ofType(single.sentAfterFlush(), appResp).at(-1)).toMatchObject({ index: 2, reject: false });
});

test("R25 §3.5 a follower commits no further than this message has verified", () => {
  const single = createSingle({ entries: entriesOfTerms([1, 1, 1]), hardState: { term: 1, vote: 0, commit: 0 } });
  single.raft.step(message(app, { term: 2, index: 1, logTerm: 1, commit: 3 }));
  expect(single.raft.commitIndex).toBe(1);
  single.raft.step(message(app, { term: 2, index: 1, logTerm: 1, commit: 9, entries: [entry(2, 2)] }));
  expect(single.raft.commitIndex).toBe(2);
});

test("R26 §3.5 a leader's heartbeat commits no further than the follower is known to match", () => {
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

test("R27 §3.5 a leader commits what a majority holds, and tells the others with the next message", () => {
  const network = new Network({ members: [1, 2, 3] });
  network.elect(1);
  network.propose(1, "a", "b");
  network.settle();
  for (const id of [1, 2, 3]) expect(network.appliedTexts(id)).toEqual(["a", "b"]);
});

test("R28 §3.5 a leader asks again for as long as a follower lacks something, even after it has answered its clients", () => {
  const network = new Network({ members: [1, 2, 3] });
  network.elect(1);
  network.crash(3);
  network.propose(1, "a");
  network.settle();
  expect(network.appliedTexts(1)).toEqual(["a"]);
  for (let beats = 0; beats < 5; beats++) {
    network.tick(1);
    network.settle();
  }
  network.restart(3);
  network.tick(1);
  network.settle();
  expect(network.appliedTexts(3)).toEqual(["a"]);
});

test("R29 §3.5 whatever the followers of an election hold (figure 3.6), they end with the leader's log", () => {
  const logs = [
    [1, 1, 1, 4, 4, 5, 5, 6, 6, 6],
    [1, 1, 1, 4, 4, 5, 5, 6, 6],
    [1, 1, 1, 4],
    [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
    [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
    [1, 1, 1, 4, 4, 4, 4],
    [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
  ];
  const network = new Network({ members: logs.map((_, position) => position + 1), raft: { checkQuorum: false } });
  for (const [position, terms] of logs.entries()) {
    const { durable } = network.member(position + 1);
    durable.append(entriesOfTerms(terms));
    durable.setHardState({ term: 7, vote: 0, commit: 3 });
    network.crash(position + 1);
    network.restart(position + 1);
  }
  network.elect(1);
  const { view } = network.member(1);
  expect(network.leader()).toBe(1);
  for (const id of network.members.keys()) {
    expect(network.member(id).view.entries(1, 12, 1e9)).toEqual(view.entries(1, 12, 1e9));
    expect(network.raft(id).commitIndex).toBe(11);
  }
});

test("R30 §3.6.1 a vote needs a log at least as up to date: the last term first, then the length", () => {
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

test("R31 §3.6.2 only entries of the current term are committed by counting", () => {
  const single = createSingle({ entries: entriesOfTerms([1, 2]), hardState: { term: 2, vote: 0, commit: 0 } });
  lead(single);
  expect(single.raft.term).toBe(3);
  single.raft.step(message(appResp, { term: 3, from: 2, index: 2 }));
  expect(single.raft.commitIndex).toBe(0);
  single.raft.step(message(appResp, { term: 3, from: 2, index: 3 }));
  expect(single.raft.commitIndex).toBe(3);
});

test("R32 §3.6.2 a leader opens its term with an empty entry", () => {
  const single = createSingle();
  lead(single);
  expect(single.storage.entries(1, 2, 1)).toMatchObject([{ term: 1, data: new Uint8Array(0) }]);
});

test("R33 §3.7 a follower that crashed gets what it missed when it is back", () => {
  const network = new Network({ members: [1, 2, 3] });
  network.elect(1);
  network.crash(2);
  network.propose(1, "a", "b");
  network.settle();
  network.restart(2);
  network.tick(1);
  network.settle();
  expect(network.appliedTexts(2)).toEqual(["a", "b"]);
});

test("R34 §3.8 a vote is durable before the answer leaves", () => {
  const single = createSingle();
  single.raft.step(message(vote, { term: 1, from: 2 }));
  expect(single.sent()).toEqual([]);
  expect(single.writes).toMatchObject([{ term: 1, vote: 2, responses: [{ type: voteResp, to: 2 }] }]);
});

test("R35 §3.8 a candidate's own vote counts only when it is durable", () => {
  const single = createSingle({ voters: [1] });
  single.raft.campaign();
  single.sent();
  expect(single.raft.softState.state).toBe("candidate");
  single.sentAfterFlush();
  expect(single.raft.softState.state).toBe("leader");
});

test("R36 §3.8 term, vote and log outlive a restart; the state machine is rebuilt from the log", () => {
  const network = new Network({ members: [1, 2, 3] });
  network.elect(1);
  network.propose(1, "a");
  network.settle();
  network.crash(2);
  network.restart(2);
  expect(network.raft(2).status()).toMatchObject({ term: 1, vote: 1, lastIndex: 2, leader: 0, appliedIndex: 0 });
  network.settle();
  expect(network.appliedTexts(2)).toEqual(["a"]);
});

test("R70 §3.9 heartbeats come more often than elections: other options are refused", () => {
  const withTicks = (heartbeatTicks: number) => createSingle({ heartbeatTicks, electionTimeoutTicks: 10 });
  expect(() => withTicks(10)).toThrow("electionTimeoutTicks: 10 is not an integer of at least 11");
  const single = withTicks(9);
  lead(single);
  single.sentAfterFlush();
  for (let ticks = 0; ticks < 9; ticks++) single.raft.tick();
  expect(ofType(single.sentAfterFlush(), heartbeat)).toHaveLength(2);
});

test("R37 §3.10 a leader takes no proposals during a transfer, and takes them again when it times out", () => {
  const single = createSingle();
  lead(single);
  single.raft.transferLeader(3);
  expect(single.raft.status().leadTransferee).toBe(3);
  expect(single.raft.propose([Uint8Array.of(1)])).toBe("dropped");
  for (let ticks = 0; ticks < 10; ticks++) single.raft.tick();
  expect(single.raft.status().leadTransferee).toBe(0);
  expect(single.raft.propose([Uint8Array.of(1)])).toBeNull();
});

test("R38 §3.10 the target campaigns at once when it has caught up, without waiting for its timeout", () => {
  const single = createSingle();
  lead(single);
  single.raft.transferLeader(2);
  const before = ofType(single.sentAfterFlush(), timeoutNow);
  single.raft.step(message(appResp, { term: 1, from: 2, index: 1 }));
  const after = ofType(single.sentAfterFlush(), timeoutNow);
  expect([before.length, after.length]).toEqual([0, 1]);
  const target = createSingle({ preVote: true });
  target.raft.step(message(timeoutNow, { term: 1 }));
  expect(target.raft.status()).toMatchObject({ state: "candidate", term: 2 });
});
