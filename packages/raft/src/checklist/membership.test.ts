import { expect, test } from "vitest";
import { encodeConfChange } from "../confchange/codec.ts";
import { entriesOfTerms, message } from "../testing/messages.ts";
import { Network } from "../testing/network.ts";
import { createSingle, lead } from "../testing/single.ts";
import { type ConfChange, EntryType, MessageType } from "../types.ts";

const { app, appResp, heartbeat, snap, timeoutNow } = MessageType;
const context = new Uint8Array(0);
const change = (changes: ConfChange["changes"], transition: ConfChange["transition"] = "auto"): ConfChange => ({
  transition,
  changes,
  context,
});
const one = (kind: ConfChange["changes"][number]["kind"], nodeId: number) => change([{ kind, nodeId }]);

function createGroup(raft = {}): Network {
  const network = new Network({ members: [1, 2, 3], outsiders: [4, 5], raft });
  network.elect(1);
  return network;
}

/** Heartbeats and their answers, snapshots to newcomers included. */
function beat(network: Network, count = 5): void {
  for (let beats = 0; beats < count; beats++) {
    network.settle();
    const leader = network.leader();
    if (leader !== null) network.tick(leader);
  }
  network.settle();
}

function perform(network: Network, wanted: ConfChange): void {
  expect(network.raft(network.leader()!).proposeConfChange(wanted)).toBeNull();
  beat(network);
}

test("D1: a new leader takes no membership change before all that it inherited is applied, which takes an entry of its own term", () => {
  const inherited = { term: 1, index: 1, type: EntryType.confChangeV2, data: new Uint8Array(0) };
  const single = createSingle({ entries: [inherited], hardState: { term: 1, vote: 0, commit: 0 } });
  lead(single);
  single.raft.proposeConfChange(one("addVoter", 4));
  single.sentAfterFlush();
  expect(single.storage.entries(3, 4, 1)).toMatchObject([{ type: EntryType.normal, data: context }]);
  // The inherited entry is acknowledged, and still neither committed nor applied.
  single.raft.step(message(appResp, { term: 2, from: 2, index: 1 }));
  single.sentAfterFlush();
  single.raft.proposeConfChange(one("addVoter", 4));
  single.sentAfterFlush();
  expect(single.storage.entries(4, 5, 1)).toMatchObject([{ type: EntryType.normal, data: context }]);
});

/** The trace of 2015: two leaders add a member each, neither sees the other's, and both count a majority. */
test("D1: two leaders in turn do not both commit a change from the same membership", () => {
  const network = new Network({
    members: [1, 2, 3, 4],
    outsiders: [5, 6],
    raft: { preVote: false, checkQuorum: false },
  });
  network.elect(1);
  network.isolate(1);
  network.raft(1).proposeConfChange(one("addVoter", 5));
  network.settle();
  network.elect(2);
  network.raft(2).proposeConfChange(one("addVoter", 6));
  network.settle();
  expect(network.member(2).confState.voters).toEqual([1, 2, 3, 4, 6]);
  network.heal();
  beat(network, 3);
  for (const id of [1, 2, 3, 4]) expect(network.member(id).confState.voters).toEqual([1, 2, 3, 4, 6]);
});

test("D2: no second change before the first is applied, be they in one proposal or in two", () => {
  const single = createSingle();
  lead(single);
  single.raft.step(message(appResp, { term: 1, from: 2, index: 1 }));
  single.sentAfterFlush();
  for (const nodeId of [4, 5]) single.raft.proposeConfChange(one("addVoter", nodeId));
  single.sentAfterFlush();
  // Committed is not applied.
  single.raft.step(message(appResp, { term: 1, from: 2, index: 2 }));
  single.raft.proposeConfChange(one("addVoter", 5));
  single.sent();
  const types = [2, 3, 4].map((index) => {
    const entries = single.storage.entries(index, index + 1, 1);
    return typeof entries === "string" ? entries : entries[0]!.type;
  });
  expect(types).toEqual([EntryType.confChangeV2, EntryType.normal, EntryType.normal]);
});

test("D2: a change that comes behind other entries of its proposal is waited for as well", () => {
  const single = createSingle();
  lead(single);
  single.raft.step(message(appResp, { term: 1, from: 2, index: 1 }));
  single.sentAfterFlush();
  const normal = { term: 0, index: 0, type: EntryType.normal, data: Uint8Array.of(1) };
  const adding = { term: 0, index: 0, type: EntryType.confChangeV2, data: encodeConfChange(one("addVoter", 4)) };
  single.raft.step(message(MessageType.prop, { entries: [normal, normal, adding] }));
  single.sentAfterFlush();
  // All but the change itself is applied.
  single.raft.step(message(appResp, { term: 1, from: 2, index: 3 }));
  single.sentAfterFlush();
  expect(single.raft.status()).toMatchObject({ appliedIndex: 3, lastIndex: 4 });
  single.raft.proposeConfChange(one("addVoter", 5));
  single.sentAfterFlush();
  expect(single.storage.entries(5, 6, 1)).toMatchObject([{ type: EntryType.normal, data: context }]);
});

test("D3: who has not applied a committed change does not campaign, and does as soon as it has", () => {
  const data = new Uint8Array(0);
  const entries = [{ term: 1, index: 1, type: EntryType.confChangeV2, data }];
  const single = createSingle({ entries, hardState: { term: 1, vote: 0, commit: 1 } });
  single.raft.campaign();
  expect(single.raft.softState.state).toBe("follower");
  single.sentAfterFlush();
  single.raft.campaign();
  expect(single.raft.softState.state).toBe("candidate");
});

test("D3: a voter that is added while the leader dies learns of it from whoever leads next", () => {
  const network = createGroup();
  network.loses = ({ to }) => to === 4;
  perform(network, one("addVoter", 4));
  network.heal();
  network.crash(1);
  // Two of four are no majority: they need the vote of node 4, which does not know yet that it is a voter.
  for (let ticks = 0; ticks < 80; ticks++) {
    for (const id of [2, 3]) network.tick(id);
    network.settle();
  }
  expect([2, 3]).toContain(network.leader());
  expect(network.member(4).confState.voters).toEqual([1, 2, 3, 4]);
});

test("D4: a joint membership survives a snapshot and a restart", () => {
  const network = createGroup();
  perform(
    network,
    change(
      [
        { kind: "addVoter", nodeId: 4 },
        { kind: "addLearner", nodeId: 3 },
      ],
      "explicit",
    ),
  );
  const before = network.raft(1).status().confState;
  expect(before).toEqual({
    voters: [1, 2, 4],
    votersOutgoing: [1, 2, 3],
    learners: [],
    learnersNext: [3],
    autoLeave: false,
  });
  network.compact(1);
  network.crash(1);
  network.restart(1);
  expect(network.raft(1).status().confState).toEqual(before);
});

test("D4: a joint membership is left by itself, and once", () => {
  const network = createGroup();
  perform(
    network,
    change([
      { kind: "addVoter", nodeId: 4 },
      { kind: "remove", nodeId: 3 },
    ]),
  );
  network.propose(1, "a", "b");
  beat(network);
  const changes = network.member(1).applied.filter(({ type }) => type !== EntryType.normal);
  expect(changes).toHaveLength(2);
  expect(network.member(4).confState).toMatchObject({ voters: [1, 2, 4], votersOutgoing: [] });
});

test("D4: the leader tells everyone at once that the joint membership is to be left", () => {
  const single = createSingle();
  lead(single);
  for (const from of [2, 3]) single.raft.step(message(appResp, { term: 1, from, index: 1 }));
  single.sentAfterFlush();
  const joint = change([{ kind: "addLearner", nodeId: 3 }], "implicit");
  single.raft.proposeConfChange(joint);
  single.sentAfterFlush();
  for (const from of [2, 3]) single.raft.step(message(appResp, { term: 1, from, index: 2 }));
  single.raft.applyConfChange(joint);
  const left = single.sentAfterFlush().filter(({ type, entries }) => type === app && entries.length > 0);
  expect(left.map(({ to, entries }) => [to, entries.map(({ index, type }) => [index, type])])).toEqual([
    [2, [[3, EntryType.confChangeV2]]],
    [3, [[3, EntryType.confChangeV2]]],
  ]);
});

test("D5: a leader tells the others that its removal is committed before it leaves, and names no leader afterwards", () => {
  const network = createGroup({ stepDownOnRemoval: true });
  perform(network, one("remove", 1));
  expect(network.raft(1).softState).toEqual({ leader: 0, state: "follower" });
  for (const id of [2, 3]) expect(network.member(id).confState.voters).toEqual([2, 3]);
  for (let ticks = 0; ticks < 60; ticks++) {
    for (const id of [1, 2, 3]) network.tick(id);
    network.settle();
  }
  expect([2, 3]).toContain(network.leader());
  expect(network.raft(1).softState.state).toBe("follower");
});

test("D5: a demoted leader leaves as well, and one that is not told to counts itself no more", () => {
  const polite = createGroup({ stepDownOnRemoval: true });
  perform(polite, one("addLearner", 1));
  expect(polite.raft(1).softState.state).toBe("follower");
  const stubborn = createGroup();
  perform(stubborn, one("remove", 1));
  expect(stubborn.raft(1).softState.state).toBe("leader");
  expect(stubborn.propose(1, "a")).toBe("dropped");
});

test("D6: a member that comes back under its id without its disk is found out, not obeyed", () => {
  const single = createSingle();
  // Its leader still counts what it once acknowledged.
  expect(() => single.raft.step(message(heartbeat, { term: 3, commit: 5 }))).toThrow(/acknowledged entries were lost/);
  expect(() => createSingle({ hardState: { term: 3, vote: 0, commit: 5 } })).toThrow(/the end of the log was lost/);
});

test("D6: a member that is removed and taken back in one change is a newcomer: nothing is known of its log", () => {
  const single = createSingle({ learners: [4] });
  lead(single);
  single.raft.step(message(appResp, { term: 1, from: 4, index: 1 }));
  expect(single.raft.status().progress.get(4)?.match).toBe(1);
  const changes = [
    { kind: "remove", nodeId: 4 },
    { kind: "addLearner", nodeId: 4 },
  ] as const;
  single.raft.applyConfChange(change(changes));
  expect(single.raft.status().progress.get(4)).toMatchObject({ match: 0, learner: true });
});

test("D7: new addresses leave a learner a learner; leadership goes to no learner and to nobody who lags", () => {
  const single = createSingle({ learners: [4] });
  lead(single);
  single.raft.applyConfChange(one("update", 4));
  expect(single.raft.status().confState).toMatchObject({ voters: [1, 2, 3], learners: [4] });
  single.raft.transferLeader(4);
  expect(single.raft.status().leadTransferee).toBe(0);
  single.raft.applyConfChange(one("addVoter", 4));
  single.raft.transferLeader(4);
  expect(single.sentAfterFlush().some(({ type }) => type === timeoutNow)).toBe(false);
  single.raft.step(message(appResp, { term: 1, from: 4, index: 1 }));
  expect(single.sentAfterFlush().filter(({ type }) => type === timeoutNow)).toMatchObject([{ to: 4 }]);
});

test("D8: the membership of a snapshot replaces the one before, and learners stay learners over a restart", () => {
  const single = createSingle({ voters: [1, 2, 3, 5], entries: entriesOfTerms([1]) });
  const confState = { voters: [2, 3, 4], votersOutgoing: [], learners: [1], learnersNext: [], autoLeave: false };
  single.raft.step(message(snap, { term: 2, snapshot: { index: 9, term: 2, confState, data: context } }));
  single.sentAfterFlush();
  expect(single.raft.status().confState).toEqual(confState);
  expect(single.raft.core.tracker.members.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
  single.raft.step(message(app, { term: 2, index: 9, logTerm: 2 }));
  single.raft.campaign();
  expect(single.raft.softState.state).toBe("follower");
  const restarted = createSingle({ voters: [2, 3, 4], learners: [1] });
  restarted.raft.campaign();
  expect(restarted.raft.softState.state).toBe("follower");
});
