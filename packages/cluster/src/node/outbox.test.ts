import { createMessage, EntryType, type Message, MessageType, type NodeId } from "@quorumguard/raft";
import { expect, test } from "vitest";
import { Outbox } from "./outbox.ts";

const lastIndex = 7;
const term = 3;
const entry = { index: 7, term, type: EntryType.normal, data: new Uint8Array(1) };

const said = (to: NodeId, type: Message["type"], more: Partial<Message> = {}): Message => ({
  ...createMessage(type, to),
  term,
  ...more,
});
const news = (to: NodeId, commit: number, more: Partial<Message> = {}) =>
  said(to, MessageType.app, { index: lastIndex, commit, ...more });

function outboxOf(...messages: readonly Message[]): Outbox {
  const outbox = new Outbox();
  for (const message of messages) outbox.add(message, lastIndex);
  return outbox;
}

/** What leaves now, by peer: types, and of appends how far they say that entries are committed. */
function leaving(outbox: Outbox, inTerm = term): Record<NodeId, string[]> {
  const all: Record<NodeId, string[]> = {};
  outbox.empty(inTerm, (to, messages) => {
    all[to] = messages.map(({ type, commit }) => (type === MessageType.app ? `commit ${commit}` : String(type)));
  });
  return all;
}

test("news of commits alone waits until it is released, and then is told once, the newest alone", () => {
  const outbox = outboxOf(news(2, 5), news(3, 5), news(2, 6));
  expect(leaving(outbox)).toEqual({});
  outbox.releaseNews();
  expect(leaving(outbox)).toEqual({ 2: ["commit 6"], 3: ["commit 5"] });
  outbox.releaseNews();
  expect(leaving(outbox)).toEqual({});
});

test("it goes with what else is said to the peer, and before that: who may lead must know first that it may", () => {
  const outbox = outboxOf(said(2, MessageType.timeoutNow), news(2, 6), news(3, 6));
  expect(leaving(outbox)).toEqual({ 2: ["commit 6", String(MessageType.timeoutNow)] });
  expect(leaving(outbox)).toEqual({});
  outbox.releaseNews();
  expect(leaving(outbox)).toEqual({ 3: ["commit 6"] });
});

test("it is not told where an append tells as much", () => {
  const append = (commit: number) => said(2, MessageType.app, { index: 6, commit, entries: [entry] });
  expect(leaving(outboxOf(news(2, 5), append(6)))).toEqual({ 2: ["commit 6"] });
  expect(leaving(outboxOf(append(4), news(2, 5)))).toEqual({ 2: ["commit 5", "commit 4"] });
});

test("what asks how far a peer's log reaches waits for nothing", () => {
  expect(leaving(outboxOf(news(2, 5, { index: 6 })))).toEqual({ 2: ["commit 5"] });
});

test("news of an earlier term is forgotten", () => {
  const outbox = outboxOf(news(2, 6), news(3, 6), said(3, MessageType.heartbeat));
  outbox.releaseNews();
  expect(leaving(outbox, term + 1)).toEqual({ 3: [String(MessageType.heartbeat)] });
  outbox.releaseNews();
  expect(leaving(outbox)).toEqual({});
});
