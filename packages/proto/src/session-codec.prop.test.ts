import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Algorithm,
  decodeSessionRequest,
  decodeSessionResponse,
  encodeFrame,
  encodeFrameReply,
  type FrameColumns,
  type ResultValues,
  SessionRequestSchema,
  SessionResponseSchema,
  type Source,
} from "./index.ts";
import { CodecError } from "./session-codec.ts";

// Present in every runtime that runs this test; the package itself compiles without them.
declare const TextDecoder: new () => { decode(bytes: Uint8Array): string };
declare const TextEncoder: new () => { encode(text: string): Uint8Array };

const text = new TextDecoder();
const RUNS = 200;
const u64 = fc.oneof(fc.nat(300), fc.maxSafeNat());
const key = fc.string({ unit: "binary", minLength: 1, maxLength: 100 });
const u31 = fc.oneof(fc.nat(200), fc.nat(0x7fff_ffff));

const rule = fc.record({
  limit: u31,
  windowUs: u64,
  algorithm: fc.nat(2),
  burst: u31,
  policy: fc.string({ unit: "binary", maxLength: 30 }),
});

/** Columns that agree with each other, as `encodeFrame` demands. */
const frames: fc.Arbitrary<FrameColumns> = fc
  .record({
    firstNumber: u64,
    ackedThrough: u64,
    firstAttempt: fc.boolean(),
    deadlineMs: fc.nat(0xffff_ffff),
    rules: fc.array(rule, { minLength: 1, maxLength: 5 }),
    keys: fc.array(key, { minLength: 1, maxLength: 40 }),
    indexSeeds: fc.option(fc.array(fc.nat(1000), { minLength: 40, maxLength: 40 })),
    costSeeds: fc.option(fc.array(fc.integer({ min: 1, max: 0x7fff_ffff }), { minLength: 40, maxLength: 40 })),
    cuts: fc.option(fc.array(fc.boolean(), { minLength: 40, maxLength: 40 })),
    verbSeeds: fc.option(fc.array(fc.nat(255), { minLength: 40, maxLength: 40 })),
    ttlSeeds: fc.option(fc.array(u64, { minLength: 40, maxLength: 40 })),
    handleSeeds: fc.option(fc.array(u64, { minLength: 40, maxLength: 40 })),
  })
  .map(({ indexSeeds, costSeeds, cuts, verbSeeds, ttlSeeds, handleSeeds, ...rest }) => ({
    ...rest,
    verbs: verbSeeds?.slice(0, cuts === null ? rest.keys.length : sizesFrom(cuts, rest.keys.length).length) ?? null,
    ttlsMs: ttlSeeds?.slice(0, rest.keys.length) ?? null,
    handles: handleSeeds?.slice(0, rest.keys.length) ?? null,
    ruleIndexes: indexSeeds?.slice(0, rest.keys.length).map((seed) => seed % rest.rules.length) ?? null,
    costs: costSeeds?.slice(0, rest.keys.length) ?? null,
    sizes: cuts === null ? null : sizesFrom(cuts, rest.keys.length),
  }));

function sizesFrom(cuts: readonly boolean[], items: number): number[] {
  const sizes = [1];
  for (let i = 1; i < items; i++) {
    if (cuts[i]) sizes.push(1);
    else sizes[sizes.length - 1]! += 1;
  }
  return sizes;
}

/** The same frame through the generated code: the other opinion on every byte. */
function generatedFrame(columns: FrameColumns): Uint8Array {
  return toBinary(
    SessionRequestSchema,
    create(SessionRequestSchema, {
      message: {
        case: "frame",
        value: {
          firstNumber: BigInt(columns.firstNumber),
          ackedThrough: BigInt(columns.ackedThrough),
          firstAttempt: columns.firstAttempt,
          deadlineMs: columns.deadlineMs,
          rules: columns.rules.map((each) => ({
            ...each,
            algorithm: each.algorithm as Algorithm,
            windowUs: BigInt(each.windowUs),
          })),
          keys: [...columns.keys],
          ruleIndexes: Array.from(columns.ruleIndexes ?? []),
          costs: Array.from(columns.costs ?? []),
          sizes: Array.from(columns.sizes ?? []),
          verbs: Array.from(columns.verbs ?? []),
          ttlsMs: Array.from(columns.ttlsMs ?? [], BigInt),
          handles: Array.from(columns.handles ?? [], BigInt),
        },
      },
    }),
  );
}

test("a frame has the bytes that the generated code writes, and reads back as it was", () => {
  fc.assert(
    fc.property(frames, (columns) => {
      const bytes = encodeFrame(columns);
      expect(bytes).toEqual(generatedFrame(columns));
      const decoded = decodeSessionRequest(bytes);
      if (decoded.kind !== "frame") throw new Error("not a frame");
      const { frame } = decoded;
      const keys = Array.from(columns.keys, (_, i) =>
        text.decode(frame.keyBytes.subarray(frame.keyStarts[i]!, frame.keyStarts[i]! + frame.keyLengths[i]!)),
      );
      expect(keys).toEqual(columns.keys.map((each) => text.decode(new TextEncoder().encode(each))));
      expect(frame).toMatchObject({
        firstNumber: columns.firstNumber,
        ackedThrough: columns.ackedThrough,
        firstAttempt: columns.firstAttempt,
        deadlineMs: columns.deadlineMs,
        rules: columns.rules,
        items: columns.keys.length,
        calls: columns.sizes?.length ?? columns.keys.length,
      });
      expect(frame.ruleIndexes && [...frame.ruleIndexes]).toEqual(columns.ruleIndexes);
      expect(frame.costs && [...frame.costs]).toEqual(columns.costs);
      expect(frame.sizes && [...frame.sizes]).toEqual(columns.sizes);
      expect(frame.verbs && [...frame.verbs]).toEqual(columns.verbs);
      expect(frame.ttlsMs && [...frame.ttlsMs]).toEqual(columns.ttlsMs);
      expect(frame.handles && [...frame.handles]).toEqual(columns.handles);
    }),
    { numRuns: RUNS },
  );
});

const results = fc.array(
  fc.record({
    outcome: fc.constantFrom(1, 2, 16, 19),
    remaining: u31,
    reset: fc.nat(34_560_000_000),
    retry: fc.integer({ min: -1, max: 34_560_000_000 }),
    firm: fc.constantFrom(0, 0, 7, 86_400_000),
    handle: fc.constantFrom(0, 0, 0, 1, Number.MAX_SAFE_INTEGER),
    shadow: fc.constantFrom(0, 0, 0, 2, 4),
    limit: u31,
  }),
  { maxLength: 50 },
);

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

/** Lengths of settled calls and of gaps in turns, for so many calls; null: they are in a row. */
function runsOf(calls: number, seed: number): number[] | null {
  if (calls < 2 || seed % 3 === 0) return null;
  const runs: number[] = [];
  for (let rest = calls; rest > 0; ) {
    const run = Math.min(rest, 1 + ((seed * (rest + 7)) % 4));
    if (runs.length > 0) runs.push(1 + ((seed + rest) % 5));
    runs.push(run);
    rest -= run;
  }
  return runs;
}

test("a reply has the bytes that the generated code writes, and reads back as it was, from any range", () => {
  fc.assert(
    fc.property(results, u64, u64, u64, fc.nat(2), fc.nat(15), (rows, first, index, stampUs, source, seed) => {
      const asOf = (seed & 8) === 8 ? {} : { asOfIndex: stampUs };
      const lead = (seed >> 1) & 3;
      const tellLimits = (seed & 1) === 1;
      const runs = runsOf(rows.length, seed);
      const before = { outcome: 9, remaining: 9, reset: 9, retry: 9, firm: 9, handle: 9, shadow: 9, limit: 9 };
      const padded = [...Array<typeof before>(lead).fill(before), ...rows];
      const values: ResultValues = {
        outcomes: Uint8Array.from(padded, (row) => row.outcome),
        remaining: Float64Array.from(padded, (row) => row.remaining),
        resetAfterMs: Float64Array.from(padded, (row) => row.reset),
        retryAfterMs: Float64Array.from(padded, (row) => row.retry),
        firmForMs: Float64Array.from(padded, (row) => row.firm),
        handles: Float64Array.from(padded, (row) => row.handle),
        shadows: Uint8Array.from(padded, (row) => row.shadow),
        limits: Float64Array.from(padded, (row) => row.limit),
      };
      const bytes = encodeFrameReply({
        firstNumber: first,
        calls: rows.length,
        index,
        ...asOf,
        stampUs,
        policyVersion: 3,
        source,
        results: values,
        tellLimits,
        fromItem: lead,
        toItem: padded.length,
        runs,
      });
      const allAllowed = rows.every((row) => row.outcome === 1);
      const noneFirm = rows.every((row) => row.firm === 0);
      const value = {
        firstNumber: BigInt(first),
        index: BigInt(index),
        stampUs: BigInt(stampUs),
        policyVersion: 3n,
        outcomes: rows.map((row) => row.outcome),
        remaining: rows.map((row) => row.remaining),
        resetAfterMs: rows.map((row) => BigInt(row.reset)),
        retryAfterMsPlusOne: allAllowed ? [] : rows.map((row) => BigInt(row.retry + 1)),
        firmForMs: noneFirm ? [] : rows.map((row) => BigInt(row.firm)),
        calls: rows.length,
        source: source as Source,
        handles: rows.some((row) => row.handle !== 0) ? rows.map((row) => BigInt(row.handle)) : [],
        shadows: rows.some((row) => row.shadow !== 0) ? rows.map((row) => row.shadow) : [],
        limits: tellLimits ? rows.map((row) => row.limit) : [],
        asOfIndex: BigInt(asOf.asOfIndex === undefined || asOf.asOfIndex === index ? 0 : asOf.asOfIndex),
        runs: runs ?? [],
      };
      const generated = create(SessionResponseSchema, { message: { case: "reply", value } });
      expect(bytes).toEqual(toBinary(SessionResponseSchema, generated));
      const decoded = decodeSessionResponse(bytes);
      if (decoded.kind !== "reply") throw new Error("not a reply");
      expect(decoded.reply).toMatchObject({ firstNumber: first, index, stampUs, source, items: rows.length });
      const offsets = runs?.flatMap((run, at) => (at % 2 === 0 ? [[sum(runs.slice(0, at)), run] as const] : []));
      expect(decoded.reply.offsets && [...decoded.reply.offsets]).toEqual(
        offsets?.flatMap(([from, run]) => Array.from({ length: run }, (_, i) => from + i)) ?? null,
      );
      expect(decoded.reply.asOfIndex).toBe(value.asOfIndex === 0n ? index : Number(value.asOfIndex));
      expect([...decoded.reply.outcomes]).toEqual(value.outcomes);
      expect([...decoded.reply.remaining]).toEqual(value.remaining);
      expect([...decoded.reply.resetAfterMs]).toEqual(rows.map((row) => row.reset));
      expect([...decoded.reply.retryAfterMs]).toEqual(rows.map((row) => (allAllowed ? 0 : row.retry)));
      expect([...decoded.reply.firmForMs]).toEqual(rows.map((row) => row.firm));
      expect([...decoded.reply.handles]).toEqual(rows.map((row) => row.handle));
      expect([...decoded.reply.shadows]).toEqual(rows.map((row) => row.shadow));
      expect(decoded.reply.limits && [...decoded.reply.limits]).toEqual(
        tellLimits && rows.length > 0 ? rows.map((row) => row.limit) : null,
      );
    }),
    { numRuns: RUNS },
  );
});

test("any bytes either decode or throw CodecError", () => {
  const mutated = fc
    .tuple(frames, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }), fc.nat(64))
    .map(([columns, edits, cut]) => {
      const bytes = encodeFrame(columns);
      for (const [at, value] of edits) bytes[at % bytes.length] = value;
      return bytes.subarray(0, bytes.length - (cut % bytes.length));
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated), (bytes) => {
      for (const decode of [decodeSessionRequest, decodeSessionResponse]) {
        try {
          decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
        }
      }
    }),
    { numRuns: 1_000 },
  );
});

test("what the hand-written decoder accepts, the generated code reads alike", () => {
  const mutated = fc.tuple(frames, fc.nat(), fc.nat(255)).map(([columns, at, value]) => {
    const bytes = encodeFrame(columns);
    bytes[at % bytes.length] = value;
    return bytes;
  });
  fc.assert(
    fc.property(mutated, (bytes) => {
      let decoded: ReturnType<typeof decodeSessionRequest>;
      try {
        decoded = decodeSessionRequest(bytes);
      } catch {
        return;
      }
      const { message } = fromBinary(SessionRequestSchema, bytes);
      if (decoded.kind === "message") {
        expect(message).toEqual(decoded.message.message);
        return;
      }
      if (message.case !== "frame") throw new Error("the generated code saw no frame");
      expect(decoded.frame.firstNumber).toBe(Number(message.value.firstNumber));
      expect(decoded.frame.items).toBe(message.value.keys.length);
      expect([...(decoded.frame.costs ?? [])]).toEqual(message.value.costs);
      expect([...(decoded.frame.verbs ?? [])]).toEqual(message.value.verbs);
      expect([...(decoded.frame.ttlsMs ?? [])]).toEqual(message.value.ttlsMs.map(Number));
      expect([...(decoded.frame.handles ?? [])]).toEqual(message.value.handles.map(Number));
      expect(decoded.frame.rules).toMatchObject(
        message.value.rules.map((each) => ({
          limit: each.limit,
          windowUs: Number(each.windowUs),
          policy: each.policy,
        })),
      );
    }),
    { numRuns: 500 },
  );
});
