import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { encodeEnvelope } from "../../../cluster/src/node/peer-codec.ts";
import { encodePreface, Purpose } from "../../../cluster/src/transport/preface.ts";
import { type Entry, type Message, MessageType } from "../production.ts";
import { createWiretap, type Wiretap } from "./wiretap.ts";

let folder: string;
let tap: Wiretap;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "quorumguard-wiretap-"));
  tap = createWiretap(join(folder, "entries"));
});
afterEach(() => {
  tap.close();
  rmSync(folder, { recursive: true });
});

const framed = (bytes: Uint8Array) => {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(bytes.length);
  return Buffer.concat([head, bytes]);
};

/** A connection that was greeted; takes messages, in pieces of three bytes. */
function connection(from: number, to: number) {
  const take = tap.connection(from, to);
  take(framed(encodePreface(Purpose.messages, from, new Uint8Array([1, 2, 3]))));
  return (...messages: readonly Partial<Message>[]) => {
    const zeros = { stampUs: 0, stampLive: true, stampTerm: 0, wallUs: 0, probeMs: 0, probeWallMs: 0, echoMs: 0 };
    const bytes = framed(
      encodeEnvelope({
        ...{ ...zeros, echoWallMs: 0, hashIndex: 0, hash: "0000000000000000" },
        messages: messages.map((message) => message as Message),
      }),
    );
    for (let at = 0; at < bytes.length; at += 3) take(bytes.subarray(at, at + 3));
  };
}

const entry = (index: number, term: number, text = `${index}/${term}`): Entry => ({
  ...{ index, term, type: 0 },
  data: Buffer.from(text),
});

const message = (over: Partial<Message>): Partial<Message> => ({
  ...{ type: MessageType.app, from: 0, to: 0, term: 1, logTerm: 0, index: 0, commit: 0, entries: [] },
  ...{ reject: false, rejectHint: 0, context: null, snapshot: null },
  ...over,
});

const committed = () => [...tap.committed()].map(({ index, term, data }) => `${index} ${term} ${Buffer.from(data)}`);

test("the committed log follows from what leaders send, across leaders and uncommitted tails", () => {
  const one = connection(1, 2);
  one(
    message({ entries: [entry(1, 1), entry(2, 1)] }),
    message({ index: 2, logTerm: 1, commit: 1, entries: [entry(3, 1)] }),
  );
  expect(committed()).toEqual(["1 1 1/1"]);
  // The next leader never had entry 3 of term 1.
  const two = connection(2, 3);
  two(message({ term: 2, index: 2, logTerm: 1, entries: [entry(3, 2), entry(4, 2)] }));
  two(message({ type: MessageType.heartbeat, term: 2, commit: 4 }));
  expect(committed()).toEqual(["1 1 1/1", "2 1 2/1", "3 2 3/2", "4 2 4/2"]);
  expect([...tap.leaders]).toEqual([
    [1, 1],
    [2, 2],
  ]);
  expect(tap.violations).toEqual([]);
});

test("two leaders of a term, a voter that votes twice and a committed entry that changes are found", () => {
  connection(1, 2)(message({ commit: 1, entries: [entry(1, 1)] }));
  connection(2, 1)(message({ type: MessageType.heartbeat, term: 1 }));
  expect(tap.violations.at(-1)).toContain("election safety");
  connection(3, 1)(message({ type: MessageType.voteResp, term: 2 }));
  connection(3, 2)(message({ type: MessageType.voteResp, term: 2 }));
  expect(tap.violations.at(-1)).toContain("one vote per term");
  connection(2, 3)(message({ term: 2, commit: 1, entries: [entry(1, 2)] }));
  expect(tap.violations.at(-1)).toContain("committed entries never change");
});

test("two entries at one place, or one with two predecessors, are found", () => {
  connection(1, 2)(message({ entries: [entry(1, 1)] }));
  connection(1, 3)(message({ entries: [entry(1, 1, "other")] }));
  expect(tap.violations.at(-1)).toContain("log matching: two entries");
  connection(1, 2)(message({ index: 4, logTerm: 1, entries: [entry(5, 1)] }));
  connection(1, 3)(message({ index: 4, logTerm: 0, entries: [entry(5, 1)] }));
  expect(tap.violations.at(-1)).toContain("follows terms");
});

test("snapshots are counted and not listened to", () => {
  const take = tap.connection(1, 2);
  take(framed(encodePreface(Purpose.snapshot, 1, new Uint8Array([1]))));
  take(Buffer.from("no frames at all, and a great length"));
  expect(tap).toMatchObject({ snapshots: 1, violations: [] });
});
