import { expect, test } from "vitest";
import { entriesOfTerms, message } from "../testing/messages.ts";
import { Network } from "../testing/network.ts";
import { createSingle } from "../testing/single.ts";
import { MessageType } from "../types.ts";

const { app, heartbeat, preVote, timeoutNow, vote, voteResp } = MessageType;

/** Node 3 acknowledged "a" and comes back without it. */
function createDropped(): Network {
  const network = new Network({ members: [1, 2, 3] });
  network.elect(1);
  const { durable } = network.member(3);
  const kept = durable.entries(1, durable.lastIndex() + 1, Number.MAX_SAFE_INTEGER);
  network.propose(1, "a");
  network.settle();
  network.crash(3);
  const member = network.member(3);
  const { hardState } = member.durable.initialState();
  network.members.set(3, { ...member, durable: createSingle({ entries: kept as never }).storage });
  network.member(3).durable.setHardState({ ...hardState, commit: 1 });
  network.restart(3);
  network.raft(3).abstain();
  return network;
}

test("N2 a leader repairs a member that lost acknowledged entries, and counts it again only then", () => {
  const network = createDropped();
  expect(network.raft(3).status().lastIndex).toBe(1);
  network.raft(1).distrust(3);
  expect(network.raft(1).status().progress.get(3)).toMatchObject({ match: 0, trusted: false });
  network.settle();
  expect(network.raft(1).status().progress.get(3)).toMatchObject({ match: 2, trusted: true, state: "replicate" });
  expect(network.appliedTexts(3)).toEqual(["a"]);
});

test("N2 without a quorum that follows without it, it is not counted: nothing commits with its help", () => {
  const network = createDropped();
  network.crash(2);
  network.raft(1).distrust(3);
  network.propose(1, "b");
  network.settle();
  expect(network.raft(1).commitIndex).toBe(2);
  expect(network.raft(3).status().lastIndex).toBe(3);
  network.restart(2);
  network.tick(1);
  network.settle();
  network.tick(1);
  network.settle();
  expect(network.raft(1).commitIndex).toBe(3);
  expect(network.raft(1).status().progress.get(3)?.trusted).toBe(true);
});

test("N2 whoever leads next does not count it either", () => {
  const network = createDropped();
  network.isolate(3);
  for (const id of [1, 2]) network.raft(id).distrust(3);
  network.raft(1).transferLeader(2);
  network.settle();
  expect(network.raft(2).status().progress.get(3)?.trusted).toBe(false);
  network.heal();
  for (let beats = 0; beats < 3; beats++) {
    network.tick(2);
    network.settle();
  }
  expect(network.raft(2).status().progress.get(3)?.trusted).toBe(true);
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

test("N2 an abstaining node believes a commit index only with a log that matches", () => {
  const single = createSingle({ entries: entriesOfTerms([1, 1]), hardState: { term: 2, vote: 0, commit: 0 } });
  single.raft.abstain();
  // The dropped frame had replaced entry 2: what stands there now is not what this commit index speaks of.
  single.raft.step(message(heartbeat, { term: 2, commit: 7 }));
  expect(single.raft.commitIndex).toBe(0);
  single.raft.step(message(app, { term: 2, index: 1, logTerm: 1, entries: entriesOfTerms([2], 1), commit: 7 }));
  expect(single.raft.commitIndex).toBe(2);
});

test("N2 told by all others how far they are, it counts as having voted and votes for no lesser log", () => {
  const single = createSingle({ entries: entriesOfTerms([1]), hardState: { term: 1, vote: 0, commit: 0 } });
  single.raft.abstain();
  single.raft.endAbstention({ term: 4, lastTerm: 3, lastIndex: 5 });
  expect(single.raft.status()).toMatchObject({ term: 4, vote: 1, state: "follower" });
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

test("N2 a node whose leader trusts it again votes as any other", () => {
  const single = createSingle();
  single.raft.abstain();
  single.raft.endAbstention(null);
  single.raft.step(message(vote, { term: 2 }));
  expect(single.sentAfterFlush()).toMatchObject([{ type: voteResp, reject: false }]);
});
