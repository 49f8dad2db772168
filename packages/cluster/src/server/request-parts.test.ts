import { Buffer } from "node:buffer";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import {
  Algorithm,
  AllowBatchRequestSchema,
  AllowRequestSchema,
  type CallSchema,
  GetTermsRequestSchema,
  PutPoliciesRequestSchema,
} from "@quorumguard/proto";
import { describe, expect, it } from "vitest";
import { edgeLimits } from "./edge-limits.ts";
import { InvalidField } from "./invalid-field.ts";
import { checkBinaryParts, checkJsonParts } from "./request-parts.ts";

type CallInit = Parameters<typeof create<typeof CallSchema>>[1];

/** Every field that there is, and a key full of what JSON is made of. */
const check = {
  key: `${'"\\,[{'.repeat(6)}:1`,
  cost: 2,
  rule: { limit: 5, windowUs: 60_000_000n, algorithm: Algorithm.TOKEN_BUCKET, burst: 7, policy: "button" },
};
const fullCall = (at: number, checks = [check]): CallInit => ({
  checks,
  requestId: `r-${at}`,
  verb: 1,
  ttlMs: 1n,
  handle: 1n,
});
const batch = (calls: readonly CallInit[]) =>
  create(AllowBatchRequestSchema, {
    calls: calls as never,
    noForward: true,
    deadlineMs: 1,
    namespace: "a",
    firstAttempt: true,
  });
const every = <T>(length: number, make: (at: number) => T): T[] => Array.from({ length }, (_, at) => make(at));
const binary = (bytes: Uint8Array, schema = AllowBatchRequestSchema) => checkBinaryParts(schema, bytes);
const json = (text: string) => checkJsonParts(AllowBatchRequestSchema, Buffer.from(text));

describe("the parts of a request", () => {
  it.each([
    ["as many calls as there may be", batch(every(edgeLimits.maxItems, (at) => fullCall(at)))],
    [
      "one call of as many checks",
      batch([
        fullCall(
          1,
          every(edgeLimits.maxItems, () => check),
        ),
      ]),
    ],
  ])("may be %s, with every field", (_name, request) => {
    binary(toBinary(AllowBatchRequestSchema, request));
    json(toJsonString(AllowBatchRequestSchema, request, { alwaysEmitImplicit: true }));
  });

  it.each([
    ["empty calls", Buffer.from([0x0a, 0x00])],
    ["checks of one call, whose length is told as that of all", null],
    ["fields that nobody knows", Buffer.from([0xf8, 0x01, 0x01])],
    ["one field, again and again", Buffer.from([0x10, 0x01])],
  ])("may not be half a million: %s", (_name, piece) => {
    const checks = Buffer.alloc(1_000_000, Buffer.from([0x0a, 0x00]));
    const bytes =
      piece === null
        ? new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(checks).finish()
        : Buffer.alloc(1_000_000, piece);
    expect(() => binary(bytes)).toThrow(/^the body is more than [\d,]+ (objects|values): a request has at most 1,024/);
  });

  it("may not be hidden in a group", () => {
    const hidden = new BinaryWriter().tag(99, WireType.StartGroup).raw(Buffer.alloc(1_000, Buffer.from([0x0a, 0x00])));
    expect(() => binary(hidden.tag(99, WireType.EndGroup).finish())).toThrow(InvalidField);
  });

  it.each([
    ["empty calls", `{"calls":[${every(100_000, () => "{}").join()}]}`],
    ["empty checks", `{"calls":[{"checks":[${every(100_000, () => "{}").join()}]}]}`],
    ["lists in lists", "[".repeat(100_000)],
    ["members", `{${every(100_000, () => '"a":1').join()}}`],
    ["what follows a quote in a string", `{"a":"\\"",${every(100_000, () => "{}").join()}}`],
  ])("may not be a hundred thousand in JSON: %s", (_name, text) => {
    expect(() => json(text)).toThrow(InvalidField);
  });

  it("are counted in lists of names as well", () => {
    const names = toBinary(GetTermsRequestSchema, create(GetTermsRequestSchema, { names: every(100_000, () => "") }));
    expect(() => checkBinaryParts(GetTermsRequestSchema, names)).toThrow(InvalidField);
  });

  it("are left to the decoder where the bytes are no message, and to the documents' own bounds where operators put some", () => {
    binary(Buffer.from([0x0a, 0x05, 0x01]));
    checkBinaryParts(AllowRequestSchema, Buffer.from([0x07]));
    json('{"calls":[');
    checkJsonParts(PutPoliciesRequestSchema, Buffer.from("[".repeat(100_000)));
  });
});
