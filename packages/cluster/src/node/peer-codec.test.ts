import { type Message, MessageType } from "@quorumguard/raft";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteReader, ByteWriter, PeerFormatError } from "./bytes.ts";
import { readReply, readRequest, writeDecided, writeFailed, writeOperated, writeRequest } from "./forward-codec.ts";
import { decodeFounding, decodeHello, encodeFounding, encodeHello, type Hello } from "./hello-codec.ts";
import { decodeEnvelope, decodeMessage, type Envelope, encodeEnvelope, encodeMessage } from "./peer-codec.ts";

const u53 = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const bytes = fc.uint8Array({ maxLength: 40 });
const types = [
  MessageType.app,
  MessageType.appResp,
  MessageType.vote,
  MessageType.heartbeat,
  MessageType.snap,
] as const;

const message: fc.Arbitrary<Message> = fc
  .record({
    type: fc.constantFrom(...types),
    term: u53,
    logTerm: u53,
    index: u53,
    commit: u53,
    rejectHint: u53,
    reject: fc.boolean(),
    firstIndex: fc.integer({ min: 1, max: 2 ** 40 }),
    datas: fc.array(fc.tuple(u53, fc.constantFrom(0, 1, 2) as fc.Arbitrary<0 | 1 | 2>, bytes), { maxLength: 4 }),
    context: fc.option(bytes, { nil: null }),
    snapshot: fc.option(
      fc.record({
        index: u53,
        term: u53,
        confState: fc.record({
          voters: fc.array(u53, { maxLength: 3 }),
          votersOutgoing: fc.array(u53, { maxLength: 3 }),
          learners: fc.array(u53, { maxLength: 3 }),
          learnersNext: fc.array(u53, { maxLength: 3 }),
          autoLeave: fc.boolean(),
        }),
        data: bytes,
      }),
      { nil: null },
    ),
  })
  .map(({ firstIndex, datas, ...rest }) => ({
    ...rest,
    to: 2,
    from: 1,
    vote: 0,
    responses: [],
    entries: datas.map(([term, type, data], i) => ({ term, type, data, index: firstIndex + i })),
  }));

const envelope: fc.Arbitrary<Envelope> = fc.record({
  stampUs: u53,
  stampLive: fc.boolean(),
  stampTerm: fc.nat(),
  wallUs: u53,
  probeMs: fc.double({ noNaN: true, noDefaultInfinity: true }),
  probeWallMs: fc.double({ noNaN: true, noDefaultInfinity: true }),
  echoMs: fc.double({ noNaN: true, noDefaultInfinity: true }),
  echoWallMs: fc.double({ noNaN: true, noDefaultInfinity: true }),
  hashIndex: u53,
  hash: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => value.toString(16).padStart(16, "0")),
  messages: fc.array(message, { maxLength: 4 }),
});

const hello: Hello = {
  nodeId: 3,
  bootId: "00ff00ff00ff00ff",
  clusterId: "0123456789abcdef0123456789abcdef",
  nonce: "fedcba9876543210fedcba9876543210",
  phase: 1,
  founders: [1, 2, 3],
  address: "10.0.0.3:7401",
  origin: [{ nodeId: 1, address: "", nonce: "fedcba9876543210fedcba9876543210" }],
  members: [{ nodeId: 4, address: "[::1]:7401", nonce: "" }],
  droppedLastFrame: true,
  damaged: true,
  term: 7,
  lastTerm: 6,
  lastIndex: 12,
};

/** Any input either decodes or is refused as malformed; nothing else may happen. */
function isTotal(decode: (input: Uint8Array) => unknown, sample: Uint8Array): void {
  const attempt = (input: Uint8Array): void => {
    try {
      decode(input);
    } catch (error) {
      expect(error).toBeInstanceOf(PeerFormatError);
    }
  };
  for (let length = 0; length < sample.length; length++) {
    expect(() => decode(sample.subarray(0, length))).toThrow(PeerFormatError);
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), attempt));
  const flip = fc.array(fc.tuple(fc.nat({ max: sample.length - 1 }), fc.nat({ max: 255 })), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(flip, (changes) => {
      const damaged = sample.slice();
      for (const [at, value] of changes) damaged[at] = value;
      attempt(damaged);
    }),
    { numRuns: 500 },
  );
}

describe("between peers", () => {
  test("an envelope arrives as it was sent", () => {
    fc.assert(
      fc.property(envelope, (sent) => {
        expect(decodeEnvelope(encodeEnvelope(sent), 1, 2)).toEqual(sent);
      }),
    );
  });

  test("a message alone, as the head of a snapshot, arrives as it was sent", () => {
    fc.assert(
      fc.property(message, (sent) => {
        expect(decodeMessage(encodeMessage(sent), 1, 2)).toEqual(sent);
      }),
    );
  });

  test("a hello and a founding frame arrive as they were sent", () => {
    expect(decodeHello(encodeHello(hello))).toEqual(hello);
    expect(decodeFounding(encodeFounding(hello))).toEqual(hello);
  });

  test("no bytes do worse than be refused", () => {
    const [sent] = fc.sample(
      envelope.filter((value) => value.messages.length > 2),
      { numRuns: 1, seed: 4 },
    );
    isTotal((input) => decodeEnvelope(input, 1, 2), encodeEnvelope(sent!));
    isTotal(decodeHello, encodeHello(hello));
    isTotal(decodeFounding, encodeFounding(hello));
  });

  test("messages that a node only sends to itself are refused from outside", () => {
    const [sent] = fc.sample(message, 1);
    for (const type of [MessageType.hup, MessageType.prop, MessageType.storageAppend, MessageType.transferLeader]) {
      expect(() => decodeMessage(encodeMessage({ ...sent!, type }), 1, 2)).toThrow("does not travel between nodes");
    }
  });

  test("a count larger than the frame is refused before anything is allocated for it", () => {
    const out = new ByteWriter();
    out.u32(0xffff_ffff);
    expect(() => new ByteReader(out.take()).count(8)).toThrow(PeerFormatError);
  });
});

describe("forwarded calls", () => {
  test("requests arrive as they were sent", () => {
    const request = fc.record({
      id: u53,
      kind: fc.constantFrom("calls", "peek", "operation" as const),
      firstAttempt: fc.boolean(),
      deadlineMs: fc.nat(),
      operation: bytes,
    });
    fc.assert(
      fc.property(request, (sent) => {
        const out = new ByteWriter();
        writeRequest(out, sent as Parameters<typeof writeRequest>[1]);
        expect(readRequest(new ByteReader(out.take()), 1_000)).toEqual(sent);
      }),
    );
  });

  test("replies arrive as they were sent, cut to the items that they answer", () => {
    const results = {
      items: 3,
      outcomes: Uint8Array.of(9, 1, 2),
      remaining: Float64Array.of(9, 4, 0),
      resetAfterMs: Float64Array.of(9, 5, 6),
      retryAfterMs: Float64Array.of(9, 0, -1),
      firmForMs: Float64Array.of(9, 0, 7),
      handles: Float64Array.of(9, 12, 0),
      limits: Float64Array.of(9, 5, 6),
      shadows: Uint8Array.of(9, 2, 0),
    };
    const out = new ByteWriter();
    writeDecided(out, 5, 2, 4, { index: 8, asOfIndex: 8, stampUs: 9, source: "quorum", repeated: true }, results, 1, 2);
    expect(readReply(new ByteReader(out.take()))).toMatchObject({
      id: 5,
      fromCall: 2,
      toCall: 4,
      facts: { index: 8, asOfIndex: 8, stampUs: 9, source: "quorum", repeated: true },
      results: {
        items: 2,
        outcomes: Uint8Array.of(1, 2),
        remaining: Float64Array.of(4, 0),
        resetAfterMs: Float64Array.of(5, 6),
        retryAfterMs: Float64Array.of(0, -1),
        firmForMs: Float64Array.of(0, 7),
        handles: Float64Array.of(12, 0),
        limits: Float64Array.of(5, 6),
        shadows: Uint8Array.of(2, 0),
      },
    });
    const failure = {
      reason: "overloaded",
      applied: "unknown",
      message: "ü",
      retryAfterMs: 3,
      leaderId: 2,
      term: 1,
    } as const;
    out.reset();
    writeFailed(out, 6, 0, 1, failure);
    const failed = out.take();
    expect(readReply(new ByteReader(failed))).toEqual({ id: 6, kind: "failed", fromCall: 0, toCall: 1, failure });
    isTotal((input) => readReply(new ByteReader(input)), failed);
  });

  test("every result of an operation has a form", () => {
    const all = [
      { kind: "registered", session: { index: 3, position: 1 } },
      { kind: "refused", reason: "too-old" },
      { kind: "refused", reason: "sessions-full" },
      { kind: "renewed", known: true },
      { kind: "renewed", known: false },
      { kind: "administered", result: { version: 7, changed: 2, error: null } },
      {
        kind: "administered",
        result: { version: 7, changed: 0, error: { code: "not-found", field: "change", message: "there is none" } },
      },
      { kind: "closed", known: true },
      { kind: "closed", known: false },
      { kind: "bounds" },
    ] as const;
    for (const result of all) {
      const out = new ByteWriter();
      writeOperated(out, 1, result);
      expect(readReply(new ByteReader(out.take()))).toEqual({ id: 1, kind: "operated", result });
    }
  });
});
