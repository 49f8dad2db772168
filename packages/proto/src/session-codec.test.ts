import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  CodecError,
  decodeSessionRequest,
  decodeSessionResponse,
  encodeFrame,
  encodeSessionRequest,
  encodeSessionResponse,
  type FrameColumns,
  FrameSchema,
  SessionRequestSchema,
} from "./index.ts";

const rule = { limit: 5, windowUs: 1_000_000, algorithm: 1, burst: 0, policy: "" };
const columns: FrameColumns = {
  firstNumber: 1,
  ackedThrough: 0,
  firstAttempt: true,
  deadlineMs: 1_000,
  rules: [rule],
  keys: ["a"],
  ruleIndexes: null,
  costs: null,
  sizes: null,
  verbs: null,
  ttlsMs: null,
  handles: null,
};

/** A frame that the encoder would refuse, through the generated code. */
function rawFrame(fields: {
  keys?: string[];
  costs?: number[];
  sizes?: number[];
  ruleIndexes?: number[];
  verbs?: number[];
  handles?: bigint[];
  firstNumber?: bigint;
  rules?: { limit: number }[];
}): Uint8Array {
  return toBinary(
    SessionRequestSchema,
    create(SessionRequestSchema, {
      message: { case: "frame", value: { keys: ["a"], rules: [{ limit: 1 }], ...fields } },
    }),
  );
}

describe("a frame out of bounds is refused with the field's name", () => {
  const cases: [string, Parameters<typeof rawFrame>[0], RegExp][] = [
    ["no item", { keys: [] }, /keys: a frame without calls/],
    ["no rule", { rules: [] }, /rules: a frame without rules/],
    ["an empty key", { keys: ["a", ""] }, /keys\[1\]: 0 bytes/],
    ["a key of 513 bytes", { keys: ["x".repeat(513)] }, /keys\[0\]: 513 bytes; a key has 1 to 512/],
    ["1,025 items", { keys: Array(1_025).fill("k") }, /keys: more than 1024 items/],
    ["a rule index without a rule", { ruleIndexes: [1] }, /rule_indexes\[0\]: 1, but there are 1 rules/],
    ["fewer rule indexes than items", { keys: ["a", "b"], ruleIndexes: [0] }, /rule_indexes: 1 values for 2 items/],
    ["cost 0", { costs: [0] }, /costs\[0\]: 0/],
    ["cost 2^31", { costs: [0x8000_0000] }, /costs\[0\]: 2147483648/],
    ["fewer costs than items", { keys: ["a", "b"], costs: [1] }, /costs: 1 values for 2 items/],
    ["an empty call", { sizes: [1, 0] }, /sizes\[1\]: 0/],
    ["verbs for some", { keys: ["a", "b"], verbs: [1] }, /verbs: 1 values for 2 calls/],
    ["a verb above 255", { verbs: [256] }, /verbs\[0\]: 256; the last verb is 6/],
    ["handles for some", { keys: ["a", "b"], handles: [1n] }, /handles: 1 values for 2 items/],
    ["sizes that do not add up", { keys: ["a", "b"], sizes: [3] }, /sizes: they add up to 3/],
    ["a number above 2^53-1", { firstNumber: 2n ** 53n }, /first_number: .* above 2\^53-1/],
  ];
  test.each(cases)("%s", (_, fields, message) => {
    expect(() => decodeSessionRequest(rawFrame(fields))).toThrow(CodecError);
    expect(() => decodeSessionRequest(rawFrame(fields))).toThrow(message);
  });
});

test("a key that is not UTF-8 is refused", () => {
  for (const bad of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]) {
    const bytes = encodeFrame({ ...columns, keys: ["k".repeat(bad.length)] });
    bytes.set(bad, bytes.lastIndexOf(0x6b) - bad.length + 1);
    expect(() => decodeSessionRequest(bytes)).toThrow(/keys\[0\]: not UTF-8/);
  }
});

test("a message above 1 MiB is refused before it is read", () => {
  expect(() => decodeSessionRequest(new Uint8Array(1_048_577))).toThrow(/above 1048576/);
  expect(() => decodeSessionResponse(new Uint8Array(1_048_577))).toThrow(/above 1048576/);
});

test("unpacked columns, unknown fields and a frame in two pieces are legal", () => {
  const body = toBinary(FrameSchema, create(FrameSchema, { keys: ["a", "b"], rules: [{ limit: 1 }] }));
  const extra = [0x38, 7, 0x38, 9, 0xf8, 0x07, 1]; // costs 7 and 9 one by one; field 127 of the future
  const merged = Uint8Array.from([0x0a, body.length, ...body, 0x0a, extra.length, ...extra]);
  const decoded = decodeSessionRequest(merged);
  if (decoded.kind !== "frame") throw new Error("not a frame");
  expect(decoded.frame.items).toBe(2);
  expect([...decoded.frame.costs!]).toEqual([7, 9]);
  const whole = Uint8Array.from([0x0a, body.length + extra.length, ...body, ...extra]);
  expect(decodeSessionRequest(whole)).toMatchObject({ kind: "frame", frame: { items: 2 } });
});

test("the encoder refuses columns that do not agree", () => {
  expect(() => encodeFrame({ ...columns, keys: [] })).toThrow(/keys: 0 items/);
  expect(() => encodeFrame({ ...columns, keys: Array(1_025).fill("k") })).toThrow(/keys: 1025 items/);
  expect(() => encodeFrame({ ...columns, costs: [1, 2] })).toThrow(/costs: 2 values for 1 items/);
  expect(() => encodeFrame({ ...columns, firstNumber: -1 })).toThrow(/first_number: -1/);
  expect(() => encodeFrame({ ...columns, deadlineMs: 1.5 })).toThrow(/deadline_ms: 1.5/);
});

test("a full frame of the longest keys stays below the message bound", () => {
  const keys = Array.from({ length: 1_024 }, (_, i) => `${i}`.padStart(512, "k"));
  const decoded = decodeSessionRequest(encodeFrame({ ...columns, keys }));
  expect(decoded).toMatchObject({ kind: "frame", frame: { items: 1_024, calls: 1_024 } });
});

test("messages beside the hot path go through the generated code both ways", () => {
  const hello = encodeSessionRequest({ case: "hello", value: { clusterId: "c", client: "t", noForward: true } });
  const request = decodeSessionRequest(hello);
  expect(request).toMatchObject({ kind: "message", message: { message: { case: "hello", value: { client: "t" } } } });
  const pong = encodeSessionResponse({ case: "pong", value: { id: 7n } });
  const response = decodeSessionResponse(pong);
  expect(response).toMatchObject({ kind: "message", message: { message: { case: "pong", value: { id: 7n } } } });
  const value = { index: 9n, policyVersion: 3n, rules: [{ policy: "p" }], keys: ["a", "b"], ruleIndexes: [0, 0] };
  const pushed = decodeSessionResponse(encodeSessionResponse({ case: "forget", value }));
  expect(pushed).toMatchObject({ kind: "message", message: { message: { case: "forget", value } } });
});

test("runs of a reply that do not fit its calls, or a frame, are refused", () => {
  const reply = (calls: number, runs: number[]) => {
    const column = new Array<number>(calls).fill(1);
    const value = {
      firstNumber: 5n,
      calls,
      outcomes: column,
      remaining: column,
      resetAfterMs: column.map(BigInt),
      runs,
    };
    return () => decodeSessionResponse(encodeSessionResponse({ case: "reply", value }));
  };
  expect(reply(3, [1, 4, 2])()).toMatchObject({ reply: { firstNumber: 5, offsets: Uint32Array.of(0, 5, 6) } });
  expect(reply(3, [1, 4, 1])).toThrow(/runs: they settle 2 of the 3 calls/);
  expect(reply(3, [1, 4, 3])).toThrow(/runs: they settle more than the 3 calls/);
  expect(reply(2, [1, 1_023, 1])).toThrow(/runs: they reach over more than 1024 calls/);
  expect(reply(2, [1, 2 ** 31, 1])).toThrow(/runs: /);
});
