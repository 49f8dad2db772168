import { expect, test } from "vitest";
import { entriesOfTerms, entry, message } from "../testing/messages.ts";
import { createRandom, Network } from "../testing/network.ts";
import { createSingle, type Single } from "../testing/single.ts";
import { EntryType, type Message, MessageType } from "../types.ts";

const { app, appResp, heartbeat, preVote, preVoteResp, snap, timeoutNow, vote, voteResp } = MessageType;

/** What a voter answered: the term, and whether it refused. */
function answersOf(single: Single): readonly (readonly [number, boolean])[] {
  const answers = single.sentAfterFlush().filter(({ type }) => type === voteResp || type === preVoteResp);
  return answers.map(({ term, reject }) => [term, reject]);
}

/** Nodes 1 to 3 with logs and terms of their own; node 1 is dead. */
function createDifferent(second: readonly number[], third: readonly number[]): Network {
  const network = new Network({ members: [1, 2, 3] });
  for (const [id, terms] of [
    [2, second],
    [3, third],
  ] as const) {
    const { durable } = network.member(id);
    durable.append(entriesOfTerms(terms.slice(1)));
    durable.setHardState({ term: terms[0]!, vote: 0, commit: 0 });
    network.crash(id);
    network.restart(id);
  }
  network.crash(1);
  return network;
}

function pass(network: Network, ticks: number): void {
  for (let count = 0; count < ticks; count++) {
    for (const [id, { up }] of network.members) if (up) network.tick(id);
    network.settle();
  }
}

test("A1: an answer to a pre-vote carries the term that was asked about, a rejection the voter's own", () => {
  const single = createSingle({ entries: entriesOfTerms([1, 1]), hardState: { term: 4, vote: 3, commit: 0 } });
  single.raft.step(message(preVote, { term: 7, logTerm: 1, index: 2 }));
  single.raft.step(message(preVote, { term: 7, logTerm: 1, index: 1 }));
  expect(answersOf(single)).toEqual([
    [7, false],
    [4, true],
  ]);
});

test("A1: a candidate whose term is far ahead of the voter's still wins", () => {
  const network = createDifferent([1, 1], [9, 1]);
  network.raft(3).campaign();
  network.settle();
  expect(network.leader()).toBe(3);
  expect(network.raft(3).term).toBe(10);
});

test("A2: a pre-vote of a lower term is rejected, not dropped: high term with short log and low term with long log end up with a leader", () => {
  const single = createSingle({ hardState: { term: 4, vote: 0, commit: 0 } });
  single.raft.step(message(preVote, { term: 2, logTerm: 9, index: 9 }));
  expect(answersOf(single)).toEqual([[4, true]]);
  const network = createDifferent([9, 1], [2, 1, 2, 2]);
  pass(network, 80);
  expect(network.leader()).toBe(3);
});

test("A3: a pre-candidate has forgotten its leader, and the votes of an earlier attempt", () => {
  const single = createSingle({ voters: [1, 2, 3, 4, 5], preVote: true });
  single.raft.step(message(heartbeat, { term: 1, from: 5 }));
  single.raft.campaign();
  expect(single.raft.softState).toEqual({ leader: 0, state: "preCandidate" });
  single.sentAfterFlush();
  single.raft.step(message(preVoteResp, { term: 2, from: 2 }));
  single.raft.campaign();
  single.sentAfterFlush();
  single.raft.step(message(preVoteResp, { term: 2, from: 3 }));
  expect(single.raft.softState.state).toBe("preCandidate");
});

test("A4: a node that hears only some of the group does not take leadership from one that the others hear", () => {
  const network = new Network({ members: [1, 2, 3, 4, 5] });
  network.elect(1);
  // Node 5 hears everyone but the leader.
  network.loses = ({ from, to }) => (from === 1 && to === 5) || (from === 5 && to === 1);
  pass(network, 200);
  expect(network.leader()).toBe(1);
  expect(network.raft(1).term).toBe(1);
});

test("A5: a rejected pre-vote of a higher term is adopted, so that those behind do not ask for ever", () => {
  const single = createSingle({ preVote: true });
  single.raft.campaign();
  single.sentAfterFlush();
  single.raft.step(message(preVoteResp, { term: 6, reject: true }));
  expect(single.raft.status()).toMatchObject({ term: 6, state: "follower", leader: 0 });
});

test("A6: late answers to a pre-vote start nothing again, and a leader that is told to campaign does not", () => {
  const single = createSingle({ preVote: true });
  single.raft.campaign();
  single.sentAfterFlush();
  single.raft.step(message(preVoteResp, { term: 1 }));
  single.sentAfterFlush();
  single.raft.step(message(preVoteResp, { term: 1, from: 3 }));
  expect(single.raft.status()).toMatchObject({ term: 1, state: "candidate" });
  single.raft.step(message(voteResp, { term: 1 }));
  single.raft.step(message(preVoteResp, { term: 1, from: 3 }));
  single.raft.campaign();
  expect(single.raft.status()).toMatchObject({ term: 1, state: "leader" });
});

test("A7: an election for a transfer skips the pre-vote and the voters' loyalty, and outlives a heartbeat of the old leader", () => {
  const single = createSingle({ preVote: true, checkQuorum: true });
  single.raft.step(message(heartbeat, { term: 1, from: 3 }));
  single.raft.step(message(timeoutNow, { term: 1, from: 3 }));
  expect(single.raft.status()).toMatchObject({ term: 2, state: "candidate" });
  const requests = single.sentAfterFlush().filter(({ type }) => type === vote);
  single.raft.step(message(heartbeat, { term: 1, from: 3 }));
  expect(single.raft.status()).toMatchObject({ term: 2, state: "candidate" });
  const loyal = createSingle({ preVote: true, checkQuorum: true });
  loyal.raft.step(message(heartbeat, { term: 1, from: 3 }));
  loyal.sentAfterFlush();
  loyal.raft.step({ ...requests[0]!, from: 2, to: 1 });
  expect(answersOf(loyal)).toEqual([[2, false]]);
});

test("A8: a candidate that steps down in its own term has voted in it", () => {
  const single = createSingle();
  single.raft.campaign();
  single.sentAfterFlush();
  // An append that does not match its log: somebody else leads the term.
  single.raft.step(message(app, { term: 1, index: 7, logTerm: 1 }));
  expect(single.raft.status()).toMatchObject({ state: "follower", term: 1, vote: 1 });
  single.raft.step(message(vote, { term: 1, from: 3, index: 9, logTerm: 1 }));
  expect(answersOf(single)).toEqual([[1, true]]);
});

test("A8: neither a heartbeat nor a lost election takes the vote back", () => {
  const single = createSingle();
  single.raft.step(message(vote, { term: 1, from: 2 }));
  single.raft.step(message(heartbeat, { term: 1, from: 2 }));
  single.raft.forgetLeader();
  single.raft.step(message(vote, { term: 1, from: 3 }));
  expect(answersOf(single)).toEqual([
    [1, false],
    [1, true],
  ]);
  const loser = createSingle();
  loser.raft.campaign();
  loser.sentAfterFlush();
  for (const from of [2, 3]) loser.raft.step(message(voteResp, { term: 1, from, reject: true }));
  expect(loser.raft.status()).toMatchObject({ state: "follower", term: 1, vote: 1 });
});

test("A9: a rejection is no grant, nor is an answer of a higher term", () => {
  const single = createSingle();
  single.raft.campaign();
  single.sentAfterFlush();
  single.raft.step(message(voteResp, { term: 1, reject: true }));
  expect(single.raft.softState.state).toBe("candidate");
  single.raft.step(message(voteResp, { term: 3, from: 3 }));
  expect(single.raft.status()).toMatchObject({ state: "follower", term: 3, vote: 0 });
});

test("A9: logs are compared by their last term first, then by their length", () => {
  const refuses = (logTerm: number, index: number): boolean => {
    const single = createSingle({ entries: entriesOfTerms([1, 3, 3]), hardState: { term: 3, vote: 0, commit: 0 } });
    single.raft.step(message(vote, { term: 4, logTerm, index }));
    return answersOf(single)[0]![1];
  };
  expect([refuses(2, 900), refuses(3, 2), refuses(3, 3), refuses(3, 4), refuses(4, 1)]).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});

test("A9: so is the floor that a node was given when it lost its end (N2): by the last term first, then by the length", () => {
  const refuses = (logTerm: number, index: number): boolean => {
    const single = createSingle({ entries: entriesOfTerms([1]), hardState: { term: 4, vote: 0, commit: 0 } });
    single.raft.abstain();
    single.raft.endAbstention({ lastTerm: 3, lastIndex: 5 });
    single.raft.step(message(vote, { term: 5, logTerm, index }));
    return answersOf(single)[0]![1];
  };
  expect([refuses(2, 900), refuses(3, 4), refuses(3, 5), refuses(3, 6), refuses(4, 1)]).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});

test("A10: a learner votes if asked, and campaigns on no ground", () => {
  const single = createSingle({ voters: [2, 3], learners: [1] });
  single.raft.step(message(vote, { term: 1 }));
  expect(answersOf(single)).toEqual([[1, false]]);
  single.raft.campaign();
  single.raft.step(message(timeoutNow, { term: 1 }));
  for (let ticks = 0; ticks < 100; ticks++) single.raft.tick();
  expect(single.raft.status()).toMatchObject({ state: "follower", term: 1 });
});

test("A10: answers of strangers are refused and count for nothing", () => {
  const single = createSingle();
  single.raft.campaign();
  single.sentAfterFlush();
  for (const from of [7, 8]) expect(single.raft.step(message(voteResp, { term: 1, from }))).toBe("peer-not-found");
  expect(single.raft.softState.state).toBe("candidate");
});

test("A11: nobody campaigns over a membership change or a snapshot that is not applied yet", () => {
  const change = { term: 1, index: 1, type: EntryType.confChangeV2, data: new Uint8Array(0) };
  const unapplied = createSingle({ entries: [change], hardState: { term: 1, vote: 0, commit: 1 } });
  unapplied.raft.campaign();
  expect(unapplied.raft.softState.state).toBe("follower");
  const installing = createSingle();
  const confState = { voters: [1, 2, 3], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
  const snapshot = { index: 9, term: 2, confState, data: new Uint8Array(0) };
  installing.raft.step(message(snap, { term: 2, snapshot }));
  installing.raft.campaign();
  expect(installing.raft.softState.state).toBe("follower");
  installing.sentAfterFlush();
  installing.raft.campaign();
  expect(installing.raft.softState.state).toBe("candidate");
});

test("A11: a membership change is seen however much of the log is committed before it and not applied", () => {
  const large = [1, 2, 3].map((index) => ({ ...entry(1, index), data: new Uint8Array(600 * 1024) }));
  const change = { term: 1, index: 4, type: EntryType.confChangeV2, data: new Uint8Array(0) };
  const hardState = { term: 1, vote: 0, commit: 4 };
  const single = createSingle({ entries: [...large, change], hardState });
  single.raft.campaign();
  expect(single.raft.softState.state).toBe("follower");
  const without = createSingle({ entries: [...large, entry(1, 4)], hardState });
  without.raft.campaign();
  expect(without.raft.softState.state).toBe("candidate");
});

test("A12: a node of a higher term is freed by its answer to the leader's messages, with one election", () => {
  for (const preVoted of [false, true]) {
    const single = createSingle({ checkQuorum: true, preVote: preVoted, hardState: { term: 5, vote: 0, commit: 0 } });
    single.raft.step(message(app, { term: 3 }));
    single.raft.step(message(heartbeat, { term: 3 }));
    expect(single.sentAfterFlush()).toMatchObject([
      { type: appResp, term: 5 },
      { type: appResp, term: 5 },
    ]);
  }
  const network = new Network({ members: [1, 2, 3], raft: { preVote: false } });
  network.elect(1);
  network.isolate(3);
  network.tick(3, 60);
  network.settle();
  const { term } = network.raft(3);
  network.heal();
  pass(network, 60);
  const leader = network.leader()!;
  expect(network.raft(leader).term).toBeGreaterThanOrEqual(term);
  for (const id of [1, 2, 3]) expect(network.raft(id).softState.leader).toBe(leader);
});

test("A13: every node draws its timeouts anew for every term, so that split votes do not repeat", () => {
  const random = createRandom(7);
  const single = createSingle({ random });
  const drawn = new Set<number>();
  for (let term = 1; term <= 40; term++) {
    single.raft.step(message(heartbeat, { term }));
    drawn.add(single.raft.core.randomizedElectionTimeout);
  }
  expect([...drawn].sort((a, b) => a - b)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  for (let seed = 1; seed <= 10; seed++) {
    const network = new Network({ members: [1, 2, 3, 4], seed, raft: { preVote: false, checkQuorum: false } });
    // The split vote that even groups invite.
    network.raft(1).campaign();
    network.raft(2).campaign();
    network.settle();
    pass(network, 120);
    expect(network.leader()).not.toBeNull();
  }
});

test("A14: reads are not served under a lease unless asked for, and then only with CheckQuorum", () => {
  expect(createSingle().raft.core.options.readOnly).toBe("safe");
  expect(() => createSingle({ readOnly: "lease" })).toThrow(/readOnly: "lease" needs checkQuorum/);
});

test("A15: a request that is sent again gets the same vote again, also after a restart", () => {
  const single = createSingle();
  single.raft.step(message(vote, { term: 1 }));
  single.raft.step(message(vote, { term: 1 }));
  const restarted = createSingle({ hardState: { term: 1, vote: 2, commit: 0 } });
  restarted.raft.step(message(vote, { term: 1 }));
  const granted: Message["reject"][] = [...answersOf(single), ...answersOf(restarted)].map(([, reject]) => reject);
  expect(granted).toEqual([false, false, false]);
});
