import { expect, test } from "vitest";
import { message } from "../testing/messages.ts";
import { createSingle, lead } from "../testing/single.ts";
import { type Message, MessageType } from "../types.ts";

const { appResp, heartbeat, heartbeatResp } = MessageType;

test("C2 the answer to a round that is under way confirms no read that came after the round left", () => {
  const single = createSingle();
  lead(single);
  single.raft.step(message(appResp, { term: 1, from: 2, index: 1 }));
  single.sentAfterFlush();
  const turn = () => {
    const { readStates, messages } = single.raft.ready();
    const context = messages.find(({ type }) => type === heartbeat)?.context ?? null;
    return { reads: readStates.map((read) => read.context[0]!), context };
  };
  const answer = (context: Message["context"]) =>
    single.raft.step(message(heartbeatResp, { term: 1, from: 2, context }));

  single.raft.readIndex(Uint8Array.of(1));
  const first = turn();
  // The process pauses: another leader may commit meanwhile, and the answer that arrives knows nothing of it.
  single.raft.readIndex(Uint8Array.of(2));
  const second = turn();
  answer(first.context);
  expect(turn().reads).toEqual([1]);
  answer(first.context);
  expect(single.raft.hasReady() ? turn().reads : []).toEqual([]);
  answer(second.context);
  expect(turn().reads).toEqual([2]);
});
