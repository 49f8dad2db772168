import {
  create,
  type DescField,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AllowBatchRequestSchema,
  AllowBatchResponseSchema,
  CodecError,
  decodeAllowBatchResponse,
  decodeErrorDetail,
  decodeGetTermsResponse,
  decodeGetTopologyResponse,
  decodePeekResponse,
  ErrorDetailSchema,
  encodeAllowBatchRequest,
  encodeGetTermsRequest,
  encodeGetTopologyRequest,
  encodePeekRequest,
  GetTermsRequestSchema,
  GetTermsResponseSchema,
  GetTopologyRequestSchema,
  GetTopologyResponseSchema,
  PeekRequestSchema,
  PeekResponseSchema,
  type PlainMessage,
} from "./index.ts";

const RUNS = 200;

/** Any message of this type, from the .proto itself: a field that is added there is in every property at once. */
function anyOf<Desc extends DescMessage>(desc: Desc): fc.Arbitrary<MessageShape<Desc>> {
  const fields = Object.fromEntries(desc.fields.map((field) => [field.localName, anyField(field)]));
  return fc.record(fields).map((init) => create(desc, init as MessageInitShape<Desc>));
}

function anyField(field: DescField): fc.Arbitrary<unknown> {
  if (field.fieldKind === "map") throw new Error(`${field.name}: maps are not on this wire`);
  const optional = field.fieldKind === "message" || field.proto.proto3Optional;
  const kind = field.fieldKind === "list" ? field.listKind : field.fieldKind;
  const one = kind === "message" ? anyOf(field.message!) : kind === "enum" ? anyEnum : anyScalar(field.scalar!);
  if (field.fieldKind === "list") return fc.array(one, { maxLength: 3 });
  return optional ? fc.option(one, { nil: undefined }) : one;
}

const anyEnum = fc.oneof(fc.nat(30), fc.nat(0x7fff_ffff));

function anyScalar(type: ScalarType): fc.Arbitrary<unknown> {
  switch (type) {
    case ScalarType.STRING:
      // Above 127 bytes a length takes two.
      return fc.oneof(fc.string({ unit: "binary", maxLength: 20 }), fc.constant("é".repeat(100)));
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.UINT32:
      return fc.oneof(fc.nat(300), fc.nat(0xffff_ffff));
    case ScalarType.UINT64:
      return fc.oneof(fc.nat(300), fc.maxSafeNat()).map(BigInt);
    default:
      throw new Error(`scalar ${ScalarType[type]} is not in any message of unary calls`);
  }
}

/** The message as the hand-written code has it. */
function plain<T>(message: T): PlainMessage<T> {
  if (Array.isArray(message)) return message.map(plain) as PlainMessage<T>;
  if (typeof message !== "object" || message === null) return message as PlainMessage<T>;
  const fields = Object.entries(message).filter(([name]) => !name.startsWith("$"));
  return Object.fromEntries(fields.map(([name, value]) => [name, plain(value)])) as PlainMessage<T>;
}

interface Request {
  readonly name: string;
  readonly schema: DescMessage;
  readonly encode: (message: never) => Uint8Array;
}
interface Answer {
  readonly name: string;
  readonly schema: DescMessage;
  readonly decode: (bytes: Uint8Array) => unknown;
}
const requests: Request[] = [
  { name: "AllowBatchRequest", schema: AllowBatchRequestSchema, encode: encodeAllowBatchRequest },
  { name: "PeekRequest", schema: PeekRequestSchema, encode: encodePeekRequest },
  { name: "GetTermsRequest", schema: GetTermsRequestSchema, encode: encodeGetTermsRequest },
  { name: "GetTopologyRequest", schema: GetTopologyRequestSchema, encode: encodeGetTopologyRequest },
];
const answers: Answer[] = [
  { name: "AllowBatchResponse", schema: AllowBatchResponseSchema, decode: decodeAllowBatchResponse },
  { name: "PeekResponse", schema: PeekResponseSchema, decode: decodePeekResponse },
  { name: "GetTermsResponse", schema: GetTermsResponseSchema, decode: decodeGetTermsResponse },
  { name: "GetTopologyResponse", schema: GetTopologyResponseSchema, decode: decodeGetTopologyResponse },
  { name: "ErrorDetail", schema: ErrorDetailSchema, decode: decodeErrorDetail },
];

test.each(requests)("$name has the bytes that the generated code writes", ({ schema, encode }) => {
  fc.assert(
    fc.property(anyOf(schema), (message) => {
      expect(String(encode(plain(message) as never))).toBe(String(toBinary(schema, message)));
    }),
    { numRuns: RUNS },
  );
});

describe.each(answers)("$name", ({ schema, decode }) => {
  test("reads back as the generated code wrote it, and without fields of the future", () => {
    // Field 100, a text; field 101, a number.
    const future = [0xa2, 0x06, 2, 0x61, 0x62, 0xa8, 0x06, 0x96, 0x01];
    fc.assert(
      fc.property(anyOf(schema), fc.boolean(), (message, isNewer) => {
        const bytes = toBinary(schema, message);
        expect(decode(isNewer ? Uint8Array.of(...bytes, ...future) : bytes)).toEqual(plain(message));
      }),
      { numRuns: RUNS },
    );
  });

  test("reads the pieces of one message, one after the other, as the generated code does", () => {
    fc.assert(
      fc.property(anyOf(schema), anyOf(schema), (one, other) => {
        const bytes = Uint8Array.of(...toBinary(schema, one), ...toBinary(schema, other));
        expect(decode(bytes)).toEqual(plain(fromBinary(schema, bytes)));
      }),
      { numRuns: RUNS },
    );
  });

  test("reads damaged bytes as the generated code does, or throws CodecError", () => {
    const damaged = fc
      .tuple(anyOf(schema), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat(64))
      .map(([message, edits, cut]) => {
        const bytes = toBinary(schema, message);
        for (const [at, value] of edits) if (bytes.length > 0) bytes[at % bytes.length] = value;
        return bytes.subarray(0, bytes.length - Math.min(bytes.length, cut > 32 ? 0 : cut));
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), damaged), (bytes) => {
        let decoded: unknown;
        try {
          decoded = decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
          return;
        }
        expect(decoded).toEqual(plain(fromBinary(schema, bytes)));
      }),
      { numRuns: 1_000 },
    );
  });
});

test("a number that the wire cannot hold is refused with its field", () => {
  const check = { key: "k", cost: -1, rule: undefined };
  const peek = { check, noForward: false, namespace: "", deadlineMs: 1 };
  expect(() => encodePeekRequest(peek)).toThrow(/cost: -1 is not a whole number/);
});
