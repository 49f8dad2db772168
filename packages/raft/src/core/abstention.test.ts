import { expect, test } from "vitest";
import { entriesOfTerms, message } from "../testing/messages.ts";
import { Network } from "../testing/network.ts";
import { createSingle } from "../testing/single.ts";
import { type Message, MessageType, type NodeId } from "../types.ts";

const { app, heartbeat, preVote, timeoutNow, vote, voteResp } = MessageType;

/** Node `id` comes back without the last entry of its log, in a term above all that it has spoken in. */
function dropLast(network: Network, id: NodeId): void {
  network.crash(id);
  const member = network.member(id);
  const { durable } = member;
  const { commit } = durable.initialState().hardState;
  const kept = durable.entries(1, durable.lastIndex(), Number.MAX_SAFE_INTEGER);
  const hardState = { term: 0, vote: 0, commit: Math.min(commit, durable.lastIndex() - 1) };
  const { storage } = createSingle({ voters: [...network.members.keys()], entries: kept as never, hardState });
  network.members.set(id, { ...member, beforeLastWrite: storage });
  network.restartDamaged(id);
}

function createDropped(members: readonly NodeId[] = [1, 2, 3]): Network {
  const network = new Network({ members });
  network.elect(1);
  network.propose(1, "a");
  network.settle();
  dropLast(network, 3);
  return network;
}

/** Time passes for all that are up, until nothing is left to say. */
function pass(network: Network, ticks = 40): void {
  for (let count = 0; count < ticks; count++) {
    for (const [id, { up }] of network.members) if (up) network.tick(id);
    network.settle();
  }
}

test("N2 (a) a leader that others elected without it repairs the node, which then votes again", () => {
  const network = createDropped();
  expect(network.raft(3).status()).toMatchObject({ lastIndex: 1, term: 2, abstaining: true });
  pass(network);
  const leader = network.leader()!;
  expect(leader).not.toBe(3);
  expect(network.raft(3).status()).toMatchObject({ abstaining: false, leader });
  expect(network.appliedTexts(3)).toEqual(["a"]);
  network.crash(leader === 1 ? 2 : 1);
  network.propose(leader, "b");
  network.settle();
  expect(network.appliedTexts(3)).toEqual(["a", "b"]);
});

test("N2 (a) of five with one dead, the three others repair it", () => {
  const network = createDropped([1, 2, 3, 4, 5]);
  network.crash(5);
  pass(network);
  expect(network.raft(3).status().abstaining).toBe(false);
  network.crash(network.leader()!);
  pass(network, 80);
  expect(network.raft(network.leader()!).term).toBeGreaterThan(2);
  expect(network.appliedTexts(network.leader()!)).toEqual(["a"]);
});

test("N2 the price: of three, one dead and one that lost its end, nobody is elected until the third is back", () => {
  const network = createDropped();
  network.crash(2);
  pass(network, 200);
  expect(network.leader()).toBeNull();
  expect(network.raft(3).status()).toMatchObject({ abstaining: true, lastIndex: 1 });
  network.restart(2);
  pass(network);
  expect(network.leader()).not.toBeNull();
  expect(network.raft(3).status().abstaining).toBe(false);
});

test("N2 a leader of the term in which the entries were acknowledged repairs nothing: it is deposed first", () => {
  const network = createDropped();
  // What it counts for node 3 is of its own term, and ends with it.
  expect(network.raft(1).status().progress.get(3)?.match).toBe(2);
  network.tick(1);
  network.settle();
  expect(network.raft(1).status()).toMatchObject({ state: "follower", term: 2 });
  expect(network.raft(3).status()).toMatchObject({ abstaining: true, lastIndex: 1 });
});

test("N2 a leader that itself lost its end is not elected again before another one repaired it", () => {
  const network = new Network({ members: [1, 2, 3] });
  network.elect(1);
  network.isolate(3);
  network.propose(1, "a");
  network.settle();
  dropLast(network, 1);
  network.heal();
  // Only node 2 still has the entry: neither node 1 nor node 3 may win without it.
  network.raft(1).campaign();
  network.raft(3).campaign();
  network.settle();
  expect(network.leader()).toBeNull();
  pass(network);
  expect(network.leader()).toBe(2);
  expect(network.appliedTexts(1)).toEqual(["a"]);
  expect(network.raft(1).status().abstaining).toBe(false);
});

/**
 * The trace that forbids a leader of an earlier term to repair: node 5 votes for 4 in term 2 and loses the vote. If it then
 * followed 1 in term 1 and helped to commit, the old vote could still make 4 leader of term 2, without what was committed.
 */
test("N2 a lost vote can still elect its candidate, but not beside a leader that the voter helps to commit", () => {
  const network = new Network({ members: [1, 2, 3, 4, 5] });
  network.elect(1);
  const late: Message[] = [];
  network.loses = (sent) => {
    if (sent.type === vote && sent.to !== 5) late.push(sent);
    return (sent.type === vote && sent.to !== 5) || (sent.from === 1 && sent.to === 4);
  };
  for (const id of [2, 4, 5]) network.raft(id).forgetLeader();
  network.raft(4).campaign();
  network.settle();
  expect(network.raft(4).status()).toMatchObject({ term: 2, state: "candidate" });
  expect(network.raft(5).status()).toMatchObject({ term: 2, vote: 4 });
  dropLast(network, 5);
  network.loses = ({ from, to }) => [2, 4].includes(from) || [2, 4].includes(to);
  network.propose(1, "e");
  for (const id of [1, 3, 5]) network.tick(id, 3);
  network.settle();
  expect(network.appliedTexts(1)).toEqual([]);
  network.crash(1);
  network.heal();
  network.raft(2).forgetLeader();
  for (const request of late) if (request.to === 2) network.deliver(request);
  network.settle();
  pass(network, 60);
  network.propose(network.leader()!, "f");
  network.restart(1);
  pass(network, 60);
  const texts = network.appliedTexts(network.leader()!);
  for (const id of network.members.keys()) expect(network.appliedTexts(id)).toEqual(texts);
});

test("N2 an abstaining node neither votes nor campaigns", () => {
  const single = createSingle();
  single.raft.abstain();
  single.raft.step(message(preVote, { term: 2, logTerm: 9, index: 9 }));
  single.raft.step(message(vote, { term: 2, logTerm: 9, index: 9 }));
  expect(single.sentAfterFlush().map(({ reject }) => reject)).toEqual([true, true]);
  for (let ticks = 0; ticks < 50; ticks++) single.raft.tick();
  single.raft.campaign();
  single.raft.step(message(timeoutNow, { term: 2 }));
  expect(single.raft.status()).toMatchObject({ state: "follower", vote: 0 });
});

test("N2 it votes again once an entry of its term or a later one is committed in its log, and not with one of an earlier", () => {
  const hardState = { term: 5, vote: 1, commit: 0 };
  const single = createSingle({ entries: entriesOfTerms([1, 1]), hardState });
  single.raft.abstain();
  single.raft.step(message(app, { term: 5, index: 2, logTerm: 1, entries: entriesOfTerms([3, 5], 2), commit: 3 }));
  expect(single.raft.status()).toMatchObject({ commitIndex: 3, abstaining: true });
  single.raft.step(message(heartbeat, { term: 5, commit: 4 }));
  expect(single.raft.status()).toMatchObject({ commitIndex: 4, abstaining: false });
  single.sentAfterFlush();
  single.raft.step(message(vote, { term: 6, logTerm: 5, index: 4 }));
  expect(single.sentAfterFlush()).toMatchObject([{ type: voteResp, reject: false }]);
});

test("N2 (b) told by all others where their logs end, it votes for no lesser log, and stands for none", () => {
  const single = createSingle({ entries: entriesOfTerms([1]), hardState: { term: 4, vote: 1, commit: 0 } });
  single.raft.abstain();
  single.raft.endAbstention({ lastTerm: 3, lastIndex: 5 });
  expect(single.raft.status()).toMatchObject({ term: 4, vote: 1, state: "follower", abstaining: false });
  const answers = (term: number, logTerm: number, index: number) => {
    single.raft.step(message(vote, { term, logTerm, index }));
    return single.sentAfterFlush().filter(({ type }) => type === voteResp)[0]?.reject;
  };
  expect(answers(4, 3, 5)).toBe(true);
  expect(answers(5, 3, 4)).toBe(true);
  expect(answers(6, 3, 5)).toBe(false);
  single.raft.campaign();
  expect(single.raft.softState.state).toBe("follower");
});

test("N2 a node that loses its end a second time is repaired as after the first: an older floor asks nothing more of it", () => {
  const single = createSingle({ hardState: { term: 4, vote: 0, commit: 0 } });
  single.raft.abstain();
  single.raft.endAbstention({ lastTerm: 9, lastIndex: 9 });
  single.raft.abstain();
  single.raft.step(message(app, { term: 5, entries: entriesOfTerms([5]), commit: 1 }));
  expect(single.raft.status()).toMatchObject({ abstaining: false, voteFloor: null });
  single.raft.step(message(vote, { term: 6, from: 3, logTerm: 5, index: 1 }));
  expect(single.sentAfterFlush().filter(({ type }) => type === voteResp)).toMatchObject([{ term: 6, reject: false }]);
});

test("N2 a floor is gone when the own log has reached it: until then the node neither votes for less nor campaigns", () => {
  const single = createSingle({ hardState: { term: 4, vote: 0, commit: 0 } });
  single.raft.abstain();
  single.raft.endAbstention({ lastTerm: 3, lastIndex: 2 });
  single.raft.step(message(app, { term: 4, entries: entriesOfTerms([3]) }));
  single.raft.campaign();
  expect(single.raft.status()).toMatchObject({ state: "follower", voteFloor: { lastTerm: 3, lastIndex: 2 } });
  single.raft.step(message(app, { term: 4, index: 1, logTerm: 3, entries: entriesOfTerms([3], 1) }));
  single.raft.campaign();
  expect(single.raft.status()).toMatchObject({ state: "candidate", voteFloor: null });
});
