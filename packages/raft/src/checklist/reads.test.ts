import { expect, test } from "vitest";
import { encodeRound } from "../core/read-queue.ts";
import { message } from "../testing/messages.ts";
import { Network } from "../testing/network.ts";
import { createSingle, lead, type Single, type SingleOptions } from "../testing/single.ts";
import { type ConfChange, type Message, MessageType } from "../types.ts";

const { appResp, heartbeat, heartbeatResp, timeoutNow } = MessageType;
const context = (name: number) => Uint8Array.of(name);
const heartbeats = (messages: readonly Message[]) => messages.filter(({ type }) => type === heartbeat);

/** Node 1 leads and has committed an entry of its term. */
function createReadyLeader(options: SingleOptions = {}): Single {
  const single = createSingle(options);
  lead(single);
  single.raft.step(message(appResp, { term: 1, from: 2, index: 1 }));
  single.sentAfterFlush();
  return single;
}

/** Everything for other nodes, and the reads answered, of one `ready`, if there is one. */
function turn(single: Single): { readonly sent: readonly Message[]; readonly reads: readonly number[] } {
  if (!single.raft.hasReady()) return { sent: [], reads: [] };
  const { readStates, messages } = single.raft.ready();
  return { sent: messages.filter(({ to }) => to > 0), reads: readStates.map((read) => read.context[0]!) };
}

test("C1: no read is answered before the leader has committed an entry of its own term", () => {
  const single = createSingle({ voters: [1, 2, 3] });
  lead(single);
  expect(single.raft.readIndex(context(1))).toBeNull();
  single.raft.tick();
  const [beat] = heartbeats(turn(single).sent);
  single.raft.step(message(heartbeatResp, { term: 1, from: 2, context: beat!.context }));
  expect(turn(single).reads).toEqual([]);
  single.raft.step(message(appResp, { term: 1, from: 2, index: 1 }));
  const [round] = heartbeats(turn(single).sent);
  single.raft.step(message(heartbeatResp, { term: 1, from: 2, context: round!.context }));
  expect(turn(single).reads).toEqual([1]);
});

test("C2: a delayed answer to an earlier round confirms no later read, even of the same context", () => {
  const single = createReadyLeader();
  single.raft.readIndex(context(1));
  const old = heartbeats(turn(single).sent)[0]!;
  single.raft.step(message(heartbeatResp, { term: 1, from: 2, context: old.context }));
  expect(turn(single).reads).toEqual([1]);
  // The read is asked again, and meanwhile somebody else may lead: only answers to the new question count.
  single.raft.readIndex(context(1));
  const fresh = heartbeats(turn(single).sent)[0]!;
  expect(fresh.context).not.toEqual(old.context);
  for (const from of [2, 3]) single.raft.step(message(heartbeatResp, { term: 1, from, context: old.context }));
  expect(turn(single).reads).toEqual([]);
  single.raft.step(message(heartbeatResp, { term: 1, from: 3, context: fresh.context }));
  expect(turn(single).reads).toEqual([1]);
});

test("C2: an answer to a round that never began confirms no read, neither now nor when that round comes", () => {
  const single = createReadyLeader();
  for (const from of [2, 3]) single.raft.step(message(heartbeatResp, { term: 1, from, context: encodeRound(9) }));
  for (const name of [1, 2]) {
    single.raft.readIndex(context(name));
    const round = heartbeats(turn(single).sent)[0]!;
    expect(turn(single).reads).toEqual([]);
    single.raft.step(message(heartbeatResp, { term: 1, from: 2, context: round.context }));
    expect(turn(single).reads).toEqual([name]);
  }
});

test("C3: a new term takes as many reads as the first, whatever the last one left unanswered", () => {
  const single = createReadyLeader();
  let taken = 0;
  while (single.raft.readIndex(context(1)) === null) taken++;
  expect(taken).toBeGreaterThan(1_000);
  single.raft.step(message(heartbeat, { term: 2 }));
  lead(single);
  expect(single.raft.readIndex(context(1))).toBeNull();
});

test("C2: rounds are numbered on through terms, so that no answer fits two of them", () => {
  const single = createReadyLeader();
  single.raft.readIndex(context(1));
  const old = heartbeats(turn(single).sent)[0]!;
  single.raft.step(message(heartbeat, { term: 2, from: 3 }));
  lead(single);
  const { term, lastIndex } = single.raft;
  single.raft.step(message(appResp, { term, from: 2, index: lastIndex }));
  single.sentAfterFlush();
  single.raft.readIndex(context(2));
  turn(single);
  single.raft.step(message(heartbeatResp, { term, from: 2, context: old.context }));
  expect(turn(single).reads).toEqual([]);
});

test("C3: a read is confirmed by the membership in force, not by the one in which it was asked", () => {
  const single = createReadyLeader({ voters: [1, 2, 3] });
  const change = (changes: ConfChange["changes"]): ConfChange => ({ transition: "auto", changes, context: context(0) });
  single.raft.readIndex(context(1));
  const question = heartbeats(turn(single).sent)[0]!;
  single.raft.applyConfChange(change([{ kind: "addVoter", nodeId: 4 }]));
  single.raft.applyConfChange(change([{ kind: "addVoter", nodeId: 5 }]));
  single.raft.step(message(heartbeatResp, { term: 1, from: 2, context: question.context }));
  expect(turn(single).reads).toEqual([]);
  single.raft.step(message(heartbeatResp, { term: 1, from: 4, context: question.context }));
  expect(turn(single).reads).toEqual([1]);
  // And a smaller one may release what waits.
  single.raft.readIndex(context(2));
  const second = heartbeats(turn(single).sent)[0]!;
  single.raft.step(message(heartbeatResp, { term: 1, from: 2, context: second.context }));
  expect(turn(single).reads).toEqual([]);
  single.raft.applyConfChange(change([{ kind: "remove", nodeId: 5 }]));
  single.raft.applyConfChange(change([{ kind: "remove", nodeId: 4 }]));
  expect(turn(single).reads).toEqual([2]);
});

test("C4: a read index covers everything that was committed before the read, also after the group has restarted", () => {
  const network = new Network({ members: [1, 2, 3] });
  network.elect(1);
  network.propose(1, "a");
  network.settle();
  const committed = network.raft(1).commitIndex;
  for (const id of [1, 2, 3]) network.crash(id);
  for (const id of [1, 2, 3]) network.restart(id);
  network.elect(2);
  expect(network.raft(3).readIndex(context(9))).toBeNull();
  network.settle();
  const [read] = network.member(3).readStates;
  expect(read).toMatchObject({ context: context(9) });
  expect(read!.index).toBeGreaterThan(committed);
});

test("C5: the answers that keep a leader in office count per election timeout, whenever they arrive in it", () => {
  const single = createReadyLeader({ checkQuorum: true });
  for (let ticks = 0; ticks < 10; ticks++) single.raft.tick();
  single.raft.step(message(heartbeatResp, { term: 1, from: 2 }));
  for (let ticks = 0; ticks < 10; ticks++) single.raft.tick();
  expect(single.raft.softState.state).toBe("leader");
  for (let ticks = 0; ticks < 10; ticks++) single.raft.tick();
  expect(single.raft.softState.state).toBe("follower");
});

test("C6: a leader that hands over answers no read under its lease any more", () => {
  const single = createReadyLeader({ checkQuorum: true, readOnly: "lease" });
  single.raft.readIndex(context(1));
  expect(turn(single).reads).toEqual([1]);
  single.raft.transferLeader(2);
  single.raft.readIndex(context(2));
  const { sent, reads } = turn(single);
  expect(sent.some(({ type }) => type === timeoutNow)).toBe(true);
  expect(reads).toEqual([]);
});

test("C6: followers under a lease do not forget their leader", () => {
  const single = createSingle({ checkQuorum: true, readOnly: "lease" });
  single.raft.step(message(heartbeat, { term: 1 }));
  single.raft.forgetLeader();
  expect(single.raft.softState.leader).toBe(2);
});
