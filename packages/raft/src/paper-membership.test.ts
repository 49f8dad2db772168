// The rules of the algorithm, numbered, each with its section of Ongaro's thesis: chapter 4, changes of membership.
import { expect, test } from "vitest";
import { Network } from "./testing/network.ts";
import { createSingle, lead } from "./testing/single.ts";
import { type ConfChange, EntryType } from "./types.ts";

const context = new Uint8Array(0);
const change = (changes: ConfChange["changes"], transition: ConfChange["transition"] = "auto"): ConfChange => ({
  transition,
  changes,
  context,
});

function createGroup(raft = {}): Network {
  const network = new Network({ members: [1, 2, 3], outsiders: [4, 5], raft });
  network.elect(1);
  return network;
}

/** Heartbeats and their answers, snapshots to newcomers included. */
function beat(network: Network): void {
  for (let beats = 0; beats < 5; beats++) {
    network.settle();
    const leader = network.leader();
    if (leader !== null) network.tick(leader);
  }
  network.settle();
}

test("R39 §4.1 a change of one voter at a time: the majorities of old and new share a member", () => {
  const network = createGroup();
  expect(network.raft(1).proposeConfChange(change([{ kind: "addVoter", nodeId: 4 }]))).toBeNull();
  beat(network);
  for (const id of [1, 2, 3, 4])
    expect(network.member(id).confState).toMatchObject({ voters: [1, 2, 3, 4], votersOutgoing: [] });
  // Of four, two are no majority any more.
  network.isolate(1, 2);
  network.propose(1, "a");
  network.settle();
  expect(network.appliedTexts(1)).toEqual([]);
});

test("R40 §4.1 and Ongaro 2015: a leader changes no membership before it has applied all it inherited, by an entry of its own term", () => {
  const inherited = { term: 1, index: 1, type: EntryType.confChangeV2, data: new Uint8Array(0) };
  const single = createSingle({ entries: [inherited], hardState: { term: 1, vote: 0, commit: 0 } });
  lead(single);
  single.raft.proposeConfChange(change([{ kind: "addVoter", nodeId: 4 }]));
  single.sentAfterFlush();
  expect(single.storage.entries(3, 4, 1)).toMatchObject([{ type: EntryType.normal, data: context }]);
});

test("R41 §4.1 the next change waits until the one before is in force", () => {
  const single = createSingle({ voters: [1] });
  lead(single);
  for (const nodeId of [2, 3]) single.raft.proposeConfChange(change([{ kind: "addLearner", nodeId }]));
  single.sentAfterFlush();
  expect(single.storage.entries(2, 4, 1e9)).toMatchObject([
    { type: EntryType.confChangeV2 },
    { type: EntryType.normal },
  ]);
});

test("R42 §4.2.1 a newcomer gets the log as a learner, without a vote, before it becomes a voter", () => {
  const network = createGroup();
  network.propose(1, "a");
  network.settle();
  network.raft(1).proposeConfChange(change([{ kind: "addLearner", nodeId: 4 }]));
  beat(network);
  expect(network.appliedTexts(4)).toEqual(["a"]);
  network.isolate(1, 4);
  network.propose(1, "b");
  network.settle();
  // With the learner it is two of four members, and one of three voters.
  expect(network.appliedTexts(1)).toEqual(["a"]);
  network.heal();
  network.tick(1);
  network.settle();
  expect(network.appliedTexts(4)).toEqual(["a", "b"]);
});

test("R43 §4.2.2 a leader that removes itself commits that without counting itself, and leaves", () => {
  const network = createGroup({ stepDownOnRemoval: true });
  network.raft(1).proposeConfChange(change([{ kind: "remove", nodeId: 1 }]));
  beat(network);
  expect(network.raft(1).softState).toEqual({ leader: 0, state: "follower" });
  for (const id of [2, 3]) expect(network.member(id).confState.voters).toEqual([2, 3]);
  network.raft(2).forgetLeader();
  network.raft(3).forgetLeader();
  network.elect(2);
  expect(network.leader()).toBe(2);
});

test("R44 §4.2.3 a node that was cut off does not depose a leader that the others hear", () => {
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

test("R45 §4.2.3 a removed node that knows nothing of it campaigns in vain", () => {
  const network = createGroup({ preVote: false });
  network.loses = ({ to }) => to === 3;
  network.raft(1).proposeConfChange(change([{ kind: "remove", nodeId: 3 }]));
  beat(network);
  network.heal();
  for (let round = 0; round < 5; round++) {
    network.tick(1);
    network.settle();
    network.raft(3).campaign();
    network.settle();
  }
  expect(network.leader()).toBe(1);
  expect(network.raft(1).term).toBe(1);
});

test("R46 §4.3 in a joint configuration entries need both majorities", () => {
  for (const [cut, commits] of [
    [[2, 3], false],
    [[4, 5], true],
  ] as const) {
    const network = createGroup();
    network.raft(1).proposeConfChange(
      change(
        [4, 5].map((nodeId) => ({ kind: "addVoter", nodeId })),
        "explicit",
      ),
    );
    beat(network);
    network.isolate(...cut);
    network.propose(1, "a");
    network.settle();
    // Without 2 and 3: three of the new five, one of the old three. Without 4 and 5: three of both.
    expect(network.appliedTexts(1)).toEqual(commits ? ["a"] : []);
  }
});

test("R47 §4.3 in a joint configuration elections need both majorities, and a member of either may lead", () => {
  const network = createGroup({ preVote: false, checkQuorum: false });
  network.raft(1).proposeConfChange(
    change(
      [4, 5].map((nodeId) => ({ kind: "addVoter", nodeId })),
      "explicit",
    ),
  );
  beat(network);
  network.crash(1);
  network.crash(3);
  network.elect(4);
  // With 2, 4 and 5 it has three of the new five, and one of the old three.
  expect(network.leader()).toBeNull();
  network.restart(3);
  network.run(3);
  network.elect(4);
  expect(network.leader()).toBe(4);
});

test("R48 §4.3 the leader leaves the joint configuration when it is committed; then the new majority decides alone", () => {
  const network = createGroup();
  network.raft(1).proposeConfChange(
    change([
      { kind: "addVoter", nodeId: 4 },
      { kind: "remove", nodeId: 3 },
    ]),
  );
  beat(network);
  expect(network.raft(1).status().confState).toMatchObject({ voters: [1, 2, 4], votersOutgoing: [] });
  network.isolate(3, 2);
  network.propose(1, "a");
  network.settle();
  expect(network.appliedTexts(4)).toEqual(["a"]);
});
