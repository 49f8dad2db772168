import { expect, test } from "vitest";
import { message } from "../testing/messages.ts";
import { Network } from "../testing/network.ts";
import { createSingle, lead, type Single } from "../testing/single.ts";
import { type Message, MessageType } from "../types.ts";

const { appResp, heartbeat, heartbeatResp, readIndex, readIndexResp } = MessageType;
const context = (name: number) => Uint8Array.of(name);
const heartbeats = (messages: readonly Message[]) => messages.filter(({ type }) => type === heartbeat);

/** Node 1 leads and has committed an entry of its term. */
function createReadyLeader(): Single {
  const single = createSingle();
  lead(single);
  single.raft.step(message(appResp, { term: 1, from: 2, index: 1 }));
  single.sentAfterFlush();
  return single;
}

/** Everything for other nodes, and the reads answered, of one `ready`. */
function turn(single: Single): { readonly sent: readonly Message[]; readonly reads: readonly number[] } {
  const { readStates, messages } = single.raft.ready();
  return { sent: messages.filter(({ to }) => to > 0), reads: readStates.map((read) => read.context[0]!) };
}

test("a read is answered only when a quorum confirms the round that began after it", () => {
  const single = createReadyLeader();
  expect(single.raft.readIndex(context(7))).toBeNull();
  const first = turn(single);
  expect(first.reads).toEqual([]);
  const [question] = heartbeats(first.sent);
  single.raft.step(message(heartbeatResp, { term: 1, from: 2, context: question!.context }));
  expect(single.raft.ready().readStates).toEqual([{ index: 1, context: context(7) }]);
});

test("all reads of a turn share one round of heartbeats", () => {
  const single = createReadyLeader();
  for (const name of [1, 2, 3]) single.raft.readIndex(context(name));
  const { sent } = turn(single);
  expect(heartbeats(sent).map(({ to }) => to)).toEqual([2, 3]);
  single.raft.step(message(heartbeatResp, { term: 1, from: 3, context: heartbeats(sent)[0]!.context }));
  expect(turn(single).reads).toEqual([1, 2, 3]);
});

test("a delayed answer to an earlier round confirms no later read, even of the same context", () => {
  const single = createReadyLeader();
  single.raft.readIndex(context(1));
  const old = heartbeats(turn(single).sent)[0]!;
  single.raft.step(message(heartbeatResp, { term: 1, from: 2, context: old.context }));
  expect(turn(single).reads).toEqual([1]);
  single.raft.readIndex(context(1));
  expect(turn(single).reads).toEqual([]);
  single.raft.step(message(heartbeatResp, { term: 1, from: 3, context: old.context }));
  single.raft.step(message(heartbeatResp, { term: 1, from: 2, context: old.context }));
  expect(single.raft.hasReady() ? turn(single).reads : []).toEqual([]);
});

test("a later round confirms the earlier ones, and a lost round is asked again with the next heartbeat", () => {
  const single = createReadyLeader();
  single.raft.readIndex(context(1));
  turn(single);
  single.raft.readIndex(context(2));
  turn(single);
  single.raft.tick();
  const beat = heartbeats(turn(single).sent)[0]!;
  single.raft.step(message(heartbeatResp, { term: 1, from: 2, context: beat.context }));
  expect(turn(single).reads).toEqual([1, 2]);
});

test("reads wait until the leader has committed an entry of its term", () => {
  const single = createSingle();
  lead(single);
  expect(single.raft.readIndex(context(1))).toBeNull();
  expect(single.raft.hasReady()).toBe(false);
  single.raft.step(message(appResp, { term: 1, from: 2, index: 1 }));
  expect(heartbeats(turn(single).sent)).toHaveLength(2);
});

test("a group of one answers its reads at once", () => {
  const single = createSingle({ voters: [1] });
  lead(single);
  single.raft.readIndex(context(4));
  expect(turn(single).reads).toEqual([4]);
});

test("a deposed leader answers none of its reads", () => {
  const single = createReadyLeader();
  single.raft.readIndex(context(1));
  const question = heartbeats(turn(single).sent)[0]!;
  single.raft.step(message(heartbeat, { term: 2, from: 3 }));
  single.raft.step(message(heartbeatResp, { term: 1, from: 2, context: question.context }));
  expect(turn(single).reads).toEqual([]);
});

test("a learner's confirmation does not count", () => {
  const single = createSingle({ voters: [1, 2, 3], learners: [4] });
  lead(single);
  single.raft.step(message(appResp, { term: 1, from: 2, index: 1 }));
  single.sentAfterFlush();
  single.raft.readIndex(context(1));
  const question = heartbeats(turn(single).sent)[0]!;
  single.raft.step(message(heartbeatResp, { term: 1, from: 4, context: question.context }));
  expect(single.raft.hasReady() ? turn(single).reads : []).toEqual([]);
});

test("a follower asks its leader, and learns an index that covers everything committed before", () => {
  const network = new Network({ members: [1, 2, 3] });
  network.elect(1);
  network.propose(1, "a");
  network.settle();
  expect(network.raft(2).readIndex(context(9))).toBeNull();
  network.settle();
  expect(network.member(2).readStates).toEqual([{ index: network.raft(1).commitIndex, context: context(9) }]);
});

test("without a leader a read is refused", () => {
  expect(createSingle().raft.readIndex(context(1))).toBe("dropped");
});

test("an answer that nobody asked for is handed on under its context, for the owner to ignore", () => {
  const single = createSingle();
  single.raft.step(message(heartbeat, { term: 1 }));
  single.raft.step(message(readIndexResp, { term: 1, index: 3, context: context(5) }));
  expect(turn(single).reads).toEqual([5]);
  expect(single.raft.step(message(readIndex, { context: context(6) }))).toBeNull();
});

test("reads that nobody confirms do not pile up without end", () => {
  const single = createReadyLeader();
  for (let count = 0; count < 65_536; count++) single.raft.readIndex(context(1));
  expect(single.raft.readIndex(context(2))).toBe("dropped");
  const question = heartbeats(turn(single).sent)[0]!;
  single.raft.step(message(heartbeatResp, { term: 1, from: 2, context: question.context }));
  expect(turn(single).reads).toHaveLength(65_536);
  expect(single.raft.readIndex(context(2))).toBeNull();
});
