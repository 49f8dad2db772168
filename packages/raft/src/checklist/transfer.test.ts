import { expect, test } from "vitest";
import { transferContext } from "../message.ts";
import { message } from "../testing/messages.ts";
import { Network } from "../testing/network.ts";
import { createSingle, lead, type Single, type SingleOptions } from "../testing/single.ts";
import { EntryType, MessageType } from "../types.ts";

const { app, appResp, heartbeat, timeoutNow } = MessageType;
const data = () => [Uint8Array.of(1)];

/** Node 1 leads term 1, and hands over to node 2, which has not caught up. */
function createHandingOver(options: SingleOptions = {}): Single {
  const single = createSingle(options);
  lead(single);
  single.raft.step(message(appResp, { term: 1, from: 3, index: 1 }));
  single.sentAfterFlush();
  single.raft.transferLeader(2);
  expect(single.raft.status().leadTransferee).toBe(2);
  return single;
}

/** Node 1 leads again, in a later term. */
function expectToServeAgain(single: Single): void {
  expect(single.raft.status().leadTransferee).toBe(0);
  if (single.raft.softState.state !== "leader") lead(single);
  expect(single.raft.propose(data())).toBeNull();
}

const ways: Readonly<Record<string, (single: Single) => void>> = {
  "a leader of a later term appears": ({ raft }) => raft.step(message(heartbeat, { term: 2, from: 3 })),
  "an answer shows a later term": ({ raft }) => raft.step(message(appResp, { term: 2, from: 3 })),
  "another target of a transfer campaigns": ({ raft }) =>
    raft.step(message(MessageType.vote, { term: 2, from: 3, context: transferContext })),
  "the quorum is silent": ({ raft }) => {
    for (let ticks = 0; ticks < 20; ticks++) raft.tick();
  },
  "the transfer takes an election timeout": ({ raft }) => {
    for (let ticks = 0; ticks < 10; ticks++) {
      raft.tick();
      for (const from of [2, 3]) raft.step(message(MessageType.heartbeatResp, { term: 1, from }));
    }
  },
  "the target is removed": ({ raft }) => {
    const changes = [{ kind: "remove", nodeId: 2 }] as const;
    raft.applyConfChange({ transition: "auto", changes, context: new Uint8Array(0) });
  },
  "the target becomes a learner": ({ raft }) => {
    const changes = [{ kind: "addLearner", nodeId: 2 }] as const;
    raft.applyConfChange({ transition: "auto", changes, context: new Uint8Array(0) });
  },
  "the leader is asked to keep leading": ({ raft }) => raft.transferLeader(1),
};

for (const [way, happen] of Object.entries(ways)) {
  test(`E1: a transfer is over when ${way}, and a later term takes proposals`, () => {
    const single = createHandingOver({ checkQuorum: true });
    happen(single);
    expectToServeAgain(single);
  });
}

test("E1: a transfer that succeeded leaves nothing behind in the next term of the old leader", () => {
  const network = new Network({ members: [1, 2, 3] });
  network.elect(1);
  network.raft(1).transferLeader(2);
  network.settle();
  network.raft(2).transferLeader(1);
  network.settle();
  expect(network.leader()).toBe(1);
  expect(network.propose(1, "a")).toBeNull();
});

test("E2: from the moment of the request to its end no proposal enters the log, so that the target stays up to date", () => {
  const single = createHandingOver();
  expect(single.raft.propose(data())).toBe("dropped");
  const change = {
    transition: "auto",
    changes: [{ kind: "addLearner", nodeId: 4 }],
    context: new Uint8Array(0),
  } as const;
  expect(single.raft.proposeConfChange(change)).toBe("dropped");
  expect(single.sentAfterFlush().some(({ type }) => type === timeoutNow)).toBe(false);
  single.raft.step(message(appResp, { term: 1, from: 2, index: 1 }));
  expect(single.sentAfterFlush().filter(({ type }) => type === timeoutNow)).toMatchObject([{ to: 2 }]);
  expect(single.raft.propose(data())).toBe("dropped");
  expect(single.raft.lastIndex).toBe(1);
});

test("E2: nor does the leader leave a joint membership by itself (D4) during a transfer; it does when that has failed", () => {
  const single = createSingle();
  lead(single);
  const changes = [{ kind: "addVoter", nodeId: 4 }] as const;
  const joint = { transition: "implicit", changes, context: new Uint8Array(0) } as const;
  single.raft.proposeConfChange(joint);
  single.sentAfterFlush();
  single.raft.transferLeader(3);
  single.raft.step(message(appResp, { term: 1, from: 2, index: 2 }));
  single.raft.applyConfChange(joint);
  single.sentAfterFlush();
  expect(single.raft.status()).toMatchObject({ appliedIndex: 2, lastIndex: 2, leadTransferee: 3 });
  for (let ticks = 0; ticks < 10; ticks++) single.raft.tick();
  expect(single.raft.propose(data())).toBeNull();
  single.sentAfterFlush();
  for (const from of [2, 3]) single.raft.step(message(appResp, { term: 1, from, index: 3 }));
  single.sentAfterFlush();
  expect(single.raft.status()).toMatchObject({ appliedIndex: 3, lastIndex: 4 });
  expect(single.storage.entries(4, 5, 1)).toMatchObject([{ type: EntryType.confChangeV2 }]);
});

test("E3: a transfer has one election timeout from its request, however often it is repeated", () => {
  const single = createSingle();
  lead(single);
  for (let ticks = 0; ticks < 5; ticks++) single.raft.tick();
  single.raft.transferLeader(2);
  for (let ticks = 0; ticks < 9; ticks++) single.raft.tick();
  expect(single.raft.status().leadTransferee).toBe(2);
  single.raft.transferLeader(2);
  single.raft.tick();
  expectToServeAgain(single);
});

test("E3: reads of the old leader do not keep its target from being elected", () => {
  const network = new Network({ members: [1, 2, 3] });
  network.elect(1);
  network.raft(1).transferLeader(2);
  network.raft(1).readIndex(Uint8Array.of(1));
  network.tick(1, 3);
  network.settle();
  expect(network.leader()).toBe(2);
});

test("E3: who campaigns already, or does not follow the sender's term, is not told to begin", () => {
  const single = createSingle({ preVote: true });
  single.raft.campaign();
  single.raft.step(message(timeoutNow, { term: single.raft.term }));
  expect(single.raft.status()).toMatchObject({ state: "preCandidate", term: 0 });
  const ahead = createSingle({ hardState: { term: 5, vote: 0, commit: 0 } });
  ahead.raft.step(message(app, { term: 5 }));
  ahead.raft.step(message(timeoutNow, { term: 4 }));
  expect(ahead.raft.status()).toMatchObject({ state: "follower", term: 5 });
});
