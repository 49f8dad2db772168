import { expect, test } from "vitest";
import { message } from "../testing/messages.ts";
import { Network } from "../testing/network.ts";
import { createSingle, lead } from "../testing/single.ts";
import { MessageType } from "../types.ts";

const { appResp, timeoutNow, heartbeat } = MessageType;

test("leadership moves to a voter that is up to date, past pre-vote and stickiness", () => {
  const network = new Network({ members: [1, 2, 3] });
  network.elect(1);
  network.raft(1).transferLeader(2);
  network.settle();
  expect(network.leader()).toBe(2);
  expect(network.raft(1).softState).toEqual({ leader: 2, state: "follower" });
  expect(network.raft(1).status().leadTransferee).toBe(0);
});

test("a target that lags is caught up first", () => {
  const network = new Network({ members: [1, 2, 3] });
  network.elect(1);
  network.isolate(3);
  network.propose(1, "a", "b");
  network.settle();
  network.heal();
  network.raft(1).transferLeader(3);
  network.tick(1);
  network.settle();
  expect(network.leader()).toBe(3);
  expect(network.appliedTexts(3)).toEqual(["a", "b"]);
});

test("a follower forwards the wish to its leader", () => {
  const network = new Network({ members: [1, 2, 3] });
  network.elect(1);
  network.raft(2).transferLeader(3);
  network.settle();
  expect(network.leader()).toBe(3);
});

test("a transfer to itself, to a learner or to a stranger is no transfer", () => {
  const single = createSingle({ learners: [4] });
  lead(single);
  for (const target of [1, 4, 9]) {
    single.raft.transferLeader(target);
    expect(single.raft.status().leadTransferee).toBe(0);
  }
  expect(single.raft.propose([Uint8Array.of(1)])).toBeNull();
});

test("another target replaces the first", () => {
  const single = createSingle();
  lead(single);
  single.raft.transferLeader(2);
  single.raft.transferLeader(3);
  expect(single.raft.status().leadTransferee).toBe(3);
});

test("the flag is gone on every path: step-down, lost quorum, removal of the target", () => {
  const deposed = createSingle();
  lead(deposed);
  deposed.raft.transferLeader(2);
  deposed.raft.step(message(heartbeat, { term: 2, from: 3 }));
  expect(deposed.raft.status().leadTransferee).toBe(0);

  const alone = createSingle({ checkQuorum: true });
  lead(alone);
  alone.raft.transferLeader(2);
  for (let ticks = 0; ticks < 15; ticks++) alone.raft.tick();
  expect(alone.raft.status()).toMatchObject({ leadTransferee: 0, state: "follower" });

  const removed = createSingle();
  lead(removed);
  removed.raft.transferLeader(2);
  const context = new Uint8Array(0);
  removed.raft.applyConfChange({ transition: "auto", changes: [{ kind: "remove", nodeId: 2 }], context });
  expect(removed.raft.status().leadTransferee).toBe(0);
  expect(removed.raft.propose([Uint8Array.of(1)])).toBeNull();
});

test("the target is told to campaign when its acknowledgement catches up", () => {
  const single = createSingle();
  lead(single);
  single.raft.transferLeader(2);
  expect(single.sent().some(({ type }) => type === timeoutNow)).toBe(false);
  single.raft.step(message(appResp, { term: 1, from: 2, index: 1 }));
  expect(single.sentAfterFlush().filter(({ type }) => type === timeoutNow)).toMatchObject([{ to: 2 }]);
});

test("a learner that is told to campaign does not", () => {
  const single = createSingle({ voters: [2, 3], learners: [1] });
  single.raft.step(message(timeoutNow, { term: 1 }));
  single.raft.campaign();
  expect(single.raft.softState.state).toBe("follower");
});
