import { expect, test } from "vitest";
import { entriesOfTerms, message } from "../testing/messages.ts";
import { Network } from "../testing/network.ts";
import { createSingle, lead } from "../testing/single.ts";
import { type ConfChange, EntryType, MessageType } from "../types.ts";

const context = new Uint8Array(0);
const change = (changes: ConfChange["changes"], transition: ConfChange["transition"] = "auto"): ConfChange => ({
  transition,
  changes,
  context,
});
const addVoter = (nodeId: number) => ({ kind: "addVoter", nodeId }) as const;
const addLearner = (nodeId: number) => ({ kind: "addLearner", nodeId }) as const;
const remove = (nodeId: number) => ({ kind: "remove", nodeId }) as const;

function createGroup(raft = {}): Network {
  const network = new Network({ members: [1, 2, 3], outsiders: [4, 5], raft });
  network.elect(1);
  return network;
}

/** Proposes on the leader and lets the group, and snapshots to newcomers, settle. */
function perform(network: Network, wanted: ConfChange): void {
  const leader = network.leader()!;
  expect(network.raft(leader).proposeConfChange(wanted)).toBeNull();
  for (let beats = 0; beats < 5; beats++) {
    network.settle();
    network.tick(leader);
  }
  network.settle();
}

test("a learner is added, catches up and becomes a voter", () => {
  const network = createGroup();
  network.propose(1, "a");
  network.settle();
  perform(network, change([addLearner(4)]));
  expect(network.raft(1).status().progress.get(4)).toMatchObject({ learner: true, state: "replicate" });
  expect(network.appliedTexts(4)).toEqual(["a"]);
  perform(network, change([addVoter(4)]));
  for (const id of [1, 2, 3, 4]) expect(network.member(id).confState.voters).toEqual([1, 2, 3, 4]);
});

test("several changes at once pass through a joint configuration and leave it by themselves, once", () => {
  const network = createGroup();
  perform(network, change([addVoter(4), addVoter(5), remove(3)]));
  for (const id of [1, 2, 4, 5]) {
    expect(network.member(id).confState).toMatchObject({ voters: [1, 2, 4, 5], votersOutgoing: [] });
  }
  const leaves = network.member(1).applied.filter(({ type }) => type !== EntryType.normal);
  expect(leaves).toHaveLength(2);
});

test("an explicit joint configuration stays until it is left explicitly", () => {
  const network = createGroup();
  perform(network, change([addVoter(4)], "explicit"));
  expect(network.member(1).confState).toMatchObject({ voters: [1, 2, 3, 4], votersOutgoing: [1, 2, 3] });
  perform(network, change([addVoter(5)]));
  expect(network.member(1).confState.voters).toEqual([1, 2, 3, 4]);
  perform(network, change([]));
  expect(network.member(4).confState).toMatchObject({ voters: [1, 2, 3, 4], votersOutgoing: [] });
});

test("in a joint configuration both majorities have to agree", () => {
  const network = createGroup();
  perform(network, change([addVoter(4), addVoter(5)], "explicit"));
  const before = network.raft(1).commitIndex;
  network.isolate(2, 3);
  network.propose(1, "a");
  network.settle();
  // 1, 4 and 5 are a majority of the new five, but not of the old three.
  expect(network.raft(1).commitIndex).toBe(before);
});

test("no second change before the first is applied, and none before all of an older term is", () => {
  const single = createSingle({ entries: entriesOfTerms([1]), hardState: { term: 1, vote: 0, commit: 0 } });
  lead(single);
  expect(single.raft.proposeConfChange(change([addVoter(4)]))).toBeNull();
  single.raft.step(message(MessageType.appResp, { term: 2, from: 2, index: 2 }));
  single.sentAfterFlush();
  single.raft.proposeConfChange(change([addVoter(4)]));
  single.raft.proposeConfChange(change([addVoter(5)]));
  single.sentAfterFlush();
  const entries = single.storage.entries(3, 6, Number.MAX_SAFE_INTEGER);
  expect(entries).toMatchObject([
    { type: EntryType.normal },
    { type: EntryType.confChangeV2 },
    { type: EntryType.normal },
  ]);
});

test("impossible changes enter the log as empty entries", () => {
  const single = createSingle({ voters: [1] });
  lead(single);
  for (const impossible of [change([remove(1)]), change([]), change([addLearner(1)])]) {
    expect(single.raft.proposeConfChange(impossible)).toBeNull();
  }
  const garbage = { term: 0, index: 0, type: EntryType.confChangeV2, data: Uint8Array.of(9, 9) };
  expect(single.raft.step(message(MessageType.prop, { entries: [garbage] }))).toBeNull();
  single.sentAfterFlush();
  for (let index = 2; index <= 5; index++) {
    expect(single.storage.entries(index, index + 1, 1)).toMatchObject([{ type: EntryType.normal, data: context }]);
  }
});

test("a transition without a change enters the log as an empty entry, in a joint configuration or out of it, and blocks no other", () => {
  const network = createGroup();
  for (const transition of ["explicit", "implicit"] as const) {
    perform(network, change([], transition));
    expect(network.raft(1).status().confState).toMatchObject({ voters: [1, 2, 3], votersOutgoing: [] });
  }
  perform(network, change([addVoter(4)], "explicit"));
  for (const transition of ["explicit", "implicit"] as const) {
    perform(network, change([], transition));
    expect(network.raft(1).status().confState).toMatchObject({ voters: [1, 2, 3, 4], votersOutgoing: [1, 2, 3] });
  }
  perform(network, change([]));
  for (const id of [1, 2, 3, 4]) {
    expect(network.member(id).confState).toMatchObject({ voters: [1, 2, 3, 4], votersOutgoing: [] });
    const changes = network.member(id).applied.filter(({ type }) => type !== EntryType.normal);
    expect(changes).toHaveLength(2);
  }
});

test("a removed leader leads on without counting itself, or steps down if told so", () => {
  const network = createGroup();
  perform(network, change([remove(1)]));
  expect(network.raft(1).softState.state).toBe("leader");
  expect(network.propose(1, "a")).toBe("dropped");
  const polite = createGroup({ stepDownOnRemoval: true });
  perform(polite, change([remove(1)]));
  expect(polite.raft(1).softState.state).toBe("follower");
});

test("a removed node's messages are refused", () => {
  const network = createGroup();
  perform(network, change([remove(3)]));
  const late = message(MessageType.appResp, { term: network.raft(1).term, from: 3, index: 1 });
  expect(network.raft(1).step(late)).toBe("peer-not-found");
});

test("a newcomer counts as active at first, so that CheckQuorum does not depose the leader before it could answer", () => {
  const single = createSingle({ voters: [1], checkQuorum: true });
  lead(single);
  single.raft.applyConfChange(change([addVoter(2)]));
  for (let ticks = 0; ticks < 10; ticks++) single.raft.tick();
  expect(single.raft.softState.state).toBe("leader");
  for (let ticks = 0; ticks < 10; ticks++) single.raft.tick();
  expect(single.raft.softState.state).toBe("follower");
});

test("a membership survives a restart and a snapshot", () => {
  const network = createGroup();
  perform(network, change([addLearner(4)], "explicit"));
  const { raft, view, durable, confState } = network.member(1);
  for (const storage of [view, durable]) {
    const index = raft.status().appliedIndex;
    storage.createSnapshot(index, confState, context);
    storage.compact(index);
  }
  network.crash(1);
  network.restart(1);
  expect(network.raft(1).status().confState).toMatchObject({ votersOutgoing: [1, 2, 3], learners: [4] });
});

test("a change that the state machine cancelled alters nothing", () => {
  const single = createSingle();
  expect(single.raft.applyConfChange(null).voters).toEqual([1, 2, 3]);
});

test("a change that was refused for its size stands in the way of no other", () => {
  const single = createSingle({ voters: [1], maxUncommittedBytes: 20 });
  lead(single);
  single.raft.propose([new Uint8Array(10)]);
  const large = { ...change([addLearner(4)]), context: new Uint8Array(15) };
  expect(single.raft.proposeConfChange(large)).toBe("dropped");
  expect(single.raft.proposeConfChange(change([]))).toBeNull();
  expect(single.raft.core.pendingConfIndex).toBeLessThanOrEqual(single.raft.core.log.applied);
});

test("a joint configuration is left once, however much is applied until that is committed", () => {
  const single = createSingle();
  lead(single);
  single.raft.step(message(MessageType.appResp, { term: 1, from: 2, index: 1 }));
  single.sentAfterFlush();
  const joint = change([addVoter(4)], "implicit");
  single.raft.proposeConfChange(joint);
  for (let count = 0; count < 2; count++) single.raft.propose([new Uint8Array(1)]);
  single.sentAfterFlush();
  single.raft.step(message(MessageType.appResp, { term: 1, from: 2, index: 2 }));
  single.raft.applyConfChange(joint);
  single.sentAfterFlush();
  expect(single.raft.lastIndex).toBe(5);
  for (const index of [3, 4]) {
    for (const from of [2, 3]) single.raft.step(message(MessageType.appResp, { term: 1, from, index }));
    single.sentAfterFlush();
    expect(single.raft.status()).toMatchObject({ appliedIndex: index, lastIndex: 5 });
  }
});

test("a newcomer is sent to at once, without waiting for a heartbeat", () => {
  const single = createSingle();
  lead(single);
  single.raft.step(message(MessageType.appResp, { term: 1, from: 2, index: 1 }));
  single.sentAfterFlush();
  single.raft.propose([new Uint8Array(1)]);
  single.sentAfterFlush();
  single.raft.applyConfChange(change([addLearner(4)]));
  expect(single.sentAfterFlush().map(({ type, to }) => [type, to])).toContainEqual([MessageType.app, 4]);
});

test("with a voter less, what was one acknowledgement short is committed, and told", () => {
  const single = createSingle({ voters: [1, 2, 3, 4] });
  lead(single);
  single.raft.step(message(MessageType.appResp, { term: 1, from: 2, index: 1 }));
  expect(single.raft.commitIndex).toBe(0);
  single.raft.applyConfChange(change([remove(4)]));
  expect(single.raft.commitIndex).toBe(1);
  const told = single.sentAfterFlush().filter(({ to, commit }) => to === 2 && commit === 1);
  expect(told).not.toHaveLength(0);
});
