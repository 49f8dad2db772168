import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { encodeEnvelope } from "../../../cluster/src/node/peer-codec.ts";
import { encodePreface, Purpose } from "../../../cluster/src/transport/preface.ts";
import { createMessage, type Entry, type Message, MessageType } from "../../../raft/src/index.ts";
import { FrameKind } from "../production.ts";
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
  return (...messages: readonly Message[]) => {
    const zeros = { stampUs: 0, stampLive: true, stampTerm: 0, wallUs: 0, probeMs: 0, probeWallMs: 0, echoMs: 0 };
    const bytes = framed(
      encodeEnvelope({
        ...{ ...zeros, echoWallMs: 0, hashIndex: 0, hash: "0000000000000000" },
        messages,
      }),
    );
    for (let at = 0; at < bytes.length; at += 3) take(bytes.subarray(at, at + 3));
  };
}

const entry = (index: number, term: number, text = `${index}/${term}`): Entry => ({
  ...{ index, term, type: 0 },
  data: Buffer.from(text),
});

const message = (over: Partial<Message>): Message => ({ ...createMessage(MessageType.app, 0), term: 1, ...over });

const committed = () => [...tap.committed()].map(({ index, term, data }) => `${index} ${term} ${Buffer.from(data)}`);

test("the committed log is put together from the pieces that links carry", () => {
  const one = connection(1, 2);
  one(
    message({ entries: [entry(1, 1), entry(2, 1)] }),
    message({ index: 2, logTerm: 1, commit: 1, entries: [entry(3, 1)] }),
  );
  expect(committed()).toEqual(["1 1 1/1"]);
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

test("what one connection carries is held against what another does, by who dialled it", () => {
  connection(1, 2)(message({ commit: 1, entries: [entry(1, 1)] }));
  connection(1, 3)(message({ entries: [entry(1, 1, "1-1")] }));
  expect(tap.violations).toEqual(["log matching: two entries at index 1 of term 1"]);
  connection(2, 1)(message({ type: MessageType.heartbeat }));
  expect(tap.violations.at(-1)).toBe("election safety: node-1 and node-2 both lead in term 1");
  connection(3, 1)(message({ type: MessageType.voteResp, term: 2 }));
  connection(3, 2)(message({ type: MessageType.voteResp, term: 2 }));
  expect(tap.violations.at(-1)).toBe("one vote per term: node-3 votes for node-1 and node-2 in term 2");
  connection(2, 3)(message({ term: 2, entries: [entry(1, 2)] }));
  expect(tap.violations.at(-1)).toContain("leader completeness: node-2 leads term 2 with term 2 at index 1");
});

test("what is no frame is a violation of its connection, which is not listened to any more", () => {
  const take = tap.connection(1, 2);
  take(framed(encodePreface(Purpose.messages, 1, new Uint8Array([1, 2, 3]))));
  take(framed(new Uint8Array([FrameKind.envelope, 255])));
  take(framed(new Uint8Array([FrameKind.envelope, 255])));
  expect(tap.violations).toEqual([expect.stringContaining("node-1 sends node-2 what is no frame")]);
  connection(3, 2)(message({ commit: 1, entries: [entry(1, 1)] }));
  expect(committed()).toEqual(["1 1 1/1"]);
});

test("snapshots are counted and not listened to", () => {
  const take = tap.connection(1, 2);
  take(framed(encodePreface(Purpose.snapshot, 1, new Uint8Array([1]))));
  take(Buffer.from("no frames at all, and a great length"));
  expect(tap).toMatchObject({ snapshots: 1, violations: [] });
});
